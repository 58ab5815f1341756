private import CMemory
internal import Glibc

/// What the process finds around it.
public enum Process {
    /// Has all threads allocate from one heap that grows in large steps. glibc would give each thread one of its own, which
    /// grows by a system call every few pages: a fifth of the time of a first replay. Before the first thread.
    public static func shareHeap() { fibd_share_heap(64 << 20) }

    /// Lets go of many objects, and gives what the heap has no use for back to the system: 20 ms or more, in which others wait
    /// that allocate.
    public static func returnMemory(after objects: consuming [AnyObject]) {
        _ = consume objects
        fibd_trim_heap()
    }

    /// The value of an environment variable.
    public static func environment(_ name: String) -> String? {
        // SAFETY: the text is copied at once; no other thread changes the environment.
        guard let value = unsafe getenv(name) else { return nil }
        return unsafe String(cString: value)
    }

    /// Bytes of memory that the process may use: its cgroup's limit, or what the machine has.
    public static var memoryLimit: Int {
        let machine = sysconf(Int32(_SC_PHYS_PAGES)) * sysconf(Int32(_SC_PAGESIZE))
        let limits = ["/sys/fs/cgroup/memory.max", "/sys/fs/cgroup/memory/memory.limit_in_bytes"].compactMap { path in
            readFile(path).flatMap { bytes in
                Int(String(decoding: bytes, as: UTF8.self).prefix { $0.isNumber })
            }
        }
        return limits.reduce(machine) { min($0, $1) }
    }

    /// The content of a file; nil if it can't be read, and `errno` tells why.
    public static func readFile(_ path: String) -> [UInt8]? {
        guard let file = unsafe fopen(path, "re") else { return nil }
        defer { unsafe fclose(file) }
        var content: [UInt8] = []
        while true {
            // SAFETY: fread writes at most as many bytes as the buffer has.
            let piece = unsafe [UInt8](unsafeUninitializedCapacity: 16_384) { buffer, count in
                count = unsafe fread(buffer.baseAddress, 1, buffer.count, file)
            }
            if piece.isEmpty { return unsafe ferror(file) == 0 ? content : nil }
            content += piece
        }
    }

    /// Why the last call failed, in words.
    public static var lastError: String { unsafe String(cString: strerror(errno)) }

    /// Writes text to standard error in one call, so that lines of several threads don't mix.
    public static func writeError(_ text: String) { write(text, to: STDERR_FILENO) }

    /// Writes text to standard output.
    public static func writeOutput(_ text: String) { write(text, to: STDOUT_FILENO) }

    private static func write(_ text: String, to descriptor: Int32) {
        let bytes = Array(text.utf8)
        var start = 0
        while start < bytes.count {
            // SAFETY: the buffer outlives the call.
            let count = unsafe bytes[start...].withUnsafeBytes {
                unsafe Glibc.write(descriptor, $0.baseAddress, $0.count)
            }
            if count > 0 { start += count } else if errno != EINTR { return }
        }
    }

    /// Ends the process at once, without waiting for its threads.
    public static func end(_ code: Int32) -> Never { Glibc._exit(code) }

    /// Lets the calling thread do nothing for so long.
    public static func wait(seconds: UInt32) { Glibc.sleep(seconds) }
}
