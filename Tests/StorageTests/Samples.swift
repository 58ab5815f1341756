import Storage
import TestSupport
import Testing

/// All that a store holds.
struct Holdings: Equatable {
    var epoch: String
    var reserved: UInt64
    var checkpoint: Checkpoint?
    var parts: [[UInt8]] = []
    var batches: [JournalBatch] = []

    init(_ store: some Store) throws {
        let contents = store.contents
        epoch = contents.epoch
        reserved = contents.reserved
        checkpoint = contents.checkpoint
        try store.readCheckpoint { parts.append($0) }
        try store.readJournal { batches.append($0) }
    }
}

extension JournalBatch {
    /// A batch whose body tells its numbers, of that many bytes.
    init(_ first: UInt64, _ last: UInt64? = nil, bytes: Int = 20) {
        let last = last ?? first
        let text = Array("\(first)-\(last) ".utf8)
        self.init(first: first, last: last, body: (0..<bytes).map { text[$0 % text.count] })
    }
}

extension StoreWrite {
    init(_ batches: JournalBatch...) {
        self.init()
        self.batches = batches
    }

    /// The next parts of a checkpoint at a number, and its end if `finished` tells how many parts it has by then.
    init(checkpoint sequence: UInt64, _ bodies: [[UInt8]], finished: Int? = nil) {
        self.init()
        parts = (sequence, bodies)
        checkpoint = finished.map { Checkpoint(sequence: sequence, parts: $0, summary: [UInt8]("at \(sequence)".utf8)) }
    }
}

extension StoreError {
    /// What kind it is, without its text.
    var kind: String { String("\(self)".prefix { $0 != "(" }) }
}

/// Part `number` of a checkpoint.
func part(_ number: Int, bytes: Int = 30) -> [UInt8] {
    [UInt8](repeating: UInt8(truncatingIfNeeded: number), count: bytes)
}

/// Opens the store of a directory, does something with it, and closes it.
func withStore<Result>(_ directory: TemporaryDirectory, _ body: (SQLiteStore) throws -> Result) throws -> Result {
    let store = try SQLiteStore.open(directory: directory.path)
    defer { store.close() }
    return try body(store)
}

extension TemporaryDirectory {
    func file(_ name: String) -> String { "\(path)/\(name)" }

    /// All that is in it but the lock, with names.
    var files: [String: [UInt8]] {
        var files: [String: [UInt8]] = [:]
        for name in names where name != "lock" { files[name] = TestFile.read(file(name)) }
        return files
    }

    /// A directory in memory, with these files.
    convenience init(_ files: [String: [UInt8]]) {
        self.init(in: "/dev/shm")
        for (name, bytes) in files { TestFile.write(bytes, to: file(name)) }
    }
}

/// Runs SQL on a database behind the back of its store.
func runSQL(_ path: String, _ commands: String) throws {
    let program = "import sqlite3, sys; sqlite3.connect(sys.argv[1], isolation_level=None).executescript(sys.argv[2])"
    let child = try ChildProcess("python3", ["-c", program, path, commands])
    let code = child.waitForExit()
    #expect(code == 0, "\(child.errorOutput)")
}
