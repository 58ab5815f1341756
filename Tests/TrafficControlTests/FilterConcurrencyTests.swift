import ChangeLog
import Routing
import TestSupport
import Testing
import Threads

@testable import TrafficControl

/// Several who change the filters of one block at once.
@Suite(.serialized) struct FilterConcurrencyTests {
    private let lab = TrafficLab()
    private let tally = Tally()

    /// How often what came about.
    private final class Tally: Sendable {
        private let counts = Locked<[String: Int]>([:], rank: .leaf)
        func count(_ what: String) { counts.withLock { $0[what, default: 0] += 1 } }
        subscript(what: String) -> Int { counts.withLock { $0[what] ?? 0 } }
        var all: [String: Int] { counts.withLock { $0 } }
    }

    /// Each on a thread of its own.
    private func together(_ count: Int, _ body: @escaping @Sendable (Int) -> Void) {
        let threads = (0..<count).map { index in Thread(name: "writer-\(index)") { body(index) } }
        for thread in threads { thread.join() }
    }

    @Test(
        "R4-73: ten who add, replace and remove filters of their own all succeed, in one priority too",
        arguments: [false, true])
    func distinctFilters(sharesPriority: Bool) {
        let (lab, tally, each) = (lab, tally, 300)
        @Sendable func priority(_ writer: Int) -> UInt16 { UInt16(sharesPriority ? 1 : writer + 1) }
        for verb in [FilterWrite.Verb.add, .replace] {
            together(10) { writer in
                for number in 0..<each {
                    let port = writer * each + number + 1
                    let outcome = lab.write(
                        TrafficLab.flower(port) {
                            ($0.verb, $0.priority, $0.handle) = (verb, priority(writer), UInt32(port))
                            $0.actions = [ActionDraft(.gact(Gact(.drop)))]
                        })
                    tally.count(outcome.hasPrefix("E") ? outcome : "written")
                }
            }
            lab.check()
            #expect(lab.block.contents.chains.flatMap(\.protos).reduce(0) { $0 + $1.filters.count } == 10 * each)
        }
        together(10) { writer in
            for number in 0..<each {
                let handle = UInt32(writer * each + number + 1)
                tally.count(lab.delete { ($0.priority, $0.handle, $0.kind) = (priority(writer), handle, "flower") })
            }
        }
        #expect(tally.all == ["written": 20 * each, "1": 10 * each])
        lab.check()
        #expect(lab.block.contents.chains.isEmpty)
    }

    @Test("R4-73: of several who remove the same filters each filter is removed once, and the others get ENOENT")
    func sameFilters() {
        let (lab, tally) = (lab, tally)
        for port in 1...400 { _ = lab.write(TrafficLab.flower(port) { $0.priority = 1 }) }
        together(4) { _ in
            for handle in 1...400 {
                let outcome = lab.delete { ($0.priority, $0.handle, $0.kind) = (1, UInt32(handle), "flower") }
                tally.count(String(outcome.prefix(6)))
            }
        }
        #expect(tally.all == ["1": 400, "ENOENT": 1_200])
        lab.check()
    }

    @Test("R4-65, R4-66, R4-68: a priority that is emptied while others fill it neither loses a filter nor stays empty")
    func emptiedAndFilled() {
        let (lab, tally) = (lab, tally)
        together(6) { writer in
            for round in 0..<300 {
                let (handle, chain) = (UInt32(writer + 1), UInt32(round % 2))
                let added = lab.write(
                    TrafficLab.flower(writer + 1) { ($0.priority, $0.handle, $0.chain) = (1, handle, chain) })
                let removed = lab.delete {
                    ($0.priority, $0.handle, $0.kind, $0.chain) = (1, handle, "flower", chain)
                }
                tally.count(added.hasPrefix("E") ? added : "added")
                tally.count(removed)
            }
        }
        #expect(tally.all == ["added": 1_800, "1": 1_800])
        lab.check()
        #expect(lab.block.contents.chains.isEmpty)
    }

    @Test("R4-41: of many who let a priority be found each gets one of its own")
    func automaticPriorities() {
        let (lab, tally) = (lab, tally)
        together(6) { _ in for _ in 0..<50 { tally.count(lab.write(TrafficLab.flower(80))) } }
        #expect(tally.all == Dictionary(uniqueKeysWithValues: (0..<300).map { ("0/\(49_152 - $0)/1", 1) }))
        lab.check()
    }

    @Test(
        "R4-40, R4-41: who lets a priority be found isn't told that it is another one's, of whatever protocol or kind")
    func automaticPrioritiesOfOthers() {
        let (lab, tally) = (lab, tally)
        together(6) { writer in
            for _ in 0..<50 {
                let write =
                    writer % 3 == 0
                    ? TrafficLab.matchall()
                    : TrafficLab.flower(80) { write in
                        if writer % 3 == 1 { (write.protocol, write.options) = (.arp, ["keys": .object([:])]) }
                    }
                let outcome = lab.write(write)
                tally.count(outcome.hasPrefix("E") ? outcome : "written")
            }
        }
        #expect(tally.all == ["written": 300])
        lab.check()
    }

    @Test("R4-68, R4-95: of filters that make an action of one index at once one makes it, and the others share it")
    func actionsOfOneIndex() {
        let (lab, tally) = (lab, tally)
        together(6) { writer in
            for index in UInt32(1)...100 {
                let outcome = lab.write(
                    TrafficLab.flower(Int(index)) { write in
                        write.priority = UInt16(writer) + 1
                        // In turn the one or the other first.
                        let indices = writer.isMultiple(of: 2) ? [index, index + 1_000] : [index + 1_000, index]
                        write.actions = indices.map { ActionDraft(.gact(Gact(.pipe)), index: $0) }
                    })
                tally.count(outcome.hasPrefix("E") ? outcome : "written")
            }
        }
        #expect(tally.all == ["written": 600])
        lab.check()
        #expect(lab.traffic.actions["gact"]?.image.count == 200)
    }

    @Test("R4-25: of two kinds that come to a new priority at once one is there, and the other is refused")
    func kindsAtOnce() {
        let (lab, tally) = (lab, tally)
        for priority in UInt16(1)...200 {
            together(2) { writer in
                let outcome =
                    writer == 0
                    ? lab.write(TrafficLab.flower(80) { $0.priority = priority })
                    : lab.write(TrafficLab.matchall { ($0.priority, $0.protocol) = (priority, .ip) })
                tally.count(outcome.hasPrefix("E") ? outcome : "written")
            }
        }
        #expect(tally.all == ["written": 200, "EINVAL R4-25": 200])
        lab.check()
    }

    @Test(
        "Whatever runs at once, counts are exact, what was told folds to what is there, and packets meet filters",
        arguments: UInt64(1)...4)
    func everythingAtOnce(seed: UInt64) throws {
        let (lab, tally) = (lab, tally)
        for round in UInt64(0)..<3 {
            let reader = Thread(name: "reader") {
                while tally["end of \(round)"] == 0 {
                    for port in 1...4 where lab.block.classify(Self.packet(port)).verdict != nil { tally.count("met") }
                    _ = lab.block.contents
                }
            }
            together(4) { writer in
                var random = SeededGenerator(seed: seed * 100 + round * 10 + UInt64(writer))
                for _ in 0..<200 { Self.change(lab, &random) }
            }
            tally.count("end of \(round)")
            reader.join()
            lab.check()
        }
        #expect(tally["met"] > 0)
        for chain in UInt32(0)..<3 { _ = lab.delete { $0.chain = chain } }
        lab.check()
        #expect(lab.block.contents.chains.isEmpty && lab.traffic.actions["gact"]?.image.isEmpty == true)
    }

    private static func packet(_ port: Int) -> Packet {
        var bits = FlowBits()
        (bits[.etherType], bits[.ipProtocol], bits[.dstPort]) = (0x800, 6, UInt128(port))
        return Packet(.ip, bits)
    }

    /// Anything; much of it is refused.
    private static func change(_ lab: TrafficLab, _ random: inout SeededGenerator) {
        let chain = UInt32.random(in: 0..<3, using: &random)
        let priority = UInt16.random(in: 1..<4, using: &random)
        let handle = UInt32.random(in: 1..<6, using: &random)
        switch Int.random(in: 0..<20, using: &random) {
        case 0: _ = lab.delete { $0.chain = chain }
        case 1: _ = lab.delete { ($0.chain, $0.priority) = (chain, priority) }
        case 2..<8: _ = lab.delete { ($0.chain, $0.priority, $0.handle, $0.kind) = (chain, priority, handle, "flower") }
        case 8: _ = lab.write(TrafficLab.matchall { ($0.chain, $0.priority) = (chain, priority) })
        default:
            let verb = FilterWrite.Verb.allCases.randomElement(using: &random) ?? .add
            let isAutomatic = Int.random(in: 0..<6, using: &random) == 0
            let verdicts: [Verdict] = [.drop, .pass, .goto(chain: (chain + 1) % 3), .continue]
            let verdict = verdicts.randomElement(using: &random) ?? .drop
            let index: UInt32? = Int.random(in: 0..<3, using: &random) == 0 ? .random(in: 1..<4, using: &random) : nil
            let port = Int.random(in: 1..<5, using: &random)
            _ = lab.write(
                TrafficLab.flower(port) {
                    ($0.chain, $0.verb) = (chain, verb)
                    ($0.priority, $0.handle) = isAutomatic ? (nil, nil) : (priority, handle)
                    $0.actions = [ActionDraft(.gact(Gact(verdict)), index: index)]
                })
        }
    }
}
