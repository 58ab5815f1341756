internal import Glibc

/// An open file or directory, closed with the value. Programs that are started don't inherit it.
@safe struct OpenFile: ~Copyable {
    let descriptor: Int32
    let path: String

    /// - Parameter mode: permissions of a file that is made.
    init(_ path: String, _ flags: Int32, mode: mode_t = 0o600) throws(StoreError) {
        // SAFETY: the path is copied by the kernel before the call returns.
        let descriptor = unsafe open(path, flags | O_CLOEXEC, mode)
        guard descriptor >= 0 else { throw .system("can't open \(path)", errno: errno) }
        self.descriptor = descriptor
        self.path = path
    }

    deinit { close(descriptor) }

    /// Up to `count` bytes from `offset` on; fewer where the file ends.
    func read(_ count: Int, at offset: Int) throws(StoreError) -> [UInt8] {
        var failure: Int32 = 0
        // SAFETY: pread writes at most as many bytes as the buffer has left.
        let bytes = unsafe [UInt8](unsafeUninitializedCapacity: max(count, 1)) { buffer, filled in
            while filled < count {
                let result = unsafe pread(
                    descriptor, buffer.baseAddress?.advanced(by: filled), count - filled, off_t(offset + filled))
                if result < 0 && errno == EINTR { continue }
                if result < 0 { failure = errno }
                if result <= 0 { return }
                filled += result
            }
        }
        guard failure == 0 else { throw .system("can't read \(path)", errno: failure) }
        return bytes
    }

    func write(_ bytes: [UInt8]) throws(StoreError) {
        var written = 0
        while written < bytes.count {
            // SAFETY: the buffer outlives the call, and has that many bytes left.
            let result = unsafe bytes.withUnsafeBytes {
                unsafe Glibc.write(descriptor, $0.baseAddress?.advanced(by: written), $0.count - written)
            }
            if result < 0 && errno == EINTR { continue }
            guard result > 0 else { throw .system("can't write \(path)", errno: errno) }
            written += result
        }
    }

    /// Makes the content durable; of a directory, the names in it.
    func sync() throws(StoreError) {
        guard fsync(descriptor) == 0 else { throw .failed("can't sync \(path): errno \(errno)") }
    }

    func status() throws(StoreError) -> stat {
        var status = stat()
        // SAFETY: the call fills in `status`.
        guard unsafe fstat(descriptor, &status) == 0 else { throw .system("can't examine \(path)", errno: errno) }
        return status
    }

    /// Of what a path leads to, which needs not be readable.
    static func status(_ path: String) throws(StoreError) -> stat {
        var status = stat()
        // SAFETY: the path is copied by the kernel before the call returns; the call fills in `status`.
        guard unsafe stat(path, &status) == 0 else { throw .system("can't examine \(path)", errno: errno) }
        return status
    }

    static func exists(_ path: String) -> Bool {
        // SAFETY: the path is copied by the kernel before the call returns.
        unsafe access(path, F_OK) == 0
    }

    /// Makes the names in a directory durable.
    static func sync(directory: String) throws(StoreError) {
        try OpenFile(directory, O_RDONLY | O_DIRECTORY).sync()
    }
}
