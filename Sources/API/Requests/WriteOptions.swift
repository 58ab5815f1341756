internal import ControlPlane
internal import HTTPServer

/// What every write takes in its query.
struct WriteOptions: Sendable {
    enum Acknowledgement: String { case applied, durable, hardware }

    /// Check and answer, but change nothing.
    let isDryRun: Bool
    let acknowledgement: Acknowledgement

    init(_ query: inout Query) throws(Problem) {
        isDryRun = try query.flag("dry_run")
        acknowledgement =
            try query.take("ack", "applied, durable or hardware") { Acknowledgement(rawValue: $0) } ?? .durable
        // Whether a failure in hardware is to be an error; without a device nothing can fail.
        _ = try query.flag("fail")
    }
}
