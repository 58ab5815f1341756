internal import Addressing
internal import ControlPlane
internal import JSON
internal import PathAttributes
internal import Routing

/// What a client wrote of the settings for path messages of a family; nil where it said nothing.
struct PathSettingsInput: Sendable {
    private var acceptsRedirects: Bool?
    private var isForwarding: Bool?
    private var hasSecureRedirects: Bool?
    private var hasSharedMedia: Bool?
    private var discovery: PathSettings.Discovery?
    private var leastMTU: UInt32?
    private var mtuLifetime: UInt32?
    private var redirectLifetime: UInt32?

    /// Longest lifetime, in seconds: a day.
    private static let longestLifetime: UInt64 = 86_400

    static let names = ["accept_redirects", "forwarding", "mtu_expires", "redirect_expires"]
    static let namesOfIPv4 = ["ip_no_pmtu_disc", "min_pmtu", "secure_redirects", "shared_media"]

    /// - Parameter name: one of the names.
    mutating func read(_ name: String, _ reader: inout JSONReader) throws {
        switch name {
        case "accept_redirects": acceptsRedirects = try reader.readSwitch(name)
        case "forwarding": isForwarding = try reader.readSwitch(name)
        case "secure_redirects": hasSecureRedirects = try reader.readSwitch(name)
        case "shared_media": hasSharedMedia = try reader.readSwitch(name)
        case "ip_no_pmtu_disc":
            let number = try reader.readSetting(name, in: 0...3)
            discovery = PathSettings.Discovery(rawValue: UInt8(number))
        case "min_pmtu": leastMTU = UInt32(try reader.readSetting(name, in: 68...65_535))
        case "mtu_expires": mtuLifetime = UInt32(try reader.readSetting(name, in: 1...Self.longestLifetime))
        default: redirectLifetime = UInt32(try reader.readSetting(name, in: 1...Self.longestLifetime))
        }
    }

    func apply(to settings: inout PathSettings) {
        settings.acceptsRedirects = acceptsRedirects ?? settings.acceptsRedirects
        settings.isForwarding = isForwarding ?? settings.isForwarding
        settings.hasSecureRedirects = hasSecureRedirects ?? settings.hasSecureRedirects
        settings.hasSharedMedia = hasSharedMedia ?? settings.hasSharedMedia
        settings.discovery = discovery ?? settings.discovery
        settings.leastMTU = leastMTU ?? settings.leastMTU
        settings.mtuLifetime = mtuLifetime ?? settings.mtuLifetime
        settings.redirectLifetime = redirectLifetime ?? settings.redirectLifetime
    }
}

/// What a client wrote of the guards against forged messages. A list that is given takes the place of the one before.
struct PathGuardsInput: Sendable {
    private var floors: [PathGuards.Floor]?
    private var ignoredSources: [Prefix]?
    private var ignoredDestinations: [Prefix]?
    private var peersPerSource: UInt32?
    private var messagesPerSecond: UInt32?

    private static let fields = JSONFields(
        "min_pmtu", "ignore_sources", "ignore_destinations", "peers_per_source", "events_per_second")
    private static let floorFields = JSONFields("prefix", "mtu")
    /// Of each list.
    private static let listLimit = 256

    init(_ reader: inout JSONReader) throws {
        try reader.readObject(Self.fields) { reader, index in
            switch Self.fields.names[index] {
            case "min_pmtu": floors = try Self.list(&reader) { try Self.floor(&$0) }
            case "ignore_sources": ignoredSources = try Self.list(&reader) { try $0.readPrefix() }
            case "ignore_destinations": ignoredDestinations = try Self.list(&reader) { try $0.readPrefix() }
            case "peers_per_source": peersPerSource = UInt32(try reader.readUInt(max: UInt64(UInt32.max)))
            default: messagesPerSecond = UInt32(try reader.readUInt(max: UInt64(UInt32.max)))
            }
        }
    }

    private static func list<Element>(
        _ reader: inout JSONReader, _ read: (inout JSONReader) throws -> Element
    ) throws -> [Element] {
        var list: [Element] = []
        try reader.readArray { reader, index in
            guard index < listLimit else {
                throw FIBError(.einval, .settingInvalid, "\(listLimit) entries are the limit")
            }
            list.append(try read(&reader))
        }
        return list
    }

    /// Every link takes 68 bytes of IPv4, and 1280 of IPv6 (RFC 791, RFC 8200).
    private static func floor(_ reader: inout JSONReader) throws -> PathGuards.Floor {
        var (prefix, mtu): (Prefix?, UInt32?)
        try reader.readObject(floorFields) { reader, index in
            if index == 0 { prefix = try reader.readPrefix() } else { mtu = UInt32(try reader.readUInt(max: 65_535)) }
        }
        guard let prefix, let mtu else { throw Problem.missing("prefix", "and mtu, of each entry") }
        let least: UInt32 = prefix.family == .inet ? 68 : PathSettings.leastMTU.inet6
        guard mtu >= least else {
            throw FIBError(.einval, .settingInvalid, "\(mtu) is less than \(least), which every link takes")
        }
        return PathGuards.Floor(prefix, mtu)
    }

    func apply(to guards: inout PathGuards) {
        guards.floors = floors ?? guards.floors
        guards.ignoredSources = ignoredSources ?? guards.ignoredSources
        guards.ignoredDestinations = ignoredDestinations ?? guards.ignoredDestinations
        guards.peersPerSource = peersPerSource ?? guards.peersPerSource
        guards.messagesPerSecond = messagesPerSecond ?? guards.messagesPerSecond
    }
}

extension JSONReader {
    /// 0 or 1, as the kernel's settings are written.
    mutating func readSwitch(_ name: String) throws -> Bool { try readSetting(name, in: 0...1) == 1 }

    mutating func readSetting(_ name: String, in range: ClosedRange<UInt64>) throws -> UInt64 {
        let number = try readUInt()
        guard range.contains(number) else {
            throw FIBError(
                .einval, .settingInvalid, "\(name) is from \(range.lowerBound) to \(range.upperBound), not \(number)")
        }
        return number
    }

    fileprivate mutating func readPrefix() throws -> Prefix { try Prefix(try readString()) }
}
