/// What a lookup that ends at a route gives. Values are those of `rtm_type`.
///
/// Source: Linux `include/uapi/linux/rtnetlink.h`; minimum scopes from `net/ipv4/fib_semantics.c` `fib_props`.
public enum RouteType: UInt8, CaseIterable, Sendable {
    case unicast = 1, local, broadcast, anycast, multicast, blackhole, unreachable, prohibit, `throw`, nat, xresolve

    public var name: String { Self.names[Int(rawValue)] }

    public init?(name: String) {
        guard let type = Self.byName[name] else { return nil }
        self = type
    }

    // Not `"\(self)"`: reflection costs 300 ns, and every entry holds a type.
    private static let names = [""] + allCases.map { "\($0)" }
    private static let byName = Dictionary(uniqueKeysWithValues: allCases.map { ($0.name, $0) })

    /// The widest scope that a route of this type may have in IPv4 (R1-33).
    public var minimumScope: RouteScope {
        switch self {
        case .local: .host
        case .broadcast, .anycast: .link
        case .nat, .xresolve: .nowhere
        case .unicast, .multicast, .blackhole, .unreachable, .prohibit, .throw: .global
        }
    }

    /// Ends a lookup with an error, or sends it to the next table; leads nowhere and so has no nexthop (R1-32).
    public var isWithoutNextHop: Bool {
        switch self {
        case .blackhole, .unreachable, .prohibit, .throw: true
        case .unicast, .local, .broadcast, .anycast, .multicast, .nat, .xresolve: false
        }
    }

    /// The table that `ip route` chooses when none is named (R1-29).
    public var defaultTable: TableID {
        switch self {
        case .local, .broadcast, .nat, .anycast: .local
        default: .main
        }
    }
}

/// How far away a destination is; a larger number is nearer (R1-28). Values are those of `rtm_scope`.
public struct RouteScope: RawRepresentable, Comparable, Hashable, Sendable {
    public let rawValue: UInt8
    public init(rawValue: UInt8) { self.rawValue = rawValue }
    public static func < (a: Self, b: Self) -> Bool { a.rawValue < b.rawValue }

    public static let global = RouteScope(rawValue: 0)
    public static let site = RouteScope(rawValue: 200)
    public static let link = RouteScope(rawValue: 253)
    public static let host = RouteScope(rawValue: 254)
    public static let nowhere = RouteScope(rawValue: 255)

    private static let names: [UInt8: String] = [
        0: "global", 200: "site", 253: "link", 254: "host", 255: "nowhere",
    ]

    public init?(name: String) {
        if let named = Self.names.first(where: { $0.value == name }) {
            self.init(rawValue: named.key)
        } else if let number = UInt8(decimal: name) {
            self.init(rawValue: number)
        } else if name == "universe" {
            self = .global
        } else {
            return nil
        }
    }

    public var name: String { Self.names[rawValue] ?? String(rawValue) }
}
