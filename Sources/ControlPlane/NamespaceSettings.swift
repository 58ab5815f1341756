public import ChangeLog
internal import JSON

/// What can be set for a namespace.
public struct NamespaceSettings: Hashable, Sendable {
    /// Whether changes of hardware flags are notified: 0 never, 1 always, 2 only failures (R3-10).
    public var notifyOnFlagChangeIPv4: UInt8 = 0
    public var notifyOnFlagChangeIPv6: UInt8 = 0

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
        bytes.appendASCII(",\"nexthop_check\":\"open\"")
    }

    func hash(name: String) -> EntryHash {
        var bytes: [UInt8] = []
        appendEntry(name: name, to: &bytes)
        return EntryHash(of: bytes.span)
    }
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
