import API
import ControlPlane
import HTTPServer
import JSON
import Platform

/// The effective options: from the command line, else the environment, else the file, else the default.
struct Settings {
    enum Origin: String {
        case flag, environment, file, `default`
    }

    /// Text and origin by name, as `--print-config` shows them. Lists are joined with commas.
    private(set) var texts: [(name: String, text: String, origin: Origin)] = []

    let listen: [ListenAddress]
    let insecureListen: Bool
    /// Where the state is kept; nil if in memory only.
    let dataDirectory: String?
    let checkpointBytes: Int
    let logLevel: String
    let logBytes: Int
    let threads: Int
    let maxConnections: Int
    let maxFilters: Int
    let replayCacheBytes: Int
    let stuckSeconds: Int
    let hostNames: [String]
    let corsOrigins: [String]
    let simulatedSwitch: FirstSwitch
    let simulatesFaults: Bool

    static let logLevels = ["trace", "debug", "info", "notice", "warning", "error", "critical"]

    init(_ options: Options) throws(StartError) {
        var source = try Source(options)
        listen = try source.list(
            "listen", options.listen.isEmpty ? nil : options.listen.joined(separator: ","), "127.0.0.1:8080"
        )
        .map { (text) throws(StartError) in
            guard let address = ListenAddress(text) else {
                throw .usage("listen: '\(text)' is not HOST:PORT, such as 127.0.0.1:8080 or [::1]:8080")
            }
            return address
        }
        insecureListen = try source.flag("insecure_listen", options.insecureListen, false)
        let directory = try source.text("data_dir", options.dataDir, "fibd-data")
        dataDirectory = try source.flag("ephemeral", options.ephemeral, false) ? nil : directory
        if dataDirectory == "" { throw .usage("data_dir: it has no name; to keep nothing, say --ephemeral") }
        checkpointBytes = try source.number("checkpoint_bytes", options.checkpointBytes, 32 << 20, 1)
        logLevel = try source.text("log_level", options.logLevel, "info")
        logBytes = try source.number("log_bytes", options.logBytes, min(256 << 20, Process.memoryLimit / 8), 1 << 16)
        replayCacheBytes = try source.number(
            "replay_cache_bytes", options.replayCacheBytes, Process.memoryLimit / 8, 0)
        threads = try source.number("threads", options.threads, 2, 1)
        maxConnections = try source.number("max_connections", options.maxConnections, 10_240, 2)
        maxFilters = try source.number("max_filters", options.maxFilters, 1_024, 1)
        stuckSeconds = try source.number("stuck_seconds", options.stuckSeconds, 30, 1)
        hostNames = try source.list("host_names", options.hostNames, "")
        corsOrigins = try source.list("cors_origins", options.corsOrigins, "")
        let name = try source.text("simulated_switch", options.simulatedSwitch, "asic0")
        let isNamed = source.texts.contains { $0.name == "simulated_switch" && $0.origin != .default }
        simulatedSwitch = name == "none" ? .noneRunning : isNamed ? .named(name) : .usual(name)
        let isPrivate = dataDirectory == nil || listen.allSatisfy(\.isLoopback)
        simulatesFaults = try source.flag("simulate_faults", options.simulateFaults, isPrivate)
        texts = source.texts
        try source.finish()
        guard Self.logLevels.contains(logLevel) else {
            throw .usage("log_level: '\(logLevel)' is not one of \(Self.logLevels.joined(separator: ", "))")
        }
        guard ControlPlane.isValidNamespaceName(name) else {
            throw .usage(
                "simulated_switch: '\(name)' can't name a device: use 1 to 63 letters, digits, '.', '_' and '-', not "
                    + "beginning with '.' or '-', or 'none'")
        }
        try checkListeners()
    }

    private func checkListeners() throws(StartError) {
        guard !listen.isEmpty else { throw .usage("listen: no address given") }
        for address in listen where !address.isLoopback && !insecureListen {
            throw .usage(
                "listen: \(address) can be reached by others, and this version has no passwords or TLS yet; "
                    + "add --insecure-listen if the network is trusted")
        }
    }
}

extension ListenAddress {
    var isLoopback: Bool { host == "::1" || host.hasPrefix("127.") }
}

/// One place after the other where options come from.
private struct Source {
    private var file: [String: String] = [:]
    private let fileName: String
    var texts: [(name: String, text: String, origin: Settings.Origin)] = []

    init(_ options: Options) throws(StartError) {
        fileName = options.config ?? Process.environment("FIBD_CONFIG") ?? ""
        guard !fileName.isEmpty else { return }
        guard let bytes = Process.readFile(fileName) else {
            throw .usage("config: can't read \(fileName): \(Process.lastError)")
        }
        do {
            file = try Self.parse(bytes)
        } catch {
            throw .usage("config: \(fileName): \(error)")
        }
    }

    /// A JSON object of texts, numbers, booleans, and lists of texts.
    private static func parse(_ bytes: [UInt8]) throws -> [String: String] {
        var values: [String: String] = [:]
        var reader = JSONReader(bytes.span)
        try reader.read { reader in
            try reader.readObject { reader, name in
                switch try reader.peek() {
                case .number: values[name] = String(try reader.readInt())
                case .bool: values[name] = try reader.readBool() ? "1" : "0"
                case .array:
                    var list: [String] = []
                    try reader.readArray { reader, _ in list.append(try reader.readString()) }
                    values[name] = list.joined(separator: ",")
                default: values[name] = try reader.readString()
                }
            }
        }
        return values
    }

    mutating func optional(_ name: String, _ flag: String?) throws(StartError) -> String? {
        let fromFile = file.removeValue(forKey: name)
        let candidates: [(String?, Settings.Origin)] = [
            (flag, .flag), (Process.environment("FIBD_" + name.uppercased()), .environment), (fromFile, .file),
        ]
        for (text, origin) in candidates {
            guard let text else { continue }
            texts.append((name, text, origin))
            return text
        }
        return nil
    }

    mutating func text(_ name: String, _ flag: String?, _ standard: String) throws(StartError) -> String {
        if let text = try optional(name, flag) { return text }
        texts.append((name, standard, .default))
        return standard
    }

    mutating func list(_ name: String, _ flag: String?, _ standard: String) throws(StartError) -> [String] {
        try text(name, flag, standard).split(separator: ",").map { String($0.filter { $0 != " " }) }
    }

    mutating func number(_ name: String, _ flag: String?, _ standard: Int, _ minimum: Int) throws(StartError) -> Int {
        let text = try text(name, flag, String(standard))
        guard let number = Int(text), number >= minimum else {
            throw .usage("\(name): '\(text)' is not a number from \(minimum)")
        }
        return number
    }

    mutating func flag(_ name: String, _ flag: Bool?, _ standard: Bool) throws(StartError) -> Bool {
        let text = try text(name, flag.map { $0 ? "1" : "0" }, standard ? "1" : "0")
        guard
            let value = ["1": true, "true": true, "yes": true, "0": false, "false": false, "no": false, "": false][text]
        else {
            throw .usage("\(name): '\(text)' is not 1 or 0")
        }
        return value
    }

    func finish() throws(StartError) {
        if let unknown = file.keys.min() {
            throw .usage(
                "config: \(fileName): unknown option '\(unknown)'; known: \(texts.map(\.name).joined(separator: ", "))")
        }
    }
}
