import TestSupport
import Testing

@testable import Storage

@Suite struct CrashTests {
    @Test(
        "A crash at any moment loses no commit; one that takes the end of the log with it, only the last ones",
        arguments: 1...8 as ClosedRange<UInt64>)
    func keepsAPrefix(seed: UInt64) throws {
        var random = SeededGenerator(seed: seed)
        let directory = TemporaryDirectory(in: "/dev/shm")
        let store = try SQLiteStore.open(directory: directory.path)
        defer { store.close() }
        store.pagesBeforeTidying = 30
        let model = MemoryStore(epoch: store.contents.epoch)
        var writer = RandomWriter(random)
        var states = [try Holdings(model)]
        for _ in 0..<60 {
            let write = writer.next()
            try store.commit(write)
            try model.commit(write)
            if Bool.random(using: &random) { store.tidy() }
            states.append(try Holdings(model))
            guard Int.random(in: 0..<4, using: &random) == 0 else { continue }
            try expect(states.suffix(1), in: directory.files)
            // What has been moved into the database was synced before; that can't be lost.
            if store.pagesInLog > 0 { try expect(states[...], in: losingTheEnd(directory.files, &random)) }
        }
        #expect(try Holdings(store) == states.last)
        #expect(store.integrityCheck() == [])
    }

    private func expect(_ states: ArraySlice<Holdings>, in files: [String: [UInt8]]) throws {
        let copy = TemporaryDirectory(files)
        let (found, problems) = try withStore(copy) { (try Holdings($0), $0.integrityCheck()) }
        #expect(states.contains(found))
        #expect(problems == [])
        // It can go on from there.
        try withStore(copy) { store in
            let next = store.contents.reserved + 1
            try store.commit(StoreWrite(JournalBatch(next)))
            #expect(store.contents.reserved == next)
        }
    }

    /// As after a loss of power during a commit: the log ends anywhere, or with zeros.
    private func losingTheEnd(_ files: [String: [UInt8]], _ random: inout SeededGenerator) -> [String: [UInt8]] {
        var files = files
        guard var log = files["fibd.db-wal"], log.count > 32 else { return files }
        let end = Int.random(in: 32...log.count, using: &random)
        let zeros = Bool.random(using: &random) ? log.count - end : 0
        log.replaceSubrange(end..., with: [UInt8](repeating: 0, count: zeros))
        files["fibd.db-wal"] = log
        return files
    }
}

/// Commits of all kinds, in an order that makes sense.
private struct RandomWriter {
    private var random: SeededGenerator
    private var last: UInt64 = 0
    private var making: (sequence: UInt64, parts: Int)?

    init(_ random: SeededGenerator) { self.random = random }

    mutating func next() -> StoreWrite {
        var write = StoreWrite()
        for _ in 0..<Int.random(in: 0...3, using: &random) { write.batches.append(nextBatch()) }
        if chance(5) { write.reserved = last + UInt64.random(in: 0...100, using: &random) }
        if chance(2) { addParts(to: &write) }
        if chance(2) {
            write.removals = Int.random(in: 0...6, using: &random)
            write.obsoleteUpTo = UInt64.random(in: 0...last, using: &random)
        }
        return write
    }

    private mutating func chance(_ of: Int) -> Bool { Int.random(in: 0..<of, using: &random) == 0 }

    private mutating func nextBatch() -> JournalBatch {
        let first = last + UInt64.random(in: 1...3, using: &random)
        last = first + UInt64.random(in: 0...5, using: &random)
        return JournalBatch(first, last, bytes: chance(5) ? 9_000 : Int.random(in: 0...200, using: &random))
    }

    private mutating func addParts(to write: inout StoreWrite) {
        if making == nil || chance(6) { making = (last, 0) }
        guard let (sequence, before) = making else { return }
        let bodies = (0..<Int.random(in: 0...4, using: &random)).map {
            part(before + $0, bytes: chance(4) ? 6_000 : 50)
        }
        write.parts = (sequence, bodies)
        making?.parts += bodies.count
        if chance(3) {
            write.checkpoint = Checkpoint(sequence: sequence, parts: before + bodies.count, summary: [1, 2, 3])
            making = nil
        }
    }
}
