import Addressing
import ChangeLog
import PathAttributes
import TestSupport
import Testing

@testable import ControlPlane

@Suite struct PeerDifferenceTests {
    @Test("Of peers that is told which a look at all of both finds, in list order", arguments: UInt64(1)...6)
    func agreesWithTheModel(seed: UInt64) throws {
        var random = SeededGenerator(seed: seed)
        let lab = try PeerLab()
        _ = try lab.plane.putNamespace("blue") { _ in NamespaceSettings() }
        func host() -> String {
            let number = Int.random(in: 0..<600, using: &random)
            return number % 3 == 0 ? "2001:db8::\(number)" : "198.51.\(number / 100).\(number % 100)"
        }
        func namespace() -> String { Int.random(in: 0..<3, using: &random) == 0 ? "blue" : "default" }
        for _ in 0..<400 { try lab.tell(1_400, host(), in: namespace()) }
        var (filter, snapshots, count) = (EventFilter(), [lab.plane.snapshot()], 0)
        filter.kinds = [.peer]
        if seed % 3 == 0 { filter.selection.families = [.inet6] }
        if seed % 4 == 0 { filter.selection.namespaces = ["blue"] }
        for _ in 0..<20 {
            for _ in 0..<Int.random(in: 0..<12, using: &random) {
                try lab.tell(UInt32.random(in: 1_280..<1_400, using: &random), host(), in: namespace())
                _ = try? lab.plane.forgetPeer(PeerLab.address(host()), in: namespace())
            }
            let new = lab.plane.snapshot()
            for old in [snapshots[snapshots.count - 1], snapshots[snapshots.count / 2]] {
                let lines = read(old, new, filter)
                #expect(lines == model(old, new, filter))
                count += lines.count
            }
            snapshots.append(new)
        }
        #expect(count > 50)
    }

    private func read(_ old: Snapshot, _ new: Snapshot, _ filter: EventFilter) -> [String] {
        var (walk, lines) = (SnapshotDifference(from: old, to: new, filter), [String]())
        while true {
            let (change, isAtEnd) = walk.next(limit: 3)
            if let change, case .peer(let peer) = change.new ?? change.old {
                lines.append(line(peer, change.old?.version, change.new?.version))
            }
            if isAtEnd { return lines }
        }
    }

    private func line(_ peer: PeerEntry, _ old: ChangeSequence?, _ new: ChangeSequence?) -> String {
        "\(peer.namespace) \(peer.address): \(old?.rawValue ?? 0) → \(new?.rawValue ?? 0)"
    }

    private func model(_ old: Snapshot, _ new: Snapshot, _ filter: EventFilter) -> [String] {
        let (former, latter) = (peers(old, filter), peers(new, filter))
        let all = former.merging(latter) { $1 }.values.sorted {
            ($0.namespace, $0.address) < ($1.namespace, $1.address)
        }
        return all.compactMap { peer in
            let (was, present) = (former[Self.name(peer)]?.version, latter[Self.name(peer)]?.version)
            return was == present ? nil : line(peer, was, present)
        }
    }

    private static func name(_ peer: PeerEntry) -> String { "\(peer.namespace) \(peer.address)" }

    private func peers(_ snapshot: Snapshot, _ filter: EventFilter) -> [String: PeerEntry] {
        var (walk, peers) = (filter.peers(of: snapshot), [String: PeerEntry]())
        while let peer = walk?.next() { peers[Self.name(peer)] = peer }
        return peers
    }
}
