import Addressing
import ChangeLog
import PathAttributes
import Routing
import TestSupport
import Testing

@testable import ControlPlane

/// What happens to peers, and what is told of it.
@Suite struct PeerChangeTests {
    private let lab: PeerLab

    init() throws {
        lab = try PeerLab()
        try lab.connect()
    }

    /// What the log has of peers since a number, and why.
    private func told(since position: ChangeSequence) -> [String] {
        var (texts, position): ([String], _) = ([], position)
        while let run = lab.plane.log.read(after: position, .all), run.end > position {
            texts += run.compactMap { change in
                guard case .peer(let peer) = change.object, let entry = peer.new ?? peer.old else { return nil }
                let mtu = peer.new?.stored.information.mtu.map { " \($0.value)" } ?? ""
                let cause = change.batch?.cause.map { " (\($0.reason))" } ?? ""
                return "\(change.operation.name) \(entry.address)\(mtu)\(cause)"
            }
            position = run.end
        }
        return texts
    }

    @Test("R5-22, R5-55: what comes to its end is forgotten, and told as such")
    func expiry() throws {
        let start = lab.plane.log.head
        try lab.tell(1_400)
        lab.clock.move(seconds: 599)
        #expect(lab.plane.expirePeers() == lab.clock.now + 1_000 && lab.mtu() == 1_400)
        lab.clock.move(seconds: 1)
        #expect(lab.plane.expirePeers() == nil && lab.peer() == nil)
        #expect(told(since: start) == ["add 203.0.113.9 1400", "delete 203.0.113.9 (expired)"])
    }

    @Test("R5-57: a link's MTU goes down and up again, and what was learned behind it follows")
    func firstHopMTU() throws {
        try lab.connect(mtu: 9_000)
        for (host, mtu) in [("203.0.113.1", 1_400), ("203.0.113.2", 8_000), ("203.0.113.3", 500)] as [(String, UInt32)]
        {
            try lab.tell(mtu, host)
        }
        let start = lab.plane.log.head
        try lab.connect(mtu: 4_000)
        #expect(["1", "2", "3"].map { lab.mtu("203.0.113.\($0)") } == [1_400, 4_000, 552])
        let change = try #require(lab.plane.log.read(after: start)?.first { $0.changesMTU })
        #expect(told(since: start) == ["replace 203.0.113.2 4000 (link-mtu)"])
        let peer = try #require(lab.plane.log.read(after: start, .all)?.last { $0.isKeptAside })
        #expect(peer.batch?.cause?.sequence == change.sequence)
        try lab.connect(mtu: 6_000)
        // What had the link's MTU has it again; a locked one only goes down, and is unlocked then.
        #expect(["1", "2", "3"].map { lab.mtu("203.0.113.\($0)") } == [1_400, 6_000, 552])
        try lab.connect(mtu: 552)
        #expect(lab.peer("203.0.113.3")?.stored.information.mtu?.isLocked == false)
    }

    @Test("R5-57: what is reached over another link doesn't follow")
    func otherLink() throws {
        var edit = LinkEdit(name: "eth1")
        (edit.mtu, edit.addresses) = (9_000, [try #require(LinkAddress(PeerLab.address("198.51.100.9"), length: 24))])
        _ = try lab.plane.change(ObjectOperation("default", .putLink(edit)))
        try lab.tell(1_400, "198.51.100.7")
        try lab.connect(mtu: 1_300)
        #expect(lab.mtu("198.51.100.7") == 1_400)
    }

    @Test("A namespace that goes takes its peers with it, whoever holds them")
    func namespaceRemoved() throws {
        _ = try lab.plane.putNamespace("blue") { _ in NamespaceSettings() }
        try lab.tell(1_400, in: "blue")
        let start = lab.plane.log.head
        _ = try lab.plane.deleteNamespace("blue")
        #expect(told(since: start) == ["delete 203.0.113.9 (namespace-deleted)"])
        #expect(throws: FIBError.self) { try lab.tell(1_400, in: "blue") }
        _ = try lab.plane.putNamespace("blue") { _ in NamespaceSettings() }
        #expect(lab.peer(in: "blue") == nil)
    }

    @Test("R5-06, R5-07: the threshold of a namespace holds, from when it is set")
    func threshold() throws {
        _ = try lab.plane.putNamespace("default") { _ in
            var settings = NamespaceSettings()
            settings.paths.limits.threshold = 10
            return settings
        }
        let start = lab.plane.log.head
        for host in 1...60 { try lab.tell(1_400, "203.0.113.\(host)") }
        #expect(lab.all.count <= 11)
        #expect(told(since: start).filter { $0.hasSuffix("(collected)") }.count >= 49)
    }

    @Test("A storm of messages lets no route be forgotten by the log")
    func storm() throws {
        let floor = lab.plane.log.mark.floor
        for number in 0..<20_000 {
            let host = IPAddress(inet: 0x0B00_0000 | UInt32(number))
            _ = try lab.plane.take(PathMessage(.tooLarge(MTUMessage(host, mtu: 1_400))), in: "default")
        }
        #expect(lab.plane.log.mark.floor == floor)
        #expect(lab.plane.log.floor(of: .all) > floor)
        #expect(lab.plane.log.retainedBytes < 2 << 20)
    }
}
