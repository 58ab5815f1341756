/// What hardware makes of a route.
public enum HardwareState: UInt8, CaseIterable, Hashable, Sendable {
    /// No device is to program it: it is not the first of its prefix, or no device takes it.
    case none
    /// A device is to program it and has not answered yet.
    case pending
    /// `RTM_F_OFFLOAD`: forwarded by hardware; the kernel does not see these packets.
    case offload
    /// `RTM_F_TRAP`: hardware sends the packets up.
    case trap
    /// Both.
    case offloadAndTrap
    /// `RTM_F_OFFLOAD_FAILED`: programming was tried and refused. The route still works, in software.
    case failed

    /// As it is written, in requests and in what `hw_digest` is made of.
    public var name: String {
        switch self {
        case .none: "none"
        case .pending: "pending"
        case .offload: "offload"
        case .trap: "trap"
        case .offloadAndTrap: "offload+trap"
        case .failed: "failed"
        }
    }

    public init?(name: String) {
        guard let state = Self.allCases.first(where: { $0.name == name }) else { return nil }
        self = state
    }

    public var flags: HardwareFlags {
        switch self {
        case .none, .pending: []
        case .offload: .offload
        case .trap: .trap
        case .offloadAndTrap: [.offload, .trap]
        case .failed: .offloadFailed
        }
    }

    /// Of several devices, the state of the one that is worst off, with the highest, is the route's.
    public var severity: Int {
        switch self {
        case .none: 0
        case .offload: 1
        case .offloadAndTrap: 2
        case .trap: 3
        case .pending: 4
        case .failed: 5
        }
    }
}

/// The flags of a route that hardware sets (R3-01).
///
/// Bit values are those of `rtm_flags` in a route message. Source: Linux `include/uapi/linux/rtnetlink.h`.
public struct HardwareFlags: OptionSet, Hashable, Sendable {
    public let rawValue: UInt32
    public init(rawValue: UInt32) { self.rawValue = rawValue }
    public static let offload = Self(rawValue: 0x4000)
    public static let trap = Self(rawValue: 0x8000)
    public static let offloadFailed = Self(rawValue: 0x2000_0000)

    /// The three of them in three bits.
    public var together: UInt8 { UInt8(rawValue >> 14 & 3) | UInt8(rawValue >> 27 & 4) }
    public init(together bits: UInt8) { self.init(rawValue: UInt32(bits & 3) << 14 | UInt32(bits & 4) << 27) }
}
