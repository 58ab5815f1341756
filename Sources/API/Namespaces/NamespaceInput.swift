internal import Addressing
internal import ControlPlane
internal import JSON
internal import PathAttributes
internal import Routing

/// Settings as a client wrote them; nil where it said nothing.
struct NamespaceInput: Sendable {
    /// What is said of one family.
    private struct Family {
        var notify: UInt8?
        var policy: MultipathHashPolicy?
        var usesNeighbours: Bool?
        var paths = PathSettingsInput()
    }

    private var ipv4 = Family()
    private var ipv6 = Family()
    private var nextHopCheck: NextHopCheck?
    private var peerThreshold: UInt32?
    private var peerMinimumIdle: UInt32?
    private var peerMaximumIdle: UInt32?
    private var guards: PathGuardsInput?

    private static let fields = JSONFields(
        "name", "ipv4", "ipv6", "nexthop_check", "inet_peer_threshold", "inet_peer_minttl", "inet_peer_maxttl",
        "path_guards", "h", "seq", "version")
    private static let namesOfIPv4 = ["fib_multipath_use_neigh"] + PathSettingsInput.namesOfIPv4
    private static let familyFields = JSONFields(
        ["fib_notify_on_flag_change", "fib_multipath_hash_policy"] + PathSettingsInput.names + namesOfIPv4)
    /// Idle peers stay for a day at most.
    private static let longestIdle: UInt64 = 86_400

    /// An empty body says nothing.
    init(_ body: [UInt8], _ name: String) throws(Problem) {
        if body.isEmpty { return }
        do {
            var reader = JSONReader(body.span)
            try reader.read { reader in
                try reader.readObject(Self.fields) { reader, index in
                    switch Self.fields.names[index] {
                    case "name": try Self.checkName(try reader.readString(), name)
                    case "ipv4": ipv4 = try Self.readFamily(.inet, &reader)
                    case "ipv6": ipv6 = try Self.readFamily(.inet6, &reader)
                    case "nexthop_check": nextHopCheck = try Self.check(try reader.readString())
                    case "inet_peer_threshold":
                        peerThreshold = UInt32(try reader.readSetting("inet_peer_threshold", in: 1...16_777_216))
                    case "inet_peer_minttl":
                        peerMinimumIdle = UInt32(try reader.readSetting("inet_peer_minttl", in: 0...Self.longestIdle))
                    case "inet_peer_maxttl":
                        peerMaximumIdle = UInt32(try reader.readSetting("inet_peer_maxttl", in: 0...Self.longestIdle))
                    case "path_guards": guards = try PathGuardsInput(&reader)
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
        settings.notifyOnFlagChangeIPv4 = ipv4.notify ?? settings.notifyOnFlagChangeIPv4
        settings.notifyOnFlagChangeIPv6 = ipv6.notify ?? settings.notifyOnFlagChangeIPv6
        settings.hashPolicyIPv4 = ipv4.policy ?? settings.hashPolicyIPv4
        settings.hashPolicyIPv6 = ipv6.policy ?? settings.hashPolicyIPv6
        settings.usesNeighbours = ipv4.usesNeighbours ?? settings.usesNeighbours
        if let nextHopCheck { settings.nextHopCheck = nextHopCheck }
        ipv4.paths.apply(to: &settings.paths.inet)
        ipv6.paths.apply(to: &settings.paths.inet6)
        guards?.apply(to: &settings.paths.guards)
        settings.paths.limits.threshold = peerThreshold ?? settings.paths.limits.threshold
        settings.paths.limits.minimumIdle = peerMinimumIdle ?? settings.paths.limits.minimumIdle
        settings.paths.limits.maximumIdle = peerMaximumIdle ?? settings.paths.limits.maximumIdle
        return settings
    }

    private static func readFamily(_ address: AddressFamily, _ reader: inout JSONReader) throws -> Family {
        var family = Family()
        try reader.readObject(familyFields) { reader, index in
            let name = familyFields.names[index]
            if address == .inet6, namesOfIPv4.contains(name) {
                throw FIBError(.einval, .settingInvalid, "\(name) is a setting of ipv4")
            }
            switch name {
            case "fib_notify_on_flag_change":
                let number = try reader.readInt()
                guard let mode = UInt8(exactly: number), mode <= 2 else {
                    throw FIBError(
                        .einval, .settingInvalid, "fib_notify_on_flag_change is 0, 1 or 2, not \(number)",
                        rule: "R3-10")
                }
                family.notify = mode
            case "fib_multipath_use_neigh":
                let number = try reader.readInt()
                guard number == 0 || number == 1 else {
                    throw FIBError(
                        .einval, .settingInvalid, "fib_multipath_use_neigh is 0 or 1, not \(number)", rule: "R1-54")
                }
                family.usesNeighbours = number == 1
            case "fib_multipath_hash_policy":
                let number = try reader.readInt()
                guard let policy = UInt8(exactly: number).flatMap(MultipathHashPolicy.init(rawValue:)) else {
                    throw FIBError(
                        .einval, .settingInvalid,
                        "fib_multipath_hash_policy is 0 (addresses) or 1 (ports too), not \(number)", rule: "R1-53")
                }
                family.policy = policy
            default: try family.paths.read(name, &reader)
            }
        }
        return family
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
