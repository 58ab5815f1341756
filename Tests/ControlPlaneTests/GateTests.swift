import Addressing
import ChangeLog
import ControlPlane
import Routing
import ServiceSupport
import TestSupport
import Testing
import Threads

/// Counts threads that are still at work.
private final class Crew: Sendable {
    private let running: Locked<Int>
    init(_ count: Int) { running = Locked(count, rank: .leaf) }
    func leave() { running.withLock { $0 -= 1 } }
    var isWorking: Bool { running.withLock { $0 > 0 } }
}

@Suite struct GateTests {
    @Test("Whatever runs beside it, each snapshot equals the log folded up to its number")
    func snapshotsAreExact() throws {
        let plane = ControlPlane(limits: .init(logBytes: 256 << 20))
        let names = (0..<8).map { "ns\($0)" }
        for name in names { _ = try plane.putNamespace(name) { _ in NamespaceSettings() } }
        let crew = Crew(10)
        // Eight committers that share no lock but the gate and the log, and two that write everywhere at once.
        var threads = names.enumerated().map { index, name in
            Thread(name: "committer") {
                var writer = RandomWriter(seed: UInt64(index), namespaces: [name])
                for _ in 0..<600 { writer.step(plane) }
                crew.leave()
            }
        }
        threads += (0..<2).map { index in
            Thread(name: "transaction") {
                var writer = RandomWriter(seed: 100 + UInt64(index), namespaces: names)
                for _ in 0..<80 {
                    _ = try? plane.transact((0..<10).compactMap { _ in try? writer.operation(plane) })
                }
                crew.leave()
            }
        }
        let taken = Locked<[Snapshot]>([], rank: .leaf)
        threads += (0..<4).map { _ in
            Thread(name: "snapshot") {
                while crew.isWorking {
                    let snapshot = plane.snapshot()
                    // Reading what others go on changing copies of is half of the test.
                    _ = EventFilter().summaries(of: snapshot)
                    taken.withLock { if $0.count < 400 { $0.append(snapshot) } }
                }
            }
        }
        for thread in threads { thread.join() }
        check(taken.withLock { $0 } + [plane.snapshot()], plane)
    }

    private func check(_ snapshots: [Snapshot], _ plane: ControlPlane) {
        let empty = ControlPlane(limits: .init(logBytes: 1 << 20)).snapshot()
        var mirror = Mirror(ConvergingFilters.all[0], empty)
        var best = Mirror(ConvergingFilters.all[1], empty)
        // The first change of every history creates the default namespace, so an empty server stands for number 1.
        for snapshot in snapshots.sorted(by: { $0.sequence < $1.sequence }) {
            mirror.follow(plane.log, to: snapshot.sequence)
            best.follow(plane.log, to: snapshot.sequence)
            #expect(mirror.summaries == mirror.filter.summaries(of: snapshot))
            #expect(best.summaries == best.filter.summaries(of: snapshot))
            snapshot._checkInvariants()
        }
    }
}
