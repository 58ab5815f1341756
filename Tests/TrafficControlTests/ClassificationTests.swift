import Routing
import Testing

@testable import TrafficControl

/// What becomes of packets.
@Suite struct ClassificationTests {
    private let lab = TrafficLab()

    private func add(_ port: Int, _ fill: (inout FilterWrite) -> Void = { _ in }, _ actions: ActionContent...) {
        let outcome = lab.write(
            TrafficLab.flower(port) {
                fill(&$0)
                $0.actions = actions.map { ActionDraft($0) }
            })
        #expect(!outcome.hasPrefix("E"), "\(outcome)")
    }

    private func packet(_ port: Int, _ type: EtherType = .ip) -> Packet {
        var bits = FlowBits()
        (bits[.etherType], bits[.ipProtocol], bits[.dstPort]) = (UInt128(type.rawValue), 6, UInt128(port))
        return Packet(type, bits, length: 100)
    }

    /// The verdict, and the places of the filters that were met.
    private func outcome(_ port: Int, _ type: EtherType = .ip) -> String {
        let result = lab.block.classify(packet(port, type), traces: true)
        let met = result.steps.compactMap { step in
            step.proto.map { "\(step.chain)/\($0.priority)/\(step.filter?.handle ?? 0)\(step.isOfProtocol ? "" : "!")" }
        }
        return "\(result.verdict?.name ?? "none")\(result.isLooped ? " looped" : "") \(met.joined(separator: " "))"
    }

    private func gact(_ verdict: Verdict) -> ActionContent { .gact(Gact(verdict)) }

    @Test("R4-50: chain 0, priorities ascending, those of the packet's protocol; continue goes on, all else ends")
    func order() {
        add(80, { $0.priority = 2 }, gact(.drop))
        add(80, { $0.priority = 1 }, gact(.continue))
        add(81, { $0.priority = 3 }, gact(.pass))
        #expect(outcome(80) == "drop 0/1/1 0/2/1")
        #expect(outcome(81) == "pass 0/1/0 0/2/0 0/3/1")
        #expect(outcome(82) == "none 0/1/0 0/2/0 0/3/0")
        #expect(outcome(80, .ipv6) == "none 0/1/0! 0/2/0! 0/3/0!")
        #expect(lab.write(TrafficLab.matchall { $0.priority = 9 }) == "0/9/1")
        #expect(outcome(82, .ipv6) == "pass 0/1/0! 0/2/0! 0/3/0! 0/9/1")
    }

    @Test("A filter without actions lets packets pass; a list that ends with pipe ends the search")
    func withoutActions() {
        add(80, { $0.priority = 1 })
        add(81, { $0.priority = 1 }, gact(.pipe))
        add(81, { $0.priority = 2 }, gact(.drop))
        #expect(outcome(80) == "pass 0/1/1")
        #expect(outcome(81) == "pipe 0/1/2")
    }

    @Test(
        "R4-51, R4-56: goto goes on at the head of that chain, and never back; a chain that no one goes to is never met"
    )
    func chains() {
        add(80, { ($0.chain, $0.priority) = (0, 1) }, gact(.goto(chain: 7)))
        add(80, { ($0.chain, $0.priority) = (0, 2) }, gact(.trap))
        #expect(outcome(80) == "none 0/1/1")
        add(81, { ($0.chain, $0.priority) = (7, 1) }, gact(.drop))
        #expect(outcome(80) == "none 0/1/1 7/1/0")
        add(80, { ($0.chain, $0.priority) = (7, 2) }, gact(.drop))
        add(80, { ($0.chain, $0.priority) = (8, 2) }, gact(.stolen))
        #expect(outcome(80) == "drop 0/1/1 7/1/0 7/2/1")
        #expect(lab.delete { $0.chain = 7 } == "2")
        #expect(outcome(80) == "none 0/1/1")
    }

    @Test("R4-52: reclassify begins anew; the 17th move of a packet drops it")
    func loops() {
        add(80, { $0.priority = 1 }, gact(.reclassify))
        #expect(outcome(80) == "drop looped " + Array(repeating: "0/1/1", count: 17).joined(separator: " "))
        add(81, { $0.priority = 2 }, gact(.goto(chain: 1)))
        add(81, { ($0.chain, $0.priority) = (1, 1) }, gact(.goto(chain: 0)))
        #expect(outcome(81).hasPrefix("drop looped 0/1/0 0/2/1 1/1/1 0/1/0"))
    }

    @Test("R4-53: what is for hardware alone is passed over")
    func hardwareAlone() throws {
        lab.traffic.add(HardwareRoom())
        try lab.bind()
        add(80, { ($0.priority, $0.flags) = (1, .skipSW) }, gact(.drop))
        #expect(outcome(80) == "none 0/1/0")
        #expect(lab.write(TrafficLab.matchall { ($0.priority, $0.flags) = (2, .skipSW) }) == "0/2/1")
        #expect(outcome(80) == "none 0/1/0 0/2/0")
    }

    @Test("R4-99: actions count what they meet, and what they drop; classifying without counting leaves them alone")
    func counters() throws {
        add(80, { $0.priority = 1 }, gact(.pipe), gact(.drop), gact(.trap))
        for _ in 0..<3 { _ = lab.block.classify(packet(80)) }
        _ = lab.block.classify(packet(80), counts: false)
        let actions = try #require(lab.block.contents.chains.first?.protos.first?.filters.first?.content.actions)
        #expect(actions.map(\.counters.packets) == [3, 3, 0])
        #expect(actions.map(\.counters.bytes) == [300, 300, 0])
        #expect(actions.map(\.counters.drops) == [0, 3, 0])
        #expect(actions.map(\.counters.firstUsed) == [1_000, 1_000, 0])
    }

    @Test("A gact that does otherwise every so many packets")
    func determ() throws {
        add(80, { $0.priority = 1 }, .gact(Gact(.pass, random: try Gact.Random(.determ, .drop, value: 3))))
        let verdicts = (0..<6).map { _ in lab.block.classify(packet(80)).verdict?.name ?? "" }
        #expect(verdicts == ["pass", "pass", "drop", "pass", "pass", "drop"])
        add(81, { $0.priority = 1 }, .gact(Gact(.pass, random: try Gact.Random(.netrand, .drop, value: 2))))
        let found = Set((0..<200).map { _ in lab.block.classify(packet(81)).verdict?.name ?? "" })
        #expect(found == ["pass", "drop"])
    }

    @Test("R4-76: a change is met by the very next packet, whatever was looked up before")
    func changesAreSeen() {
        for round in 0..<20 {
            #expect(outcome(80) == "none ")
            add(80, { $0.priority = 5 }, gact(.drop))
            #expect(outcome(80) == "drop 0/5/1", "round \(round)")
            #expect(lab.delete { ($0.priority, $0.handle) = (5, 1) } == "1")
        }
    }

    @Test("Of a way through very many priorities the first steps are noted, and the others counted")
    func longTrace() {
        for priority in UInt16(1)...1_500 { add(80, { $0.priority = priority }, gact(.continue)) }
        let result = lab.block.classify(packet(80), traces: true)
        #expect(result.steps.count == 1_024 && result.omitted == 477)
        #expect(result.steps.last?.proto?.priority == 1_023)
        let other = lab.block.classify(packet(81), traces: true)
        #expect(other.steps.count == 1_024 && other.omitted == 477 && other.verdict == nil)
    }
}
