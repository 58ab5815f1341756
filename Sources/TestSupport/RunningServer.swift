internal import Glibc

/// A `fibd` of its own for a test: the binary that was built beside the tests, on a port that the system chose. Without a
/// simulated switch, unless the options ask for one.
@safe public final class RunningServer {
    public enum StartError: Error { case notListening(String) }

    public let process: ChildProcess
    public let port: UInt16

    public convenience init(_ options: String..., environment: [String] = []) throws {
        let keeps = options.contains("--data-dir") || environment.contains { $0.hasPrefix("FIBD_DATA_DIR=") }
        let hasSwitch = options.contains("--simulated-switch")
        try self.init(
            arguments: options + (keeps ? [] : ["--ephemeral"]) + (hasSwitch ? [] : ["--simulated-switch", "none"]),
            environment: environment)
    }

    /// With nothing but these arguments.
    public init(arguments: [String], environment: [String] = []) throws {
        process = try ChildProcess(
            RunningServer.binary, ["--listen", "127.0.0.1:0"] + arguments, environment: environment)
        var port: UInt16?
        _ = eventually { [process] in
            port = RunningServer.listeningPort(process.errorOutput)
            return port != nil || !process.isRunning
        }
        guard let port else { throw StartError.notListening(process.errorOutput) }
        self.port = port
    }

    /// The program that was built together with these tests.
    public static let binary: String = {
        let runner = linkTarget("/proc/self/exe")
        return runner.prefix(upTo: runner.lastIndex(of: "/") ?? runner.startIndex) + "/fibd"
    }()

    private static func listeningPort(_ log: String) -> UInt16? {
        guard let line = log.split(separator: "\n").first(where: { $0.contains(#""message":"listening""#) }),
            let address = line.split(separator: "\"").first(where: { $0.hasPrefix("127.0.0.1:") })
        else { return nil }
        return UInt16(address.drop { $0 != ":" }.dropFirst())
    }

    /// What it has logged so far, a line for each message.
    public var log: String { process.errorOutput }

    // MARK: Requests

    public func client(receiveBuffer: Int32? = nil, timeoutSeconds: Int = 20) throws -> TestClient {
        try TestClient(port: port, receiveBuffer: receiveBuffer, timeoutSeconds: timeoutSeconds)
    }

    /// One request on a connection of its own. A body is JSON unless a header says otherwise.
    public func request(
        _ method: String, _ target: String, _ body: String? = nil, headers: [String] = []
    ) throws -> TestResponse {
        let isTyped = body == nil || headers.contains { $0.lowercased().hasPrefix("content-type:") }
        return try client().request(
            method, target, headers: headers + (isTyped ? [] : ["Content-Type: application/json"]),
            body: body.map { Array($0.utf8) })
    }

    public func get(_ target: String, headers: [String] = []) throws -> TestResponse {
        try request("GET", target, headers: headers)
    }

    public func post(_ target: String, _ body: String, headers: [String] = []) throws -> TestResponse {
        try request("POST", target, body, headers: headers)
    }

    public func delete(_ target: String, headers: [String] = []) throws -> TestResponse {
        try request("DELETE", target, headers: headers)
    }

    // MARK: What the system knows of it

    /// Open descriptors.
    public var descriptorCount: Int { entries("/proc/\(process.pid)/fd").count }

    /// What they are open on, for a message.
    public var descriptors: [String] {
        entries("/proc/\(process.pid)/fd").map { linkTarget("/proc/\(process.pid)/fd/\($0)") }.sorted()
    }

    /// Memory that it occupies, in KiB. Always 0 under a sanitizer, whose shadow and quarantine would be counted; one
    /// gives itself away by terabytes of address space.
    public var residentKiB: Int { status("VmSize:") > 1 << 30 ? 0 : status("VmRSS:") }

    private func status(_ name: String) -> Int {
        let lines = fileText("/proc/\(process.pid)/status").split(separator: "\n")
        let line = lines.first { $0.hasPrefix(name) } ?? ""
        return line.split(whereSeparator: \.isWhitespace).compactMap { Int($0) }.first ?? 0
    }

    /// Ends it as a supervisor would; the exit code, or nil if it takes too long.
    public func stop(within seconds: Int = 10) -> Int32? {
        process.signal(SIGTERM)
        return process.waitForExit(within: seconds)
    }
}

/// The contents of a small file, such as those of `/proc`.
private func fileText(_ path: String) -> String {
    guard let file = unsafe fopen(path, "re") else { return "" }
    defer { unsafe fclose(file) }
    var bytes = [UInt8](repeating: 0, count: 64 * 1024)
    let count = unsafe fread(&bytes, 1, bytes.count, file)
    return String(decoding: bytes[..<count], as: UTF8.self)
}

private func entries(_ path: String) -> [String] {
    guard let directory = unsafe opendir(path) else { return [] }
    defer { unsafe closedir(directory) }
    var names: [String] = []
    while let entry = unsafe readdir(directory) {
        let name = unsafe withUnsafeBytes(of: &entry.pointee.d_name) { bytes in
            unsafe String(decoding: bytes.prefix { $0 != 0 }, as: UTF8.self)
        }
        if name.first != "." { names.append(name) }
    }
    return names
}

private func linkTarget(_ path: String) -> String {
    unsafe withUnsafeTemporaryAllocation(of: CChar.self, capacity: 4_096) { room in
        guard let start = room.baseAddress else { return "" }
        let length = unsafe readlink(path, start, room.count)
        return unsafe String(decoding: UnsafeRawBufferPointer(room)[..<max(0, length)], as: UTF8.self)
    }
}
