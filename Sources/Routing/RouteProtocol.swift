/// Who put a route there. Values are those of `rtm_protocol`, names those of iproute2's `rt_protos`.
public struct RouteProtocol: RawRepresentable, Hashable, Sendable {
    public let rawValue: UInt8
    public init(rawValue: UInt8) { self.rawValue = rawValue }

    public static let unspecified = RouteProtocol(rawValue: 0)
    public static let redirect = RouteProtocol(rawValue: 1)
    public static let kernel = RouteProtocol(rawValue: 2)
    public static let boot = RouteProtocol(rawValue: 3)
    public static let `static` = RouteProtocol(rawValue: 4)
    public static let routerAdvertisement = RouteProtocol(rawValue: 9)
    public static let bgp = RouteProtocol(rawValue: 186)

    /// The kernel itself inserts such routes, and without the exclusive flag: two links may each bring the same prefix.
    var isInsertedByKernel: Bool { self == .kernel || self == .routerAdvertisement || self == .redirect }

    private static let names: [(UInt8, String)] = [
        (0, "unspec"), (1, "redirect"), (2, "kernel"), (3, "boot"), (4, "static"), (8, "gated"), (9, "ra"),
        (10, "mrt"), (11, "zebra"), (12, "bird"), (13, "dnrouted"), (14, "xorp"), (15, "ntk"), (16, "dhcp"),
        (17, "mrouted"), (18, "keepalived"), (42, "babel"), (99, "openr"), (186, "bgp"), (187, "isis"),
        (188, "ospf"), (189, "rip"), (192, "eigrp"),
    ]
    private static let byName = Dictionary(uniqueKeysWithValues: names.map { ($0.1, $0.0) })
    private static let texts: [String] = {
        var texts = (0...255).map { String($0) }
        for (number, name) in names { texts[Int(number)] = name }
        return texts
    }()

    /// All names there are.
    public static var allNames: [String] { names.map(\.1) }

    /// A name, or a number from 0 to 255.
    public init?(name: String) {
        guard let number = Self.byName[name] ?? UInt8(decimal: name) else { return nil }
        rawValue = number
    }

    /// The number for protocols without a name.
    public var name: String { Self.texts[Int(rawValue)] }
}
