/// Why the server could not start. Nothing is left open when it is thrown.
public struct HTTPServerError: Error, Hashable, Sendable, CustomStringConvertible {
    public enum Operation: String, Sendable {
        case listen
        case startDaemon = "start-daemon"
        case createDescriptor = "create-descriptor"
    }

    public let operation: Operation
    /// The listen address concerned; nil if none is.
    public let address: ListenAddress?
    /// 0 where the library doesn't tell.
    public let errno: Int32
    /// One sentence for the operator: what, where, and what to do.
    public let message: String

    public var description: String { message }
}
