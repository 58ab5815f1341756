private import CSQLite
internal import Glibc

/// A compiled statement of a `Database`, which ends it.
@safe struct Statement {
    // SAFETY: the pointer is valid until the database is closed; what rows return is copied before the next step.
    private let handle: OpaquePointer
    private unowned let database: Database

    @unsafe init(_ handle: OpaquePointer, _ database: Database) {
        unsafe self.handle = handle
        self.database = database
    }

    /// Runs a statement that returns no rows.
    ///
    /// - Parameters:
    ///   - numbers: values of its first parameters.
    ///   - body: the value of the one after them.
    func run(_ numbers: Int64..., body: [UInt8]? = nil) throws(StoreError) {
        bind(numbers)
        var code: Int32
        errno = 0
        if let body {
            // SAFETY: SQLite reads the bytes during `step` only; `reset` ends their use.
            code = unsafe body.withUnsafeBytes { bytes in
                unsafe bindStatic(bytes, at: Int32(numbers.count) + 1)
                return unsafe sqlite3_step(handle)
            }
        } else {
            code = unsafe sqlite3_step(handle)
        }
        let failure = code == SQLITE_DONE ? nil : database.error(code)
        unsafe sqlite3_reset(handle)
        if let failure { throw failure }
    }

    /// Begins to read rows: `step` goes to the first. Followed by `reset` or `finish`, also after an error.
    func start(_ numbers: Int64...) { bind(numbers) }

    /// Goes to the next row; false after the last.
    func step() throws(StoreError) -> Bool {
        errno = 0
        let code = unsafe sqlite3_step(handle)
        if code == SQLITE_ROW { return true }
        guard code == SQLITE_DONE else { throw database.error(code) }
        return false
    }

    func integer(_ column: Int32) -> Int64 { unsafe sqlite3_column_int64(handle, column) }

    /// A number that was written as `Int64(number)` or by its bit pattern.
    func number(_ column: Int32) -> UInt64 { UInt64(bitPattern: integer(column)) }

    func text(_ column: Int32) -> String {
        guard let text = unsafe sqlite3_column_text(handle, column) else { return "" }
        return unsafe String(cString: text)
    }

    func bytes(_ column: Int32) -> [UInt8] {
        guard let start = unsafe sqlite3_column_blob(handle, column) else { return [] }
        return unsafe [UInt8](UnsafeRawBufferPointer(start: start, count: Int(sqlite3_column_bytes(handle, column))))
    }

    /// Makes the statement ready for the next use. An error of the last step was reported by it.
    func reset() { unsafe sqlite3_reset(handle) }

    /// Ends the statement.
    func finish() { unsafe sqlite3_finalize(handle) }

    private func bind(_ numbers: [Int64]) {
        for (index, number) in numbers.enumerated() {
            let code = unsafe sqlite3_bind_int64(handle, Int32(index) + 1, number)
            precondition(code == SQLITE_OK, "a parameter that the statement doesn't have")
        }
    }

    private func bindStatic(_ bytes: UnsafeRawBufferPointer, at index: Int32) {
        // SQLite takes a null pointer, which an empty array may have, for NULL.
        let code =
            unsafe bytes.isEmpty
            ? unsafe sqlite3_bind_zeroblob(handle, index, 0)
            : unsafe sqlite3_bind_blob64(handle, index, bytes.baseAddress, UInt64(bytes.count), nil)
        precondition(code == SQLITE_OK, "a parameter that the statement doesn't have, or more than 1 GB")
    }
}
