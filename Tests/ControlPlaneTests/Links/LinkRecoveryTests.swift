import Addressing
import ChangeLog
import Routing
import Storage
import TestSupport
import Testing
import Threads

@testable import ControlPlane

/// What a crash leaves of a change of a link, wherever it falls.
@Suite struct LinkRecoveryTests {
    enum Step: CaseIterable {
        case down, carrierLost, removed, addressesRemoved
    }

    @Test(
        "A crash behind any transaction of what a link brings about: the next start finishes it",
        arguments: Step.allCases)
    func cut(step: Step) throws {
        let store = MemoryStore()
        let lab = LinkLab(try plane(store))
        try lab.put("eth0", ["192.0.2.1/24", "2001:db8::1/64"])
        try lab.put("eth1")
        try lab.neighbour("eth0", "192.0.2.9")
        for number in 0..<1_100 {
            try lab.add("10.\(number / 250).\(number % 250).0/24", "192.0.2.9%eth0", source: "192.0.2.1")
            if number % 2 == 0 { try lab.add("2001:db8:\(number + 1)::/48", "fe80::1%eth0", "fe80::1%eth1") }
        }
        let start = lab.plane.log.head
        #expect(eventually { lab.plane.log.durable >= start })
        let before = store.reopened()
        switch step {
        case .down: try lab.put("eth0", isUp: false)
        case .carrierLost: try lab.setCarrier("eth0", false)
        case .removed: try lab.remove("eth0")
        case .addressesRemoved: try lab.put("eth0", [])
        }
        let expected = State(lab.plane)
        let changes = changes(of: lab.plane, after: start)
        lab.plane.close()
        let ends = changes.indices.dropFirst().filter {
            changes[$0].batch == nil || changes[$0].batch?.transaction != changes[$0 - 1].batch?.transaction
        }
        #expect(ends.count >= 2)
        for end in ends + [changes.endIndex] {
            let survivor = before.reopened()
            var write = StoreWrite()
            write.batches = [try batch(of: changes[..<end], in: survivor)]
            try survivor.commit(write)
            let second = try plane(survivor)
            #expect(State(second) == expected, "cut behind \(end) of \(changes.count)")
            let head = second.log.head
            #expect(eventually { second.log.durable >= head })
            second.close()
            // Nothing is left to be done.
            let third = try plane(survivor.reopened())
            #expect(State(third) == expected && third.operations.withLock { $0.isEmpty })
            #expect(third.log.head == head)
            third.close()
        }
    }

    /// What is to be the same.
    private struct State: Equatable {
        let summaries: KindSummaries
        let impairments: [String: [String: LinkImpairment]]

        init(_ plane: ControlPlane) {
            let snapshot = plane.snapshot()
            snapshot._checkInvariants()
            summaries = EventFilter().summaries(of: snapshot)
            impairments = snapshot.context.impairments
        }
    }

    private func plane(_ store: MemoryStore) throws -> ControlPlane {
        try ControlPlane(limits: ControlPlane.Limits(logBytes: 64 << 20), store: store)
    }

    private func changes(of plane: ControlPlane, after start: ChangeSequence) -> [Change] {
        var (changes, position): ([Change], ChangeSequence) = ([], start)
        while let run = plane.log.read(after: position), let last = run.last {
            changes += run
            position = last.sequence
        }
        return changes
    }

    private func batch(of changes: ArraySlice<Change>, in store: MemoryStore) throws -> JournalBatch {
        var summaries = try Recovery(store, logBytes: 64 << 20).place.summaries
        let first = try #require(changes.first?.sequence.rawValue)
        var writer = RecordWriter()
        writer.append(byte: RecordKind.changes.rawValue)
        writer.append(first)
        var last = first - 1
        for change in changes {
            writer.append(change, after: ChangeSequence(rawValue: last))
            summaries.apply(change)
            last = change.sequence.rawValue
        }
        writer.append(summaries)
        return JournalBatch(first: first, last: last, body: writer.bytes)
    }
}
