internal import Glibc

/// Looks at a database from outside, before SQLite does: SQLite may write as it opens a file.
enum DatabaseFile {
    static let name = "fibd.db"

    /// Whether there is a database of ours. None of what it finds is changed.
    ///
    /// - Throws: `.foreign` and `.newer`; `.damaged` if the file ends too early.
    static func find(_ path: String) throws(StoreError) -> Bool {
        guard OpenFile.exists(path) else { return false }
        let file = try OpenFile(path, O_RDONLY)
        let status = try file.status()
        guard status.st_mode & S_IFMT == S_IFREG else { throw foreign(path) }
        if status.st_size == 0 { return false }
        try check(Header(file), path: path)
        return true
    }

    private static func check(_ header: Header, path: String) throws(StoreError) {
        guard header.isSQLite else { throw foreign(path) }
        guard header.isComplete else { throw .damage("\(path) is damaged: it ends after \(header.bytes.count) bytes") }
        guard header.applicationID == Schema.applicationID else { throw foreign(path) }
        guard header.version <= UInt32(Schema.version) else {
            throw .newer(
                "\(path) was written by a newer fibd, in version \(header.version); this one knows version "
                    + "\(Schema.version) and leaves it as it is. Start the newer fibd, or choose another --data-dir")
        }
        guard header.version > 0 else { throw .damage("\(path) is damaged: it has no version") }
    }

    private static func foreign(_ path: String) -> StoreError {
        .foreign("\(path) is not a file of fibd's. Move it away, or choose another --data-dir")
    }

    /// Makes an empty store. Under another name, so that a file with the right name is complete.
    ///
    /// - Throws: `.damaged` if the log of another one is there, which SQLite would take for this one's.
    static func create(_ path: String, in directory: String) throws(StoreError) {
        for log in ["\(path)-wal", "\(path)-journal"] where OpenFile.exists(log) {
            throw .damage(
                "\(log) is there without its database: \(path) was removed or is empty. Put it back from a copy, or "
                    + "remove \(log) to begin anew")
        }
        let new = "\(path).new"
        for suffix in ["", "-journal", "-wal"] { remove(new + suffix) }
        _ = try OpenFile(new, O_RDWR | O_CREAT | O_EXCL)
        let database = try Database(new)
        try database.execute("PRAGMA auto_vacuum = NONE; PRAGMA synchronous = FULL")
        try Schema.migrate(database, isNew: true)
        database.close(keepingLog: false)
        // SAFETY: the paths are copied by the kernel before the call returns.
        guard unsafe rename(new, path) == 0 else { throw .system("can't rename \(new)", errno: errno) }
        try OpenFile.sync(directory: directory)
    }

    /// A file that isn't there is removed already.
    static func remove(_ path: String) {
        // SAFETY: the path is copied by the kernel before the call returns.
        unsafe unlink(path)
    }
}

/// The first 100 bytes of an SQLite database (https://www.sqlite.org/fileformat.html#the_database_header).
private struct Header {
    let bytes: [UInt8]

    init(_ file: borrowing OpenFile) throws(StoreError) { bytes = try file.read(100, at: 0) }

    var isComplete: Bool { bytes.count == 100 }
    /// As far as the file goes.
    var isSQLite: Bool { bytes.prefix(16) == Array("SQLite format 3\0".utf8).prefix(bytes.count) }
    var version: UInt32 { UInt32(bigEndian: bytes, at: 60) }
    var applicationID: UInt32 { UInt32(bigEndian: bytes, at: 68) }
}

extension UInt32 {
    /// The number in 4 bytes of a file, the most significant first.
    init(bigEndian bytes: [UInt8], at index: Int) {
        self = bytes[index..<index + 4].reduce(0) { $0 << 8 | UInt32($1) }
    }
}
