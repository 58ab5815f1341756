internal import Glibc

/// A copy of a store's files in a directory of its own, which goes with the value.
struct StoreCopy: ~Copyable {
    let directory: String
    private static let suffixes = ["", "-journal", "-wal"]

    /// Copies the files as they were at one moment, also while another process writes them.
    ///
    /// - Parameter scratch: a directory with room for the copy.
    static func make(of source: String, in scratch: String) throws(StoreError) -> StoreCopy {
        let copy = StoreCopy(directory: try makeDirectory(in: scratch))
        for _ in 0..<5 {
            let before = try Moment(source)
            try copy.fill(from: source)
            if try Moment(source) == before { return copy }
        }
        throw .failed("\(source) is being written all the time, so that no copy is whole. Stop its process first")
    }

    private init(directory: String) { self.directory = directory }

    deinit {
        for suffix in StoreCopy.suffixes { DatabaseFile.remove("\(directory)/\(DatabaseFile.name)\(suffix)") }
        // SAFETY: the path is copied by the kernel before the call returns.
        unsafe rmdir(directory)
    }

    private static func makeDirectory(in scratch: String) throws(StoreError) -> String {
        let path = "\(scratch)/fibd-check-\(getpid())-\(UInt32.random(in: 0 ... .max))"
        // SAFETY: the path is copied by the kernel before the call returns.
        guard unsafe mkdir(path, 0o700) == 0 else { throw .system("can't make the directory \(path)", errno: errno) }
        return path
    }

    private func fill(from source: String) throws(StoreError) {
        for suffix in StoreCopy.suffixes {
            let name = "\(DatabaseFile.name)\(suffix)"
            DatabaseFile.remove("\(directory)/\(name)")
            guard OpenFile.exists("\(source)/\(name)") else { continue }
            let from = try OpenFile("\(source)/\(name)", O_RDONLY)
            let to = try OpenFile("\(directory)/\(name)", O_WRONLY | O_CREAT | O_EXCL)
            var offset = 0
            while true {
                let piece = try from.read(1 << 20, at: offset)
                if piece.isEmpty { break }
                try to.write(piece)
                offset += piece.count
            }
        }
    }

    /// What differs if the database was written, or its write-ahead log begun anew, in between. To the end of that log
    /// something may be added; a copy is whole without it.
    private struct Moment: Equatable {
        let size: Int
        let seconds: Int
        let nanoseconds: Int
        let logHeader: [UInt8]

        init(_ directory: String) throws(StoreError) {
            let path = "\(directory)/\(DatabaseFile.name)"
            let status = try OpenFile(path, O_RDONLY).status()
            size = Int(status.st_size)
            seconds = status.st_mtim.tv_sec
            nanoseconds = status.st_mtim.tv_nsec
            let log = "\(path)-wal"
            logHeader = OpenFile.exists(log) ? try OpenFile(log, O_RDONLY).read(32, at: 0) : []
        }
    }
}
