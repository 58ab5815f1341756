internal import Glibc

/// The data directory, held by this process alone until the value goes.
struct DirectoryLock: ~Copyable {
    private let file: OpenFile

    /// Makes the directory if it isn't there, and takes it.
    ///
    /// - Throws: `.unwritable` if it belongs to someone else or can't be written, `.locked` if another process has it.
    init(_ directory: String) throws(StoreError) {
        try DirectoryLock.make(directory)
        try DirectoryLock.checkOwner(directory, in: directory)
        let file = try OpenFile("\(directory)/lock", O_RDWR | O_CREAT)
        try DirectoryLock.take(file, of: directory)
        try DirectoryLock.writeProcess(file)
        self.file = file
    }

    /// Closing the file is not enough: a program that another thread is just about to start has the file open as well.
    deinit {
        var all = DirectoryLock.wholeFile(F_UNLCK)
        // SAFETY: the call reads `all`.
        _ = unsafe fcntl(file.descriptor, DirectoryLock.setLock, &all)
    }

    /// Who holds a directory, in words, without touching it: nil if no one does.
    static func holder(_ directory: String) throws(StoreError) -> String? {
        let path = "\(directory)/lock"
        guard OpenFile.exists(path) else { return nil }
        let file = try OpenFile(path, O_RDONLY)
        var wanted = wholeFile()
        // SAFETY: the call reads and fills in `wanted`.
        guard unsafe fcntl(file.descriptor, getLock, &wanted) == 0 else {
            throw .system("can't examine the lock \(path)", errno: errno)
        }
        return wanted.l_type == F_UNLCK ? nil : name(readProcess(file))
    }

    /// Whoever writes here must be the owner: files of another owner would lock out the one who comes after.
    static func checkOwner(_ path: String, in directory: String) throws(StoreError) {
        let owner = try OpenFile.status(path).st_uid
        guard owner != geteuid() else { return }
        throw .unwritable(
            "\(path) belongs to user \(owner), and this is user \(geteuid()). Run fibd as user \(owner), or, as root: "
                + "chown -R \(geteuid()):\(getegid()) \(directory.quotedForShell)")
    }

    private static func make(_ directory: String) throws(StoreError) {
        // SAFETY: the path is copied by the kernel before the call returns.
        guard unsafe mkdir(directory, 0o700) != 0 else {
            return try OpenFile.sync(directory: "\(directory)/..")
        }
        guard errno == EEXIST || OpenFile.exists(directory) else {
            throw .system("can't make the directory \(directory)", errno: errno)
        }
    }

    private static func take(_ file: borrowing OpenFile, of directory: String) throws(StoreError) {
        var wanted = wholeFile()
        // SAFETY: the call reads `wanted`.
        if unsafe fcntl(file.descriptor, setLock, &wanted) == 0 { return }
        guard errno == EAGAIN || errno == EACCES else { throw .system("can't lock \(file.path)", errno: errno) }
        let holder = readProcess(file)
        throw .locked(
            process: holder, "\(directory) is in use by \(name(holder)). Stop it, or choose another --data-dir")
    }

    private static func name(_ process: Int32?) -> String { process.map { "process \($0)" } ?? "another process" }

    /// Tells who finds the directory taken whom to look for. Who can't be told, for lack of room, still finds it taken.
    private static func writeProcess(_ file: borrowing OpenFile) throws(StoreError) {
        ftruncate(file.descriptor, 0)
        do { try file.write(Array("\(getpid())\n".utf8)) } catch {
            guard case .full = error else { throw error }
        }
    }

    private static func readProcess(_ file: borrowing OpenFile) -> Int32? {
        guard let bytes = try? file.read(20, at: 0) else { return nil }
        return Int32(String(decoding: bytes.prefix { $0 != UInt8(ascii: "\n") }, as: UTF8.self))
    }

    private static func wholeFile(_ type: Int32 = F_WRLCK) -> flock {
        var range = flock()
        range.l_type = Int16(type)
        range.l_whence = Int16(SEEK_SET)
        return range
    }

    // Locks of an open file, so that a second attempt of the same process is refused as well. glibc shows the numbers,
    // which are the same on every machine, only to who defines _GNU_SOURCE.
    private static var setLock: Int32 { 37 }
    private static var getLock: Int32 { 36 }
}
