import Glibc
import TestSupport
import Testing

@testable import Storage

/// A store with a checkpoint, batches before and after it, and bodies that fill more than a page.
private func fill(_ store: SQLiteStore) throws {
    for number in UInt64(1)...20 { try store.commit(StoreWrite(JournalBatch(number, bytes: 300))) }
    try store.commit(StoreWrite(checkpoint: 15, [part(1), part(2, bytes: 9_000), part(3)], finished: 3))
    var write = StoreWrite()
    (write.obsoleteUpTo, write.removals) = (4, 10)
    try store.commit(write)
    try store.commit(StoreWrite(JournalBatch(21, 30, bytes: 10_000)))
}

@Suite struct DamageTests {
    @Test(
        "A row that is missing, changed or in another's place is found, and the message says which and what to do",
        arguments: [
            ("DELETE FROM journal WHERE last = 9", "after number 8 and before batch 10"),
            ("DELETE FROM journal WHERE last = 5", "after number 4 and before batch 6"),
            ("DELETE FROM journal WHERE last = 30", "lacks what came after number 20"),
            ("DELETE FROM journal", "lacks what came after number 4"),
            ("UPDATE journal SET body = zeroblob(300) WHERE last = 9", "batch 9 of the journal is not as"),
            ("UPDATE journal SET first = 8 WHERE last = 9", "batch 9 of the journal is not as"),
            (
                "UPDATE journal SET (first, previous, body, checksum) = (SELECT first, previous, body, checksum FROM journal"
                    + " WHERE last = 9) WHERE last = 10", "after number 9 and before batch 10"
            ),
            ("DELETE FROM part WHERE id = 2", "checkpoint 15 lacks parts before part 2"),
            ("DELETE FROM part WHERE id = 3", "checkpoint 15 lacks its last parts"),
            ("UPDATE part SET body = zeroblob(30) WHERE id = 1", "part 0 of checkpoint 15 is not as it was written"),
            (
                "UPDATE part SET (body, checksum) = (SELECT body, checksum FROM part WHERE id = 1) WHERE id = 3",
                "part 2 of checkpoint 15 is not as it was written"
            ),
            ("DELETE FROM checkpoint", "the row of checkpoint 15"),
            ("UPDATE checkpoint SET parts = 2", "the row of checkpoint 15"),
            ("UPDATE store SET reserved = 1", "the row of its table 'store'"),
            ("UPDATE store SET epoch = 1", "the row of its table 'store'"),
            ("DELETE FROM store", "its table 'store' is empty"),
            ("DROP TABLE part", "no such table: part"),
        ])
    func findsDamagedRows(sql: String, finding: String) throws {
        let directory = TemporaryDirectory(in: "/dev/shm")
        try withStore(directory) { try fill($0) }
        try runSQL(directory.file("fibd.db"), sql)
        let error = #expect(throws: StoreError.self) { try withStore(directory) { _ = try Holdings($0) } }
        #expect(error?.kind == "damaged")
        #expect(error?.message.contains(finding) == true, "\(error?.message ?? "")")
        #expect(
            error?.message.hasSuffix("Restore a backup, or start with another --data-dir; `fibd check` tells more")
                == true)
    }

    @Test("A file that was cut off anywhere is damaged, foreign, or empty")
    func findsTruncation() throws {
        let directory = TemporaryDirectory(in: "/dev/shm")
        try withStore(directory) { try fill($0) }
        let whole = try #require(TestFile.read(directory.file("fibd.db")))
        for length in [1, 15, 16, 50, 99, 100, 512, 4_095, 4_096, 4_097, 8_192, whole.count - 4_096, whole.count - 1] {
            let cut = TemporaryDirectory(["fibd.db": Array(whole[..<length])])
            let error = #expect(throws: StoreError.self, "\(length) bytes") {
                try withStore(cut) { _ = try Holdings($0) }
            }
            #expect(error?.kind == "damaged")
        }
    }

    @Test("A flipped bit is found, or changes nothing", arguments: 1...6 as ClosedRange<UInt64>)
    func findsFlippedBits(seed: UInt64) throws {
        let directory = TemporaryDirectory(in: "/dev/shm")
        try withStore(directory) { try fill($0) }
        let whole = try #require(TestFile.read(directory.file("fibd.db")))
        let expected = try withStore(directory) { try Holdings($0) }
        var random = SeededGenerator(seed: seed)
        var found = 0
        for _ in 0..<100 {
            var flipped = whole
            let bit = Int.random(in: 0..<whole.count * 8, using: &random)
            flipped[bit / 8] ^= 1 << (bit % 8)
            let copy = TemporaryDirectory(["fibd.db": flipped])
            do {
                let holdings = try withStore(copy) { try Holdings($0) }
                #expect(holdings == expected, "bit \(bit)")
            } catch let error as StoreError {
                #expect(["damaged", "foreign", "newer"].contains(error.kind), "bit \(bit): \(error)")
                found += 1
            }
        }
        #expect(found > 20)
    }

    @Test(
        "A flipped bit in the log is found, or changes nothing but the very last commit",
        arguments: 1...6 as ClosedRange<UInt64>)
    func findsFlippedBitsInTheLog(seed: UInt64) throws {
        let directory = TemporaryDirectory(in: "/dev/shm")
        let store = try SQLiteStore.open(directory: directory.path)
        defer { store.close() }
        try fill(store)
        let before = try Holdings(store)
        try store.commit(StoreWrite(JournalBatch(31)))
        let expected = try Holdings(store)
        let files = directory.files
        let log = try #require(files["fibd.db-wal"])
        var random = SeededGenerator(seed: seed)
        var found = 0
        for round in 0..<100 {
            var flipped = log
            // The first 32 bytes are the header.
            let bit = Int.random(in: 0..<(round % 4 == 0 ? 32 : log.count) * 8, using: &random)
            flipped[bit / 8] ^= 1 << (bit % 8)
            let copy = TemporaryDirectory(files.merging(["fibd.db-wal": flipped]) { $1 })
            do {
                let holdings = try withStore(copy) { try Holdings($0) }
                #expect(holdings == expected || holdings == before, "bit \(bit)")
            } catch let error as StoreError {
                #expect(error.kind == "damaged", "bit \(bit): \(error)")
                found += 1
            }
        }
        #expect(found > 50)
    }
}

@Suite struct CheckTests {
    @Test("A check finds nothing wrong with a store, in use or not, and touches nothing")
    func findsNothing() throws {
        let directory = TemporaryDirectory(in: "/dev/shm")
        let scratch = TemporaryDirectory(in: "/dev/shm")
        let store = try SQLiteStore.open(directory: directory.path)
        try fill(store)
        let expected = try Holdings(store)
        #expect(store.integrityCheck() == [])
        for user in ["process \(getpid())", nil] {
            if user == nil { store.close() }
            let before = directory.files
            let (copy, found) = try SQLiteStore.openCopy(of: directory.path, in: scratch.path)
            #expect(found == user)
            #expect(copy.integrityCheck() == [])
            #expect(try Holdings(copy) == expected)
            copy.close()
            #expect(directory.files == before)
            #expect(scratch.names == [])
        }
    }

    @Test("A check tells of all that is wrong")
    func tellsAll() throws {
        let directory = TemporaryDirectory(in: "/dev/shm")
        try withStore(directory) { try fill($0) }
        try runSQL(
            directory.file("fibd.db"),
            "DELETE FROM journal WHERE last = 9; UPDATE journal SET body = x'00' WHERE last IN (12, 13);"
                + "UPDATE part SET body = x'00' WHERE id = 1")
        let (copy, _) = try SQLiteStore.openCopy(of: directory.path, in: directory.path)
        #expect(
            copy.integrityCheck() == [
                "part 0 of checkpoint 15 is not as it was written.",
                "the journal lacks what came after number 8 and before batch 10.",
                "batch 12 of the journal is not as it was written.",
                "batch 13 of the journal is not as it was written.",
            ])
        copy.close()
    }

    @Test("A check of what is no store says so, and makes none")
    func refusesWhatIsNoStore() {
        let directory = TemporaryDirectory()
        for path in [directory.path, directory.file("none")] {
            let error = #expect(throws: StoreError.self) { try SQLiteStore.openCopy(of: path, in: directory.path) }
            #expect(error?.kind == "foreign")
        }
        #expect(directory.names == [])
    }
}
