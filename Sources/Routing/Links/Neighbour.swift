public import Addressing

/// Who is reached directly over a link, and whether it answers.
public struct Neighbour: Hashable, Sendable {
    /// Name of the link.
    public let device: String
    public let address: IPAddress
    public var state: NeighbourState
    /// Its address on the link, such as `02:00:00:00:00:01`; nil if unknown.
    public var linkAddress: String?

    public init(device: String, address: IPAddress, state: NeighbourState, linkAddress: String? = nil) {
        self.device = device
        self.address = address
        self.state = state
        self.linkAddress = linkAddress
    }
}

/// What is known of a neighbour's reachability. Values are those of `NUD_…`, names those of iproute2.
///
/// Source: Linux `include/uapi/linux/neighbour.h`, `include/net/neighbour.h`.
public enum NeighbourState: UInt8, CaseIterable, Hashable, Sendable {
    case none = 0
    case incomplete = 0x01
    case reachable = 0x02
    case stale = 0x04
    case delay = 0x08
    case probe = 0x10
    case failed = 0x20
    case noARP = 0x40
    case permanent = 0x80

    public var name: String {
        switch self {
        case .none: "NONE"
        case .incomplete: "INCOMPLETE"
        case .reachable: "REACHABLE"
        case .stale: "STALE"
        case .delay: "DELAY"
        case .probe: "PROBE"
        case .failed: "FAILED"
        case .noARP: "NOARP"
        case .permanent: "PERMANENT"
        }
    }

    public init?(name: String) {
        guard let state = Self.allCases.first(where: { $0.name == name }) else { return nil }
        self = state
    }

    /// Packets can be sent to it (`NUD_VALID`).
    public var isValid: Bool {
        switch self {
        case .reachable, .stale, .delay, .probe, .noARP, .permanent: true
        case .none, .incomplete, .failed: false
        }
    }
}
