internal import Glibc

/// A new directory, removed with all that is in it when the value goes.
@safe public final class TemporaryDirectory {
    public let path: String

    /// - Parameter parent: where it is made; `TMPDIR`, or where the system keeps temporary files, if nil.
    public init(in parent: String? = nil) {
        // SAFETY: the text is copied at once, and no test changes the environment; mkdtemp writes into the copy.
        let parent = unsafe parent ?? getenv("TMPDIR").map { unsafe String(cString: $0) } ?? "/tmp"
        path = unsafe "\(parent)/fibd-test-XXXXXX".withCString { template in
            let copy = unsafe strdup(template)
            defer { unsafe free(copy) }
            guard let copy = unsafe copy, let made = unsafe mkdtemp(copy) else {
                preconditionFailure("no temporary directory: errno \(errno)")
            }
            return unsafe String(cString: made)
        }
    }

    deinit { TemporaryDirectory.removeAll(path) }

    /// Names of the files in it, sorted.
    public var names: [String] { TemporaryDirectory.names(in: path) }

    public static func names(in path: String) -> [String] {
        // SAFETY: the stream is used and closed here only; names are copied before the next is read.
        guard let stream = unsafe opendir(path) else { return [] }
        defer { unsafe closedir(stream) }
        var names: [String] = []
        while let entry = unsafe readdir(stream) {
            let name = unsafe withUnsafePointer(to: &entry.pointee.d_name) {
                unsafe $0.withMemoryRebound(to: CChar.self, capacity: 256) { unsafe String(cString: $0) }
            }
            if name != "." && name != ".." { names.append(name) }
        }
        return names.sorted()
    }

    private static func removeAll(_ path: String) {
        for name in names(in: path) where unsafe unlink("\(path)/\(name)") != 0 { removeAll("\(path)/\(name)") }
        unsafe rmdir(path)
    }
}

/// Whole files, for tests that copy and damage them.
public enum TestFile {
    /// Nil if there is none.
    public static func read(_ path: String) -> [UInt8]? {
        guard let file = unsafe fopen(path, "re") else { return nil }
        defer { unsafe fclose(file) }
        var content: [UInt8] = []
        while true {
            // SAFETY: fread writes at most as many bytes as the buffer has.
            let piece = unsafe [UInt8](unsafeUninitializedCapacity: 65_536) { buffer, count in
                count = unsafe fread(buffer.baseAddress, 1, buffer.count, file)
            }
            if piece.isEmpty { return content }
            content += piece
        }
    }

    public static func write(_ bytes: [UInt8], to path: String) {
        guard let file = unsafe fopen(path, "we") else { preconditionFailure("can't open \(path): errno \(errno)") }
        defer { unsafe fclose(file) }
        // SAFETY: the buffer outlives the call.
        let written = unsafe bytes.withUnsafeBytes { unsafe fwrite($0.baseAddress, 1, $0.count, file) }
        precondition(written == bytes.count, "can't write \(path): errno \(errno)")
    }
}
