internal import ControlPlane
internal import JSON
internal import Routing

/// Settings as a client wrote them; nil where it said nothing.
struct NamespaceInput: Sendable {
    private var notifyIPv4: UInt8?
    private var notifyIPv6: UInt8?
    private var nextHopCheck: NextHopCheck?

    private static let fields = JSONFields("name", "ipv4", "ipv6", "nexthop_check", "h", "seq", "version")
    private static let familyFields = JSONFields("fib_notify_on_flag_change")

    /// An empty body says nothing.
    init(_ body: [UInt8], _ name: String) throws(Problem) {
        if body.isEmpty { return }
        do {
            var reader = JSONReader(body.span)
            try reader.read { reader in
                try reader.readObject(Self.fields) { reader, index in
                    switch Self.fields.names[index] {
                    case "name": try Self.checkName(try reader.readString(), name)
                    case "ipv4": notifyIPv4 = try Self.readFamily(&reader)
                    case "ipv6": notifyIPv6 = try Self.readFamily(&reader)
                    case "nexthop_check": nextHopCheck = try Self.check(try reader.readString())
                    default: try reader.skipValue()
                    }
                }
            }
        } catch {
            throw Problem(input: error)
        }
    }

    func applied(to settings: NamespaceSettings) -> NamespaceSettings {
        var settings = settings
        if let notifyIPv4 { settings.notifyOnFlagChangeIPv4 = notifyIPv4 }
        if let notifyIPv6 { settings.notifyOnFlagChangeIPv6 = notifyIPv6 }
        if let nextHopCheck { settings.nextHopCheck = nextHopCheck }
        return settings
    }

    private static func readFamily(_ reader: inout JSONReader) throws -> UInt8? {
        var value: UInt8?
        try reader.readObject(familyFields) { reader, _ in
            let number = try reader.readInt()
            guard let mode = UInt8(exactly: number), mode <= 2 else {
                throw FIBError(
                    .einval, .settingInvalid, "fib_notify_on_flag_change is 0, 1 or 2, not \(number)", rule: "R3-10")
            }
            value = mode
        }
        return value
    }

    private static func checkName(_ body: String, _ path: String) throws {
        guard body != path else { return }
        throw FIBError(.einval, .settingInvalid, "the name is '\(body)' in the body but '\(path)' in the path")
    }

    private static func check(_ name: String) throws -> NextHopCheck {
        if let check = NextHopCheck(rawValue: name) { return check }
        throw FIBError(.einval, .settingInvalid, "nexthop_check is 'open' or 'strict', not '\(name)'")
    }
}
