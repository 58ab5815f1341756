private import CSQLite
internal import Glibc

/// A connection to an SQLite database. Used by one thread at a time.
@safe final class Database {
    // SAFETY: the connection and the statements made with it live until `close`, which forgets the pointer; nothing
    // uses a closed database.
    private var handle: OpaquePointer?
    let path: String

    /// Opens a file that is there. Nothing is read yet.
    init(_ path: String) throws(StoreError) {
        self.path = path
        errno = 0
        let code = unsafe sqlite3_open_v2(path, &handle, SQLITE_OPEN_READWRITE | SQLITE_OPEN_NOMUTEX, nil)
        guard code == SQLITE_OK else {
            let error = error(code)
            close(keepingLog: true)
            throw error
        }
        // SAFETY: as above.
        unsafe sqlite3_extended_result_codes(handle, 1)
        // Kept from others, so that the index of the log is in memory and not in a file that is mapped. Before anything is
        // read, which would make that file.
        try expect("locking_mode = EXCLUSIVE", "exclusive")
    }

    deinit { close(keepingLog: true) }

    /// Ends all statements, and the connection.
    ///
    /// - Parameter keepingLog: leaves the files as they are, for a look at what went wrong and for the next start. Otherwise
    ///   the last thing that is done is to move what is in the write-ahead log into the file.
    func close(keepingLog: Bool) {
        guard let handle = unsafe handle else { return }
        // SAFETY: every statement is finalised once; whoever holds one doesn't use it any more.
        while let statement = unsafe sqlite3_next_stmt(handle, nil) { unsafe sqlite3_finalize(statement) }
        if keepingLog { unsafe fibd_sqlite_keep_log(handle) }
        unsafe sqlite3_close(handle)
        unsafe self.handle = nil
    }

    /// Compiles one statement, to be used many times.
    func prepare(_ sql: String) throws(StoreError) -> Statement {
        var statement: OpaquePointer?
        // SAFETY: SQLite copies the text.
        let code = unsafe sqlite3_prepare_v3(handle, sql, -1, UInt32(SQLITE_PREPARE_PERSISTENT), &statement, nil)
        guard code == SQLITE_OK, let statement = unsafe statement else { throw error(code) }
        return unsafe Statement(statement, self)
    }

    /// Runs statements whose results don't matter.
    func execute(_ sql: String) throws(StoreError) {
        errno = 0
        // SAFETY: SQLite copies the text.
        let code = unsafe sqlite3_exec(handle, sql, nil, nil, nil)
        guard code == SQLITE_OK else { throw error(code) }
    }

    /// The first column of each row, as text.
    func texts(_ sql: String) throws(StoreError) -> [String] {
        let rows = try prepare(sql)
        defer { rows.finish() }
        var texts: [String] = []
        while try rows.step() { texts.append(rows.text(0)) }
        return texts
    }

    /// All that `body` does, or nothing: what throws leaves everything as it was, and can be tried again.
    func transaction(_ body: () throws(StoreError) -> Void) throws(StoreError) {
        try execute("BEGIN IMMEDIATE")
        do {
            try body()
            try execute("COMMIT")
        } catch {
            // After some errors SQLite has rolled back by itself.
            if unsafe sqlite3_get_autocommit(handle) == 0 { try execute("ROLLBACK") }
            throw error
        }
    }

    /// Pages that were written since the last call, nearly all of them to the write-ahead log.
    func takePagesWritten() -> Int {
        var count: Int32 = 0
        var peak: Int32 = 0
        // SAFETY: the call fills in both numbers.
        unsafe sqlite3_db_status(handle, SQLITE_DBSTATUS_CACHE_WRITE, &count, &peak, 1)
        return Int(count)
    }

    /// Moves what is in the write-ahead log into the file. The log starts anew with the next write.
    ///
    /// - Parameter truncating: whether to give its space back, instead of writing over it, which is quicker.
    func checkpoint(truncating: Bool) throws(StoreError) {
        let mode = truncating ? SQLITE_CHECKPOINT_TRUNCATE : SQLITE_CHECKPOINT_PASSIVE
        errno = 0
        let code = unsafe sqlite3_wal_checkpoint_v2(handle, nil, mode, nil, nil)
        guard code == SQLITE_OK else { throw error(code) }
    }

    /// What the call before this one, which returned `code`, means to the store.
    func error(_ code: Int32) -> StoreError {
        // Of a commit that failed, SQLite has forgotten the number (`sqlite3_system_errno`) once it has rolled back.
        let systemError = errno
        // SAFETY: the text is copied at once.
        let message = unsafe String(cString: sqlite3_errmsg(handle))
        return .database(code: code, systemError: systemError, message, path: path)
    }
}

extension StoreError {
    static func database(code: Int32, systemError: Int32, _ message: String, path: String) -> StoreError {
        let isSync = [4, 5].contains(code >> 8) && code & 0xff == SQLITE_IOERR
        switch code & 0xff {
        case SQLITE_FULL: return .full("no room for \(path). Free some space on its file system")
        // What is asked is always the same: if it can't be done, the tables are not those that were made.
        case SQLITE_CORRUPT, SQLITE_NOTADB, SQLITE_ERROR, SQLITE_CONSTRAINT, SQLITE_SCHEMA:
            return .damage("\(path) is damaged: \(message)")
        case SQLITE_READONLY, SQLITE_PERM:
            return .unwritable("can't write \(path): \(message). Let fibd write there, or choose another --data-dir")
        case SQLITE_IOERR, SQLITE_CANTOPEN:
            // What an error of a sync leaves on the disk is unknown, whatever its reason.
            if isSync { return .failed("can't sync \(path): \(message), errno \(systemError)") }
            if systemError != 0 { return .system("can't use \(path)", errno: systemError) }
            return .failed("can't use \(path): \(message) (SQLite \(code))")
        default: return .failed("can't use \(path): \(message) (SQLite \(code))")
        }
    }
}
