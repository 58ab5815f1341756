import ChangeLog
import Routing
import Testing

@testable import TrafficControl

/// What comes of requests for filters, rule by rule.
@Suite struct FilterRuleTests {
    private let lab = TrafficLab()

    private func flower(_ port: Int, _ fill: (inout FilterWrite) -> Void = { _ in }) -> String {
        lab.write(TrafficLab.flower(port, fill))
    }

    private func matchall(_ fill: (inout FilterWrite) -> Void = { _ in }) -> String {
        lab.write(TrafficLab.matchall(fill))
    }

    // MARK: Chains

    @Test("R4-10, R4-15: a chain comes with its first filter and goes with its last, and both are told in order")
    func implicitChains() {
        #expect(flower(80) { ($0.chain, $0.priority) = (7, 1) } == "7/1/1")
        #expect(lab.news() == ["+chain 7", "+filter 7/1/1"])
        #expect(flower(81) { ($0.chain, $0.priority) = (7, 1) } == "7/1/2")
        #expect(lab.delete { ($0.chain, $0.priority, $0.handle) = (7, 1, 1) } == "1")
        #expect(lab.news() == ["+filter 7/1/2", "-filter 7/1/1"])
        #expect(lab.delete { ($0.chain, $0.priority, $0.handle) = (7, 1, 2) } == "1")
        #expect(lab.news() == ["-filter 7/1/2", "-chain 7"])
        lab.check()
        #expect(lab.block.contents.chains.isEmpty)
    }

    @Test("R4-06: chains are listed in the order in which they came, priorities ascending")
    func order() {
        for (chain, priority) in [(9, 5), (0, 3), (4, 1), (0, 1), (9, 2)] as [(UInt32, UInt16)] {
            #expect(flower(80) { ($0.chain, $0.priority) = (chain, priority) } == "\(chain)/\(priority)/1")
        }
        let listed = lab.block.contents.chains.flatMap { chain in
            chain.protos.map { "\(chain.chain.identity.index)/\($0.proto.priority)" }
        }
        #expect(listed == ["9/2", "9/5", "0/1", "0/3", "4/1"])
        lab.check()
    }

    @Test("R4-07: chains are from 0 to 2^28 - 1")
    func chainIndices() {
        #expect(flower(80) { ($0.chain, $0.priority) = (1 << 28 - 1, 1) } == "268435455/1/1")
        #expect(flower(80) { ($0.chain, $0.priority) = (1 << 28, 1) } == "EINVAL R4-07")
    }

    @Test("R4-12: a chain that only actions hold is hidden; a filter makes it visible, and then it is told")
    func hiddenChains() throws {
        let goto = ActionDraft(.gact(Gact(.goto(chain: 5))))
        #expect(flower(80) { ($0.priority, $0.actions) = (1, [goto]) } == "0/1/1")
        #expect(lab.news() == ["+chain 0", "+gact 1", "+filter 0/1/1"])
        #expect(lab.delete { ($0.chain, $0.priority) = (5, 1) } == "ENOENT R4-23")
        #expect(lab.block.contents.chains.map(\.chain.identity.index) == [0])
        #expect(flower(80) { ($0.chain, $0.priority) = (5, 1) } == "5/1/1")
        #expect(lab.news() == ["+chain 5", "+filter 5/1/1"])
        lab.check()
        #expect(lab.delete { ($0.chain, $0.priority) = (5, 1) } == "1")
        #expect(lab.news() == ["-filter 5/1/1", "-chain 5"])
        lab.check()
        #expect(lab.delete { $0.priority = 1 } == "1")
        #expect(lab.news() == ["-filter 0/1/1", "-gact 1", "-chain 0"])
        lab.check()
    }

    // MARK: Writing

    @Test("R4-20, R4-40, R4-41: without a priority one is found, downwards from 49152, each time another")
    func automaticPriorities() {
        #expect(flower(80) == "0/49152/1")
        #expect(flower(80) == "0/49151/1")
        #expect(flower(80) { $0.priority = 40_000 } == "0/40000/1")
        #expect(flower(80) == "0/39999/1")
        #expect(flower(80) { $0.verb = .change } == "ENOENT R4-20")
        lab.check()
    }

    @Test("R4-42: with 32768 taken no automatic priority is left")
    func noPriorityLeft() {
        #expect(flower(80) { $0.priority = 0x8000 } == "0/32768/1")
        #expect(flower(80) == "ENOSPC R4-42")
        lab.check()
    }

    @Test("R4-21, R4-25: a priority has one protocol and one kind (R4-08)")
    func oneProtocol() {
        #expect(flower(80) { $0.priority = 1 } == "0/1/1")
        #expect(flower(80) { ($0.priority, $0.protocol) = (1, .ipv6) } == "EINVAL R4-21")
        #expect(matchall { ($0.priority, $0.protocol) = (1, .ip) } == "EINVAL R4-25")
        #expect(flower(81) { ($0.priority, $0.protocol, $0.kind) = (1, nil, nil) } == "0/1/2")
        lab.check()
    }

    @Test("R4-22, R4-23, R4-24, R4-33: what can't be made leaves no trace")
    func noTrace() {
        #expect(flower(80) { ($0.chain, $0.priority, $0.kind) = (6, 1, nil) } == "EINVAL R4-22")
        #expect(flower(80) { ($0.chain, $0.priority, $0.protocol) = (6, 1, nil) } == "EINVAL R4-22")
        #expect(flower(80) { ($0.chain, $0.priority, $0.verb) = (6, 1, .change) } == "ENOENT R4-23")
        #expect(flower(80) { ($0.chain, $0.priority, $0.kind) = (6, 1, "nosuch") } == "ENOENT R4-24")
        #expect(flower(80) { $0.kind = "a-kind-of-16-byte" } == "EINVAL R4-24")
        #expect(flower(80) { ($0.flags, $0.priority) = ([.skipHW, .skipSW], 1) } == "EINVAL R4-80")
        #expect(flower(80) { $0.options = nil } == "EINVAL R4-90")
        lab.check()
        #expect(lab.block.contents.chains.isEmpty)
        // Those in the way that came to a chain have left it.
        var folded = 0
        for text in lab.news() { folded += text.hasPrefix("+") ? 1 : -1 }
        #expect(folded == 0)
    }

    @Test("R4-26, R4-27, R4-28, R4-32: add, replace and change, of what is there and what isn't")
    func verbs() {
        #expect(flower(80) { ($0.priority, $0.handle) = (1, 9) } == "0/1/9")
        _ = lab.news()
        #expect(flower(81) { ($0.priority, $0.handle) = (1, 9) } == "EEXIST R4-26")
        #expect(flower(81) { ($0.priority, $0.handle, $0.verb) = (1, 8, .change) } == "ENOENT R4-27")
        #expect(lab.news().isEmpty)
        #expect(flower(81) { ($0.priority, $0.handle, $0.verb) = (1, 9, .change) } == "0/1/9")
        #expect(flower(82) { ($0.priority, $0.handle, $0.verb) = (1, 9, .replace) } == "0/1/9")
        #expect(flower(83) { ($0.priority, $0.handle, $0.verb) = (1, 7, .replace) } == "0/1/7")
        #expect(lab.news() == ["~filter 0/1/9", "~filter 0/1/9", "+filter 0/1/7"])
        lab.check()
    }

    @Test("R4-43, R4-45: flower's handles are the lowest that are free; users may say any")
    func handles() {
        #expect((0..<4).map { port in flower(port) { $0.priority = 1 } } == (1...4).map { "0/1/\($0)" })
        #expect(lab.delete { ($0.priority, $0.handle) = (1, 2) } == "1")
        #expect(flower(9) { $0.priority = 1 } == "0/1/2")
        #expect(flower(10) { ($0.priority, $0.handle) = (1, 6) } == "0/1/6")
        #expect(flower(11) { $0.priority = 1 } == "0/1/5")
        #expect(flower(12) { $0.priority = 1 } == "0/1/7")
        #expect(flower(13) { ($0.priority, $0.handle) = (1, .max) } == "0/1/4294967295")
        lab.check()
    }

    @Test("R4-44, R4-94: a priority has one filter of matchall, handle 1 unless given, and no update of it")
    func matchalls() {
        #expect(matchall { $0.priority = 1 } == "0/1/1")
        #expect(matchall { $0.priority = 1 } == "EEXIST R4-94")
        #expect(matchall { ($0.priority, $0.handle, $0.verb) = (1, 1, .replace) } == "EEXIST R4-94")
        #expect(matchall { ($0.priority, $0.handle) = (2, 5) } == "0/2/5")
        #expect(lab.delete { ($0.priority, $0.handle) = (1, 1) } == "1")
        #expect(matchall { $0.priority = 1 } == "0/1/1")
        lab.check()
    }

    @Test("R4-90, R4-91: filters of a priority are for different packets; an update compares the same bits")
    func differentPackets() {
        #expect(flower(80) { $0.priority = 1 } == "0/1/1")
        #expect(flower(80) { $0.priority = 1 } == "EEXIST R4-90")
        #expect(flower(81) { $0.priority = 1 } == "0/1/2")
        #expect(flower(80) { ($0.priority, $0.handle, $0.verb) = (1, 2, .replace) } == "EEXIST R4-90")
        #expect(flower(81) { ($0.priority, $0.handle, $0.verb) = (1, 2, .replace) } == "0/1/2")
        let other: FlowMembers = ["keys": .object(["ip_proto": .text("tcp")])]
        #expect(
            flower(81) { ($0.priority, $0.handle, $0.verb, $0.options) = (1, 2, .replace, other) } == "EINVAL R4-91")
        #expect(flower(80) { $0.priority = 2 } == "0/2/1")
        lab.check()
    }

    // MARK: Deleting

    @Test("R4-34, R4-35, R4-36, R4-37, R4-38: what is removed")
    func deletions() {
        for (priority, port) in [(3, 1), (1, 2), (1, 3), (2, 4)] { _ = flower(port) { $0.priority = UInt16(priority) } }
        _ = lab.news()
        #expect(lab.delete { $0.handle = 1 } == "ENOENT R4-34")
        #expect(lab.delete { $0.kind = "flower" } == "ENOENT R4-34")
        #expect(lab.delete { $0.protocol = .ip } == "ENOENT R4-34")
        #expect(lab.delete { ($0.chain, $0.priority) = (9, 1) } == "ENOENT R4-23")
        #expect(lab.delete { $0.priority = 9 } == "ENOENT R4-23")
        #expect(lab.delete { ($0.priority, $0.protocol) = (1, .ipv6) } == "EINVAL R4-21")
        #expect(lab.delete { ($0.priority, $0.kind) = (1, "matchall") } == "EINVAL R4-36")
        #expect(lab.delete { ($0.priority, $0.handle) = (1, 77) } == "ENOENT R4-38")
        #expect(lab.delete { $0.chain = 9 } == "0")
        #expect(lab.news().isEmpty)
        #expect(lab.delete { $0.priority = 1 } == "2")
        #expect(lab.news() == ["-filter 0/1/1", "-filter 0/1/2"])
        _ = flower(5) { $0.priority = 1 }
        _ = lab.news()
        #expect(lab.delete { _ in } == "3")
        #expect(lab.news() == ["-filter 0/1/1", "-filter 0/2/1", "-filter 0/3/1", "-chain 0"])
        lab.check()
    }

    // MARK: Actions

    @Test(
        "R4-95: an index that is there is shared as it is, one that isn't is made; without one, the lowest that is free"
    )
    func actions() {
        let drop = ActionContent.gact(Gact(.drop))
        #expect(flower(1) { ($0.priority, $0.actions) = (1, [ActionDraft(drop), ActionDraft(drop)]) } == "0/1/1")
        #expect(flower(2) { ($0.priority, $0.actions) = (1, [ActionDraft(.gact(Gact(.trap)), index: 2)]) } == "0/1/2")
        #expect(flower(3) { ($0.priority, $0.actions) = (1, [ActionDraft(drop, index: 9)]) } == "0/1/3")
        #expect(lab.news().filter { $0.contains("gact") } == ["+gact 1", "+gact 2", "+gact 9"])
        let table = lab.traffic.actions["gact"]
        #expect(table?.holders(2).map { [$0.references, $0.bindings] } == [2, 2])
        #expect(table?.image[2]?.content == drop)
        lab.check()
        #expect(lab.delete { ($0.priority, $0.handle) = (1, 1) } == "1")
        #expect(lab.news() == ["-filter 0/1/1", "-gact 1"])
        lab.check()
        // Another list: the new one's come, and the old one's go.
        #expect(
            flower(2) { ($0.priority, $0.handle, $0.verb, $0.actions) = (1, 2, .replace, [ActionDraft(drop)]) }
                == "0/1/2")
        #expect(lab.news() == ["+gact 1", "~filter 0/1/2", "-gact 2"])
        lab.check()
    }

    @Test("A filter that is refused gives back the actions that were made for it, and those that it shared")
    func actionsOfRefused() {
        let drop = ActionDraft(.gact(Gact(.drop)))
        #expect(flower(1) { ($0.priority, $0.actions) = (1, [drop]) } == "0/1/1")
        _ = lab.news()
        let list = [drop, ActionDraft(.gact(Gact(.drop)), index: 1), ActionDraft(.gact(Gact(.goto(chain: 3))))]
        #expect(flower(1) { ($0.priority, $0.actions) = (1, list) } == "EEXIST R4-90")
        #expect(flower(2) { ($0.priority, $0.actions) = (1, Array(repeating: drop, count: 33)) } == "EINVAL R4-54")
        #expect(lab.news().isEmpty)
        lab.check()
        #expect(flower(2) { ($0.priority, $0.actions) = (1, list) } == "0/1/2")
        #expect(lab.news() == ["+gact 2", "+gact 3", "+filter 0/1/2"])
        lab.check()
    }
}
