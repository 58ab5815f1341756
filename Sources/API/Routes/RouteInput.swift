internal import Addressing
internal import JSON
internal import Routing

/// A route as a client wrote it: iproute2's JSON, with nothing filled in yet.
///
/// What `ip -json -details route show` and our own listings print is accepted; status that they print along is ignored.
struct RouteInput {
    var namespace: String?
    var family: AddressFamily?
    var table: TableID?
    var type: RouteType?
    var destination: Prefix?
    var isDefault = false
    var tos: UInt8?
    var metric: UInt32?
    var `protocol`: RouteProtocol?
    var scope: RouteScope?
    var preferredSource: IPAddress?
    var preference: RouteInfo.Preference?
    var metrics: RouteMetrics?
    /// Of the route itself: `gateway`, `via`, `dev`, `weight`, `flags`.
    var hop = NextHopInput()
    var hops: [NextHopInput]?
    /// 0 is none, as for the kernel.
    var nextHopID: UInt32 = 0
    /// In milliseconds since 1970; 0 for never.
    var expiresAt: UInt64 = 0

    private enum Field: Int, CaseIterable {
        case namespace, family, table, type, dst, tos, metric, `protocol`, scope, prefsrc, pref, metrics
        case gateway, via, dev, weight, flags, nexthops, nhid
        case expiresAt
        // Status, and what `ip` prints about its cache; ignored.
        case hw, seq, version, h, expires, error, cache, users, used, age

        var name: String { self == .expiresAt ? "expires_at" : "\(self)" }
    }
    private static let fields = JSONFields(Field.allCases.map(\.name))
    private static let tables = NameTable(["main", "local", "default"]) { TableID(name: $0) }
    private static let types = NameTable(RouteType.allCases.map(\.name)) { RouteType(name: $0) }
    private static let protocols = NameTable(RouteProtocol.allNames) { RouteProtocol(name: $0) }

    init(_ reader: inout JSONReader) throws {
        try reader.readObject(Self.fields) { reader, index in
            guard let field = Field(rawValue: index) else {
                preconditionFailure("field \(index) of \(Self.fields.names)")
            }
            try read(field, &reader)
        }
    }

    private mutating func read(_ field: Field, _ reader: inout JSONReader) throws {
        switch field {
        case .namespace: namespace = try reader.readString()
        case .family: family = try reader.readName("inet or inet6") { AddressFamily(name: $0) }
        case .table:
            table = try reader.read(Self.tables) { try $0.readNameOrNumber("a table") { TableID(name: $0) } }
        case .type:
            type = try reader.read(Self.types) { try $0.readName("a route type") { RouteType(name: $0) } }
        case .dst: try readDestination(&reader)
        case .tos: tos = try reader.readTos()
        case .metric: metric = UInt32(try reader.readUInt(max: UInt64(UInt32.max)))
        case .protocol:
            self.protocol = try reader.read(Self.protocols) {
                try $0.readNameOrNumber("a route protocol") { RouteProtocol(name: $0) }
            }
        case .scope: scope = try reader.readNameOrNumber("a scope") { RouteScope(name: $0) }
        case .prefsrc: preferredSource = try reader.readAddress()
        case .pref:
            preference = try reader.readName("low, medium or high") { name in
                RouteInfo.Preference.allCases.first { $0.name == name }
            }
        case .metrics: metrics = try RouteMetrics(&reader)
        case .gateway, .via, .dev, .weight, .flags: try readHop(field, &reader)
        case .nexthops:
            var list: [NextHopInput] = []
            try reader.readArray { reader, _ in list.append(try NextHopInput(&reader)) }
            hops = list
        case .nhid:
            nextHopID = UInt32(try reader.readUInt(max: UInt64(UInt32.max)))
        case .expiresAt:
            expiresAt = try reader.readTime()
        case .hw, .seq, .version, .h, .expires, .error, .cache, .users, .used, .age: try reader.skipValue()
        }
    }

    private mutating func readHop(_ field: Field, _ reader: inout JSONReader) throws {
        switch field {
        case .gateway: hop.gateway = try reader.readAddress()
        case .via: hop.via = try reader.readVia()
        case .dev: hop.device = try reader.readDevice()
        case .weight: hop.weight = try reader.readWeight()
        default: hop.flags = try reader.readHopFlags()
        }
    }

    private mutating func readDestination(_ reader: inout JSONReader) throws {
        try reader.readText { text in
            if text.count == 7, text[0] == UInt8(ascii: "d") {
                isDefault = text.equals("default")
            }
            if !isDefault { destination = try Prefix(parsing: text) }
        }
    }
}

/// One nexthop as a client wrote it.
struct NextHopInput: Equatable {
    var gateway: IPAddress?
    var via: IPAddress?
    var device: String?
    var weight: UInt16?
    var flags: NextHop.Flags?

    var isEmpty: Bool { gateway == nil && via == nil && device == nil && weight == nil && flags?.isEmpty ?? true }

    init() {}

    /// A number that differs between most nexthops, in its low bits too.
    var spread: Int {
        let address = gateway ?? via
        let bits = (address?.high ?? 0) ^ (address?.low ?? 0) ^ UInt64(device?.utf8.last ?? 0)
        return Int(truncatingIfNeeded: (bits &* 0x9E37_79B9_7F4A_7C15) &>> 40)
    }

    private static let fields = JSONFields("gateway", "via", "dev", "weight", "flags")

    init(_ reader: inout JSONReader) throws {
        try reader.readObject(Self.fields) { reader, index in
            switch index {
            case 0: gateway = try reader.readAddress()
            case 1: via = try reader.readVia()
            case 2: device = try reader.readDevice()
            case 3: weight = try reader.readWeight()
            default: flags = try reader.readHopFlags()
            }
        }
    }

    /// The nexthop it stands for in a route of that family.
    func nextHop(_ family: AddressFamily) throws(FIBError) -> NextHop {
        if gateway != nil, via != nil {
            throw FIBError(.einval, .nextHopConflict, "give gateway or via, not both", rule: "R1-82")
        }
        if let gateway, gateway.family != family {
            throw FIBError(
                .einval, .familyMismatch,
                "gateway \(gateway) is not of the route's family \(family.name)"
                    + (family == .inet ? "; use via to go through an IPv6 neighbour" : ""))
        }
        return NextHop(gateway: gateway ?? via, device: device ?? "", weight: weight ?? 1, flags: flags ?? [])
    }
}
