internal import Addressing
internal import Bytes
internal import ChangeLog
internal import PathAttributes

/// What is set for the messages of a family, in one byte.
private struct PathFlags: OptionSet {
    let rawValue: UInt8
    static let acceptsRedirects = PathFlags(rawValue: 1)
    static let isForwarding = PathFlags(rawValue: 2)
    static let hasSecureRedirects = PathFlags(rawValue: 4)
    static let hasSharedMedia = PathFlags(rawValue: 8)

    init(rawValue: UInt8) { self.rawValue = rawValue }

    init(of settings: PathSettings) {
        self = []
        if settings.acceptsRedirects { insert(.acceptsRedirects) }
        if settings.isForwarding { insert(.isForwarding) }
        if settings.hasSecureRedirects { insert(.hasSecureRedirects) }
        if settings.hasSharedMedia { insert(.hasSharedMedia) }
    }
}

extension RecordWriter {
    mutating func append(_ paths: PathConfiguration) {
        append(paths.inet)
        append(paths.inet6)
        append(UInt64(paths.limits.threshold))
        append(UInt64(paths.limits.minimumIdle))
        append(UInt64(paths.limits.maximumIdle))
        append(UInt64(paths.guards.floors.count))
        for floor in paths.guards.floors {
            append(host: floor.prefix)
            append(UInt64(floor.mtu))
        }
        for prefixes in [paths.guards.ignoredSources, paths.guards.ignoredDestinations] {
            append(UInt64(prefixes.count))
            for prefix in prefixes { append(host: prefix) }
        }
        append(UInt64(paths.guards.peersPerSource))
        append(UInt64(paths.guards.messagesPerSecond))
    }

    private mutating func append(_ settings: PathSettings) {
        append(byte: PathFlags(of: settings).rawValue)
        append(byte: settings.discovery.rawValue)
        append(UInt64(settings.leastMTU))
        append(UInt64(settings.mtuLifetime))
        append(UInt64(settings.redirectLifetime))
    }

    private mutating func append(host prefix: Prefix) {
        append(byte: prefix.family == .inet ? 4 : 6)
        append(prefix)
    }
}

extension RecordReader {
    mutating func pathConfiguration() throws(Malformed) -> PathConfiguration {
        var paths = PathConfiguration()
        (paths.inet, paths.inet6) = (try pathSettings(.inet), try pathSettings(.inet6))
        paths.limits.threshold = try bytes.varint(as: UInt32.self)
        paths.limits.minimumIdle = try bytes.varint(as: UInt32.self)
        paths.limits.maximumIdle = try bytes.varint(as: UInt32.self)
        for _ in 0..<(try bytes.count()) {
            let prefix = try prefix(try family())
            paths.guards.floors.append(.init(prefix, try bytes.varint(as: UInt32.self)))
        }
        paths.guards.ignoredSources = try prefixes()
        paths.guards.ignoredDestinations = try prefixes()
        paths.guards.peersPerSource = try bytes.varint(as: UInt32.self)
        paths.guards.messagesPerSecond = try bytes.varint(as: UInt32.self)
        return paths
    }

    private mutating func pathSettings(_ family: AddressFamily) throws(Malformed) -> PathSettings {
        var settings = PathSettings(family)
        let flags = PathFlags(rawValue: try bytes.byte())
        settings.acceptsRedirects = flags.contains(.acceptsRedirects)
        settings.isForwarding = flags.contains(.isForwarding)
        settings.hasSecureRedirects = flags.contains(.hasSecureRedirects)
        settings.hasSharedMedia = flags.contains(.hasSharedMedia)
        guard let discovery = PathSettings.Discovery(rawValue: try bytes.byte()) else {
            throw bytes.malformed("an unknown ip_no_pmtu_disc")
        }
        settings.discovery = discovery
        settings.leastMTU = try bytes.varint(as: UInt32.self)
        settings.mtuLifetime = try bytes.varint(as: UInt32.self)
        settings.redirectLifetime = try bytes.varint(as: UInt32.self)
        return settings
    }

    private mutating func prefixes() throws(Malformed) -> [Prefix] {
        var prefixes: [Prefix] = []
        for _ in 0..<(try bytes.count()) { prefixes.append(try prefix(try family())) }
        return prefixes
    }
}
