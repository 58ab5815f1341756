import JSON
import Logging
import Platform

/// Log lines as JSON objects on standard error, one line each, for journald, Docker and people with `jq`.
struct JSONLogHandler: LogHandler {
    var metadata: Logger.Metadata = [:]
    var logLevel = Logger.Level.info

    subscript(metadataKey key: String) -> Logger.MetadataValue? {
        get { metadata[key] }
        set { metadata[key] = newValue }
    }

    func log(event: LogEvent) {
        var line: [UInt8] = []
        line.appendASCII("{\"time\":\"\(WallClock.timestamp())\",\"level\":\"\(event.level)\",\"message\":")
        line.appendJSON(string: "\(event.message)")
        let fields = metadata.merging(event.metadata ?? [:]) { $1 }
        for (key, value) in fields.sorted(by: { $0.key < $1.key }) {
            line.append(UInt8(ascii: ","))
            line.appendJSON(string: key)
            line.append(UInt8(ascii: ":"))
            line.appendJSON(string: "\(value)")
        }
        line.appendASCII("}\n")
        Process.writeError(String(decoding: line, as: UTF8.self))
    }
}
