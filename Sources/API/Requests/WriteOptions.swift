internal import ControlPlane
internal import HTTPServer

/// What every write takes in its query.
struct WriteOptions: Sendable {
    enum Acknowledgement: String { case applied, durable, hardware }

    /// Check and answer, but change nothing.
    let isDryRun: Bool
    let acknowledgement: Acknowledgement
    /// Whether a failure in hardware is to be an error.
    let failsOnHardware: Bool
    /// How long the client waits for that.
    let waitSeconds: Int

    static let longestWait = 30

    init(_ query: inout Query, _ request: HTTPRequest) throws(Problem) {
        isDryRun = try query.flag("dry_run")
        acknowledgement =
            try query.take("ack", "applied, durable or hardware") { Acknowledgement(rawValue: $0) } ?? .durable
        failsOnHardware = try query.flag("fail")
        waitSeconds = min(request.preferredWait ?? Self.longestWait, Self.longestWait)
    }
}

extension HTTPRequest {
    /// Seconds that the client is ready to wait (RFC 7240, section 4.3). What can't be understood is no preference.
    var preferredWait: Int? {
        for field in headers.all("Prefer") {
            for preference in field.split(separator: ",") {
                // Parameters of a preference follow a semicolon; this one has none.
                let parts = preference.prefix { $0 != ";" }.split(separator: "=", omittingEmptySubsequences: false)
                guard parts.count == 2, parts[0].trimmed.lowercased() == "wait" else { continue }
                return Int(parts[1].trimmed).flatMap { $0 >= 0 ? $0 : nil }
            }
        }
        return nil
    }
}

extension Substring {
    /// Without white space and quotes around it.
    fileprivate var trimmed: Substring {
        func isOutside(_ character: Character) -> Bool { character == " " || character == "\t" || character == "\"" }
        let start = drop(while: isOutside)
        return start[..<(start.lastIndex { !isOutside($0) }.map { start.index(after: $0) } ?? start.startIndex)]
    }
}
