import Addressing
import ChangeLog
import ControlPlane
import Routing
import ServiceSupport
import TestSupport
import Testing

@Suite struct ConvergenceTests {
    @Test(
        "Replay plus deltas equals the table, wherever one subscribes and whatever one filters",
        arguments: UInt64(1)...32)
    func converges(seed: UInt64) {
        let plane = ControlPlane(limits: .init(logBytes: 64 << 20))
        var writer = RandomWriter(seed: seed)
        var mirrors: [Mirror] = []
        for step in 0..<250 {
            if step % 25 == 0 {
                let snapshot = plane.snapshot()
                mirrors += ConvergingFilters.all.map { Mirror($0, snapshot) }
            }
            writer.step(plane)
            plane.snapshot()._checkInvariants()
            plane._checkTraffic()
        }
        let end = plane.snapshot()
        for var mirror in mirrors {
            mirror.follow(plane.log, to: end.sequence)
            #expect(mirror.summaries == mirror.filter.summaries(of: end), "\(mirror.filter)")
            #expect(
                !mirror.tellsOrder || mirror.lists == Mirror(mirror.filter, end).lists,
                "order within a key, \(mirror.filter)")
        }
    }

    @Test("A draft and a transaction that fails leave everything as it was", arguments: UInt64(1)...16)
    func failuresChangeNothing(seed: UInt64) {
        let plane = ControlPlane(limits: .init(logBytes: 64 << 20))
        var writer = RandomWriter(seed: seed)
        for _ in 0..<60 { writer.step(plane) }
        for _ in 0..<20 {
            let before = plane.snapshot()
            let all = EventFilter()
            var operations = (0..<5).compactMap { _ in try? writer.operation(plane) }.map {
                TransactionOperation.route($0)
            }
            operations += (0..<5).map { _ in .traffic(writer.trafficOperation()) }
            operations.shuffle(using: &writer.random)
            // As many as are accepted one after the other, so that there is something to take back.
            operations = operations.reduce(into: []) { accepted, operation in
                if (try? plane.tryOut(accepted + [operation])) != nil { accepted.append(operation) }
            }
            operations.append(
                .route(.delete(namespace: "nowhere", .main, RouteSelector(prefix: .default(.inet)))))
            #expect(throws: TransactionError.self) { try plane.transact(operations) }
            plane._checkTraffic()
            let after = plane.snapshot()
            #expect(after.sequence == before.sequence)
            #expect(all.summaries(of: after) == all.summaries(of: before))
        }
    }

    @Test("Each change of a transaction carries its number, and they follow each other", arguments: UInt64(1)...8)
    func transactionsAreContiguous(seed: UInt64) throws {
        let plane = ControlPlane(limits: .init(logBytes: 64 << 20))
        var writer = RandomWriter(seed: seed)
        for _ in 0..<400 { writer.step(plane) }
        var finished: Set<ChangeSequence> = []
        var current: ChangeSequence?
        var position = ChangeSequence.zero
        while let run = plane.log.read(after: position), let last = run.last {
            for change in run {
                let transaction = change.batch?.transaction
                if transaction != current {
                    if let current { finished.insert(current) }
                    if let transaction {
                        #expect(transaction == change.sequence && !finished.contains(transaction))
                    }
                }
                current = transaction
            }
            position = last.sequence
        }
    }
}

extension Prefix {
    static let tenEight = Prefix(unchecked: IPAddress(inet: 10 << 24), 8)
}
