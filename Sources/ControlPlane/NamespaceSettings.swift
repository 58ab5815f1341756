public import ChangeLog
internal import JSON

/// What can be set for a namespace.
public struct NamespaceSettings: Hashable, Sendable {
    /// Whether changes of hardware flags are notified: 0 never, 1 always, 2 only failures (R3-10).
    public var notifyOnFlagChangeIPv4: UInt8 = 0
    public var notifyOnFlagChangeIPv6: UInt8 = 0
    public var nextHopCheck = NextHopCheck.open

    public init() {}

    /// The entry's canonical bytes (RFC 8785).
    public func appendEntry(name: String, to bytes: inout [UInt8]) {
        appendMembers(name: name, hash: nil, to: &bytes)
        bytes.append(UInt8(ascii: "}"))
    }

    fileprivate func appendMembers(name: String, hash: EntryHash?, to bytes: inout [UInt8]) {
        bytes.append(UInt8(ascii: "{"))
        if let hash {
            bytes.appendASCII("\"h\":\"")
            bytes.append(hash)
            bytes.appendASCII("\",")
        }
        bytes.appendASCII("\"ipv4\":{\"fib_notify_on_flag_change\":")
        bytes.appendDecimal(UInt64(notifyOnFlagChangeIPv4))
        bytes.appendASCII("},\"ipv6\":{\"fib_notify_on_flag_change\":")
        bytes.appendDecimal(UInt64(notifyOnFlagChangeIPv6))
        bytes.appendASCII("},\"name\":")
        bytes.appendJSON(string: name)
        bytes.appendASCII(",\"nexthop_check\":\"\(nextHopCheck.rawValue)\"")
    }

    func hash(name: String) -> EntryHash {
        var bytes: [UInt8] = []
        appendEntry(name: name, to: &bytes)
        return EntryHash(of: bytes.span)
    }
}

/// What is asked of the nexthops of a route before it is taken.
public enum NextHopCheck: String, CaseIterable, Sendable {
    /// Any device and gateway will do, and a neighbour that isn't known counts as reachable.
    case open
    /// What the kernel asks: links that are there and up, gateways that are reached directly (R1-71…R1-82, R1-100).
    case strict
}

/// A namespace as the server keeps it.
public struct StoredNamespace: ImageValue {
    public let settings: NamespaceSettings
    public let version: ChangeSequence
    public let hash: EntryHash

    init(_ settings: NamespaceSettings, version: ChangeSequence, name: String) {
        self.settings = settings
        self.version = version
        hash = settings.hash(name: name)
    }

    /// A row of a listing: the entry's fields with the status fields beside them, sorted together.
    public func appendRow(name: String, to bytes: inout [UInt8]) {
        settings.appendMembers(name: name, hash: hash, to: &bytes)
        bytes.appendASCII(",\"seq\":")
        bytes.appendDecimal(version.rawValue)
        bytes.appendASCII(",\"version\":")
        bytes.appendDecimal(version.rawValue)
        bytes.append(UInt8(ascii: "}"))
    }
}
