/// The class of a qdisc that a filter puts packets in: 16 bits of the qdisc's handle, 16 of the class.
///
/// Source: kernel include/uapi/linux/pkt_sched.h `TC_H_MAJ`, `TC_H_MIN`; iproute2 tc/tc_util.c `get_tc_classid`.
public struct ClassID: RawRepresentable, Hashable, Sendable {
    public let rawValue: UInt32
    public init(rawValue: UInt32) { self.rawValue = rawValue }

    /// No class (`TC_H_UNSPEC`).
    public static let none = ClassID(rawValue: 0)
    /// `TC_H_ROOT`.
    public static let root = ClassID(rawValue: .max)

    /// Minor numbers that stand for traffic classes of hardware (`TC_H_MIN_PRIORITY`; as many as `TC_QOPT_MAX_QUEUE`).
    private static let hardware: ClosedRange<UInt32> = 0xFFE0...0xFFEF

    /// As `tc` takes it: `root`, `none`, `MAJOR:MINOR` in hexadecimal, of which one may be left out, or both in one number. Nil if it
    /// is none of these.
    public init?(_ text: String) {
        switch text {
        case "none": self = .none
        case "root": self = .root
        default:
            let parts = text.split(separator: ":", maxSplits: 1, omittingEmptySubsequences: false)
            if parts.count == 1 {
                guard let number = UInt32(hex: Self.digits(parts[0])) else { return nil }
                self.init(rawValue: number)
            } else {
                guard !(parts[0].isEmpty && parts[1].isEmpty) else { return nil }
                guard let major = Self.half(parts[0]), let minor = Self.half(parts[1]) else { return nil }
                self.init(rawValue: UInt32(major) << 16 | UInt32(minor))
            }
        }
    }

    /// For a traffic class of hardware, 0 to 15. Nil if it is another number.
    ///
    /// - Parameter major: of the qdisc; that of `ingress` and `clsact` if nothing else is said.
    public init?(hwTC: UInt64, major: UInt16 = 0xFFFF) {
        guard hwTC < Self.hardware.count else { return nil }
        self.init(rawValue: UInt32(major) << 16 | Self.hardware.lowerBound + UInt32(hwTC))
    }

    private static func half(_ text: Substring) -> UInt16? { text.isEmpty ? 0 : UInt16(hex: digits(text)) }

    private static func digits(_ text: Substring) -> Substring { text.hasPrefix("0x") ? text.dropFirst(2) : text }

    public var major: UInt16 { UInt16(truncatingIfNeeded: rawValue >> 16) }
    public var minor: UInt16 { UInt16(truncatingIfNeeded: rawValue) }

    /// As `tc` prints `classid` and `flowid`.
    public var text: String {
        if self == .none { return "none" }
        if self == .root { return "root" }
        func hex(_ number: UInt16) -> String { number == 0 ? "" : String(number, radix: 16) }
        return "\(hex(major)):\(hex(minor))"
    }

    /// The traffic class of hardware that it stands for, which `tc` prints as `hw_tc` in place of flower's `classid`; nil if it stands
    /// for none.
    public var hwTC: UInt64? {
        Self.hardware.contains(UInt32(minor)) ? UInt64(UInt32(minor) - Self.hardware.lowerBound) : nil
    }
}
