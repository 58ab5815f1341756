/// A store in a directory, in a database of SQLite.
///
/// What is appended becomes one sync of SQLite's write-ahead log; `tidy` moves it into the database. Every row has a
/// checksum and every batch the number of the one before it, so that what is read is what was written, or `.damaged`.
///
/// SAFETY: as the protocol says, one thread at a time uses a store; it may change threads in between.
public final class SQLiteStore: Store, @unchecked Sendable {
    let database: Database
    let statements: Statements
    var state: StoreState
    /// Why nothing more can be committed.
    var failure: StoreError?
    /// Pages in the write-ahead log, about.
    private(set) var pagesInLog = 0
    /// What goes when the store is closed.
    private var lock: DirectoryLock?
    private var copy: StoreCopy?

    /// Opens the store of a directory, and makes what isn't there yet: the directory, with an empty store.
    ///
    /// What is there is not changed when it throws. Called once, by whoever owns the store.
    public static func open(directory: String) throws(StoreError) -> SQLiteStore {
        let lock = try DirectoryLock(directory)
        let path = "\(directory)/\(DatabaseFile.name)"
        if try DatabaseFile.find(path) {
            try DirectoryLock.checkOwner(path, in: directory)
        } else {
            try DatabaseFile.create(path, in: directory)
        }
        let store = try SQLiteStore(path)
        store.lock = consume lock
        return store
    }

    /// Opens a copy, and removes it at the end.
    convenience init(_ copy: consuming StoreCopy) throws(StoreError) {
        try self.init("\(copy.directory)/\(DatabaseFile.name)")
        self.copy = consume copy
    }

    private init(_ path: String) throws(StoreError) {
        try WriteAheadLog.check("\(path)-wal")
        database = try Database(path)
        try Schema.migrate(database)
        try database.configure()
        statements = try Statements(database)
        state = try StoreState(reading: statements, path: path)
        try startLog()
    }

    deinit { close() }

    public func close() {
        // After an error the next start shall find what is on the disk, not what this process believes of it.
        database.close(keepingLog: failure != nil)
        lock = nil
        copy = nil
    }

    public var contents: StoreContents { state.contents }

    /// Begins a new write-ahead log, so that what a crash has left in the old one is not taken for anything later. Where
    /// there is no room for that, the old one goes on.
    private func startLog() throws(StoreError) {
        do { try database.checkpoint(truncating: true) } catch {
            guard error.isPassing else { throw error }
        }
    }

    public func tidy() {
        pagesInLog += database.takePagesWritten()
        guard failure == nil, pagesInLog > pagesBeforeTidying else { return }
        pagesInLog = 0
        do { try database.checkpoint(truncating: false) } catch {
            // Lack of room passes; what is in the log stays there meanwhile, and is as durable.
            if !error.isPassing { failure = error }
        }
    }

    /// 16 MiB. The more, the rarer a page that changes often is written; the longer a start after a crash.
    var pagesBeforeTidying = 4_000
}

/// What a store asks of its database, compiled once.
struct Statements {
    let selectState: Statement
    let replaceState: Statement

    let insertBatch: Statement
    let selectBatches: Statement
    let selectOldest: Statement
    let selectObsolete: Statement
    let deleteBatches: Statement

    let insertPart: Statement
    let selectParts: Statement
    let deleteParts: Statement
    let selectLastPart: Statement

    let selectCheckpoint: Statement
    let insertCheckpoint: Statement
    let deleteCheckpoint: Statement

    init(_ database: Database) throws(StoreError) {
        selectState = try database.prepare(StoreState.select)
        replaceState = try database.prepare(StoreState.replace)

        // The body comes last, also where the checksum is before it in the table's own order.
        insertBatch = try database.prepare(
            "INSERT INTO journal (last, first, previous, checksum, body) VALUES (?1, ?2, ?3, ?4, ?5)")
        selectBatches = try database.prepare(
            "SELECT last, first, previous, checksum, body FROM journal ORDER BY last")
        selectOldest = try database.prepare("SELECT last FROM journal ORDER BY last LIMIT 1")
        selectObsolete = try database.prepare(
            "SELECT last FROM journal WHERE last <= ?1 ORDER BY last LIMIT ?2")
        deleteBatches = try database.prepare("DELETE FROM journal WHERE last <= ?1")

        insertPart = try database.prepare("INSERT INTO part (id, checksum, body) VALUES (?1, ?2, ?3)")
        selectParts = try database.prepare(
            "SELECT id, checksum, body FROM part WHERE id >= ?1 AND id < ?2 ORDER BY id")
        deleteParts = try database.prepare("DELETE FROM part WHERE id >= ?1 AND id < ?2")
        selectLastPart = try database.prepare("SELECT coalesce(max(id), 0), coalesce(min(id), 1) FROM part")

        selectCheckpoint = try database.prepare(
            "SELECT sequence, first_part, parts, checksum, summary FROM checkpoint")
        insertCheckpoint = try database.prepare(
            "INSERT INTO checkpoint (sequence, first_part, parts, checksum, summary) VALUES (?1, ?2, ?3, ?4, ?5)")
        deleteCheckpoint = try database.prepare("DELETE FROM checkpoint")
    }
}
