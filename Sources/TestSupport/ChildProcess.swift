public import Glibc

/// A program that a test runs. It inherits no descriptor that is closed on exec. What it writes is kept in memory, so it never waits for a reader; it is killed when the
/// value is dropped.
@safe public final class ChildProcess {
    public enum StartError: Error { case system(String, errno: Int32) }

    public let pid: pid_t
    private let outputFile: MemoryFile
    private let errorFile: MemoryFile
    private var status: Int32?

    /// - Parameter program: a path, or a name that is looked up.
    /// - Parameter environment: `NAME=value`, added to this process's own variables without those of the server.
    public init(
        _ program: String, _ arguments: [String] = [], input: [UInt8] = [], environment: [String] = []
    ) throws(StartError) {
        outputFile = try MemoryFile()
        errorFile = try MemoryFile()
        let inputFile = try MemoryFile(input)
        pid = try ChildProcess.spawn(
            [program] + arguments, environment + ChildProcess.inheritedEnvironment(),
            [inputFile.descriptor, outputFile.descriptor, errorFile.descriptor])
    }

    deinit {
        if isRunning {
            kill(pid, SIGKILL)
            var result: Int32 = 0
            unsafe waitpid(pid, &result, 0)
        }
    }

    /// What it has written so far.
    public var output: String { String(decoding: outputFile.contents, as: UTF8.self) }
    public var outputBytes: [UInt8] { outputFile.contents }
    public func outputBytes(last count: Int) -> [UInt8] { outputFile.contents(from: max(0, outputFile.count - count)) }
    public var errorOutput: String { String(decoding: errorFile.contents, as: UTF8.self) }

    public func signal(_ number: Int32) { kill(pid, number) }

    public var isRunning: Bool { status == nil && !reap() }

    /// The exit code, or 128 and the signal that ended it; nil if it still runs after the time.
    public func waitForExit(within seconds: Int = 20) -> Int32? {
        if status == nil { _ = eventually(within: seconds) { reap() } }
        return status.map { $0 & 0x7f == 0 ? $0 >> 8 & 0xff : 128 + $0 & 0x7f }
    }

    private func reap() -> Bool {
        var result: Int32 = 0
        guard unsafe waitpid(pid, &result, WNOHANG) == pid else { return false }
        status = result
        return true
    }

    private static func inheritedEnvironment() -> [String] {
        var variables: [String] = []
        var next = unsafe environ
        while let text = unsafe next.pointee {
            variables.append(unsafe String(cString: text))
            unsafe next += 1
        }
        return variables.filter { !$0.hasPrefix("FIBD_") }
    }

    private static func spawn(
        _ arguments: [String], _ environment: [String], _ standard: [Int32]
    ) throws(StartError) -> pid_t {
        var actions = unsafe posix_spawn_file_actions_t()
        unsafe posix_spawn_file_actions_init(&actions)
        defer { unsafe posix_spawn_file_actions_destroy(&actions) }
        for (number, descriptor) in standard.enumerated() {
            unsafe posix_spawn_file_actions_adddup2(&actions, descriptor, Int32(number))
        }
        // Threads of a test run block signals, and a child inherits that.
        var attributes = posix_spawnattr_t()
        unsafe posix_spawnattr_init(&attributes)
        defer { unsafe posix_spawnattr_destroy(&attributes) }
        var none = sigset_t()
        unsafe sigemptyset(&none)
        unsafe posix_spawnattr_setsigmask(&attributes, &none)
        unsafe posix_spawnattr_setflags(&attributes, Int16(POSIX_SPAWN_SETSIGMASK))
        var pid: pid_t = 0
        let texts = unsafe arguments.map { unsafe strdup($0) } + [nil]
        let variables = unsafe environment.map { unsafe strdup($0) } + [nil]
        defer { unsafe (texts + variables).forEach { unsafe free($0) } }
        let failure = unsafe posix_spawnp(&pid, arguments[0], &actions, &attributes, texts, variables)
        guard failure == 0 else { throw .system("spawn \(arguments[0])", errno: failure) }
        return pid
    }
}

/// A file without a name, in memory.
@safe private final class MemoryFile {
    let descriptor: Int32

    init(_ contents: [UInt8] = []) throws(ChildProcess.StartError) {
        let name = "/dev/shm/fibd-test-\(UInt64.random(in: 0 ... .max))"
        descriptor = unsafe open(name, O_RDWR | O_CREAT | O_EXCL | O_CLOEXEC, 0o600)
        guard descriptor >= 0 else { throw .system("open \(name)", errno: errno) }
        unsafe unlink(name)
        var written = 0
        while written < contents.count {
            let result = unsafe contents.withUnsafeBytes { bytes in
                unsafe pwrite(
                    descriptor, bytes.baseAddress?.advanced(by: written), bytes.count - written, off_t(written))
            }
            guard result > 0 else { throw .system("pwrite", errno: errno) }
            written += result
        }
    }

    deinit { close(descriptor) }

    var count: Int {
        var information = stat()
        return unsafe fstat(descriptor, &information) == 0 ? Int(information.st_size) : 0
    }

    var contents: [UInt8] { contents(from: 0) }

    // The child's writes move the position that it shares with this process, so reads name their own.
    func contents(from start: Int) -> [UInt8] {
        let size = max(0, count - start)
        // Also because an uninitialised array of size 0 writes into the one empty array that all threads share.
        if size == 0 { return [] }
        return unsafe [UInt8](unsafeUninitializedCapacity: size) { buffer, initialized in
            initialized = 0
            while initialized < size {
                let result = unsafe pread(
                    descriptor, buffer.baseAddress?.advanced(by: initialized), size - initialized,
                    off_t(start + initialized))
                if result <= 0 { return }
                initialized += result
            }
        }
    }
}
