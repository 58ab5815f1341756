import Storage
import TestSupport
import Testing

/// The stores that there are, each with a way to close it and open it again.
enum Kind: CaseIterable {
    case sqlite, memory

    func open(_ directory: TemporaryDirectory) throws -> any Store {
        switch self {
        case .sqlite: try SQLiteStore.open(directory: directory.path)
        case .memory: MemoryStore()
        }
    }

    func reopen(_ store: any Store, _ directory: TemporaryDirectory) throws -> any Store {
        store.close()
        if let store = store as? MemoryStore { return store.reopened() }
        return try open(directory)
    }
}

@Suite struct RoundTripTests {
    @Test("What was committed is there after the store was closed and opened again", arguments: Kind.allCases)
    func survivesReopening(kind: Kind) throws {
        let directory = TemporaryDirectory()
        let store = try kind.open(directory)
        #expect(try Holdings(store).batches.isEmpty)
        var write = StoreWrite(JournalBatch(1, 3), JournalBatch(4, bytes: 100_000), JournalBatch(7, 9, bytes: 0))
        write.reserved = 500
        try store.commit(write)
        try store.commit(StoreWrite(checkpoint: 4, [part(0), part(1, bytes: 200_000)]))
        try store.commit(StoreWrite(checkpoint: 4, [part(2, bytes: 0)], finished: 3))
        store.tidy()
        let before = try Holdings(store)
        #expect(before.batches == write.batches)
        #expect(before.parts == [part(0), part(1, bytes: 200_000), []])
        #expect(before.reserved == 500 && before.checkpoint?.summary == Array("at 4".utf8))

        let again = try kind.reopen(store, directory)
        #expect(try Holdings(again) == before)
        again.close()
    }

    @Test("Numbers that were given out are remembered, whether they were reserved or used", arguments: Kind.allCases)
    func remembersNumbers(kind: Kind) throws {
        let directory = TemporaryDirectory()
        let store = try kind.open(directory)
        #expect(store.contents.reserved == 0)
        try store.commit(StoreWrite(JournalBatch(1, 7)))
        #expect(store.contents.reserved == 7)
        var write = StoreWrite()
        write.reserved = 1_000
        try store.commit(write)
        let again = try kind.reopen(store, directory)
        #expect(again.contents.reserved == 1_000)
        try again.commit(StoreWrite(JournalBatch(1_001, 1_002)))
        #expect(again.contents.reserved == 1_002)
        again.close()
    }

    @Test("A store keeps its epoch, and a new store has another one")
    func keepsItsEpoch() throws {
        let directory = TemporaryDirectory()
        let epoch = try withStore(directory) { $0.contents.epoch }
        #expect(epoch.count == 16 && epoch.allSatisfy { "0123456789abcdef".contains($0) })
        let again = try withStore(directory) { $0.contents.epoch }
        #expect(again == epoch)
        let other = try withStore(TemporaryDirectory()) { $0.contents.epoch }
        #expect(other != epoch)
    }

    @Test("A finished checkpoint takes the place of the one before", arguments: Kind.allCases)
    func replacesTheCheckpoint(kind: Kind) throws {
        let directory = TemporaryDirectory()
        var store = try kind.open(directory)
        try store.commit(StoreWrite(JournalBatch(1, 10)))
        try store.commit(StoreWrite(checkpoint: 5, [part(1), part(2)], finished: 2))
        try store.commit(StoreWrite(checkpoint: 8, [part(3)]))
        #expect(try Holdings(store).parts == [part(1), part(2)])
        try store.commit(StoreWrite(checkpoint: 8, [part(4), part(5)], finished: 3))
        #expect(try Holdings(store).parts == [part(3), part(4), part(5)])
        store = try kind.reopen(store, directory)
        #expect(try Holdings(store).parts == [part(3), part(4), part(5)])
        #expect(store.contents.checkpoint?.sequence == 8)
        store.close()
    }

    @Test(
        "A checkpoint that wasn't finished is given up by another one, and by the next start", arguments: Kind.allCases)
    func givesUpUnfinishedCheckpoints(kind: Kind) throws {
        let directory = TemporaryDirectory()
        var store = try kind.open(directory)
        try store.commit(StoreWrite(checkpoint: 3, [part(1), part(2)]))
        try store.commit(StoreWrite(checkpoint: 4, [part(3)], finished: 1))
        #expect(try Holdings(store).parts == [part(3)])
        try store.commit(StoreWrite(checkpoint: 5, [part(4), part(5)]))
        store = try kind.reopen(store, directory)
        #expect(try Holdings(store).parts == [part(3)])
        try store.commit(StoreWrite(checkpoint: 5, [part(6)], finished: 1))
        #expect(try Holdings(store).parts == [part(6)])
        store.close()
    }

    @Test("What is no longer needed goes, a few rows a commit, and nothing else", arguments: Kind.allCases)
    func removesWhatIsObsolete(kind: Kind) throws {
        let directory = TemporaryDirectory()
        let store = try kind.open(directory)
        for number in 1...10 { try store.commit(StoreWrite(JournalBatch(UInt64(number)))) }
        var write = StoreWrite()
        write.obsoleteUpTo = 9
        write.removals = 3
        try store.commit(write)
        #expect(try Holdings(store).batches.count == 10, "without a checkpoint all are needed")
        try store.commit(StoreWrite(checkpoint: 7, [part(1), part(2)], finished: 2))
        for left in [7, 4, 3, 3] {
            try store.commit(write)
            #expect(try Holdings(store).batches.count == left)
        }
        #expect(try Holdings(store).batches.map(\.last) == [8, 9, 10])
        let again = try kind.reopen(store, directory)
        #expect(try Holdings(again).batches.map(\.last) == [8, 9, 10])
        #expect(try Holdings(again).parts == [part(1), part(2)])
        again.close()
    }

    @Test("Parts of old checkpoints are removed from the file, so that it stops growing")
    func reusesSpace() throws {
        let directory = TemporaryDirectory()
        try withStore(directory) { store in
            for sequence in UInt64(1)...40 {
                try store.commit(
                    StoreWrite(checkpoint: sequence, (0..<10).map { part($0, bytes: 10_000) }, finished: 10))
                var write = StoreWrite()
                write.removals = 3
                for _ in 0..<4 { try store.commit(write) }
            }
            #expect(store.integrityCheck() == [])
        }
        #expect(try #require(TestFile.read(directory.file("fibd.db"))).count < 400_000)
    }
}
