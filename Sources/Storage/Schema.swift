/// The tables of a database, and how those of each older version become the ones of the next.
enum Schema {
    /// "fibd", in the header of the file. `file` shows it, and other programs' databases have another one.
    static let applicationID: UInt32 = 0x6669_6264
    /// What this program reads and writes.
    static let version = 8

    /// Makes version n + 1 of version n. Version 0 is an empty file.
    private static func step(from version: Int, _ database: Database) throws(StoreError) {
        switch version {
        case 0: try createTables(database)
        // Records may speak of listeners, which a program that knows version 1 would take for damage.
        case 1: break
        // Links and neighbours, and sums by kind.
        case 2: break
        // Policy rules. Namespaces get those that they begin with when the state is read.
        case 3: break
        // Nexthop objects, and routes that lead where they do.
        case 4: break
        // Metrics that are locked or not numbers, and infos that say at which metric they are.
        case 5: break
        // Qdiscs, blocks, chains, filters and actions.
        case 6: break
        // Peers, and what namespaces and links say of paths.
        case 7: break
        default: preconditionFailure("no step leads on from version \(version)")
        }
    }

    /// Brings a database up to this version, in one transaction.
    ///
    /// Not in the write-ahead log: the version in the file itself is what another version of this program looks at before
    /// it touches anything (`DatabaseFile`).
    ///
    /// - Parameter isNew: nothing is lost with the file, so what it was before is kept in memory only. SQLite ignores some
    ///   errors of syncs of a file that holds it.
    static func migrate(_ database: Database, isNew: Bool = false) throws(StoreError) {
        let found = try database.texts("PRAGMA user_version").first.flatMap { Int($0) } ?? 0
        guard found < version else { return }
        try isNew
            ? database.expect("journal_mode = MEMORY", "memory") : database.expect("journal_mode = DELETE", "delete")
        try database.transaction { () throws(StoreError) in
            for version in found..<version { try step(from: version, database) }
            try database.execute("PRAGMA application_id = \(applicationID)")
            try database.execute("PRAGMA user_version = \(version)")
        }
    }

    private static func createTables(_ database: Database) throws(StoreError) {
        try database.execute(
            """
            -- What holds for the store as a whole: one row.
            CREATE TABLE store (
                id INTEGER PRIMARY KEY CHECK (id = 1),
                epoch INTEGER NOT NULL,      -- the number whose 16 hexadecimal digits it is
                reserved INTEGER NOT NULL,   -- numbers up to this one may have been given out
                last INTEGER NOT NULL,       -- of the newest row of the journal, ever
                removed INTEGER NOT NULL,    -- last of the newest row that was removed from the journal
                checkpoint INTEGER NOT NULL, -- sequence of the finished one; -1 if there is none
                checksum INTEGER NOT NULL);
            -- Batches of changes. `previous` is `last` of the row before, also if that one was removed.
            CREATE TABLE journal (
                last INTEGER PRIMARY KEY,
                first INTEGER NOT NULL,
                previous INTEGER NOT NULL,
                body BLOB NOT NULL,
                checksum INTEGER NOT NULL);
            -- The finished checkpoint: parts with `id` from first_part on.
            CREATE TABLE checkpoint (
                sequence INTEGER PRIMARY KEY,
                first_part INTEGER NOT NULL,
                parts INTEGER NOT NULL,
                summary BLOB NOT NULL,
                checksum INTEGER NOT NULL);
            CREATE TABLE part (
                id INTEGER PRIMARY KEY,
                body BLOB NOT NULL,
                checksum INTEGER NOT NULL);
            """)
        let insert = try database.prepare(StoreState.replace)
        defer { insert.finish() }
        try StoreState(epoch: .random(in: 0 ... .max)).write(with: insert)
    }
}

extension Database {
    /// Sets a pragma and sees to it that it took: what can't be granted, SQLite leaves as it was.
    func expect(_ pragma: String, _ value: String) throws(StoreError) {
        let name = pragma.prefix { $0 != " " }
        try execute("PRAGMA \(pragma)")
        guard try texts("PRAGMA \(name)").first == value else {
            throw .failed("can't use \(path): SQLite refuses \(pragma). Choose a --data-dir on a local file system")
        }
    }

    /// For a store in use: a commit is one write to the write-ahead log and one sync of it.
    func configure() throws(StoreError) {
        try expect("journal_mode = WAL", "wal")
        try expect("synchronous = FULL", "2")
        try execute(
            """
            PRAGMA wal_autocheckpoint = 0;        -- the owner says when there is time for it: `Store.tidy`
            PRAGMA journal_size_limit = 67108864; -- after a large commit the log shrinks to 64 MiB
            PRAGMA cache_size = -2048;            -- KiB. What is read is read once
            PRAGMA mmap_size = 0;                 -- an error of the disk would be a SIGBUS
            PRAGMA temp_store = MEMORY;
            PRAGMA secure_delete = OFF;           -- Debian's default writes over what is removed
            PRAGMA cell_size_check = ON;          -- damage is found where it is, not where it leads
            PRAGMA trusted_schema = OFF;
            """)
    }
}
