public import Addressing
public import ChangeLog
internal import JSON
public import PathAttributes
internal import Platform
internal import Routing

/// A peer of a namespace, as others are told of it.
public struct PeerEntry: Sendable {
    public let namespace: String
    public let stored: StoredPeer

    public init(_ namespace: String, _ stored: StoredPeer) {
        self.namespace = namespace
        self.stored = stored
    }

    public var kind: ObjectKind { .peer }
    public var version: ChangeSequence { stored.version }
    public var hash: EntryHash { stored.hash }
    public var address: IPAddress { stored.address }

    /// The entry's canonical bytes (RFC 8785).
    public func appendEntry(to bytes: inout [UInt8]) {
        bytes.append(peer: address, stored.information, namespace)
    }

    /// Events say nothing besides: who holds it, and what may be sent to it, changes all the time.
    public func appendStatus(_: String, to _: inout [UInt8]) {}

    /// A row of a listing: the entry's fields with the status fields beside them, sorted together.
    ///
    /// - Parameters:
    ///   - generation: of the peers of its namespace and family.
    ///   - now: in milliseconds since 1970.
    public func appendRow(generation: UInt64, now: UInt64, to bytes: inout [UInt8]) {
        let (peer, information) = (stored.peer, stored.information)
        let (mtu, redirect) = (information.mtu, information.redirect)
        var members = SortedMembers()
        members.add("address", plain: "\(address)", to: &bytes)
        if let mtu {
            members.add("expires", number: Self.seconds(until: mtu.expires, now), to: &bytes)
            members.add("expires_at", plain: WallClock.text(milliseconds: mtu.expires), to: &bytes)
        }
        members.add("family", plain: address.family.name, to: &bytes)
        if let redirect {
            members.add("gateway", plain: "\(redirect.gateway)", to: &bytes)
            members.add("gateway_expires", number: Self.seconds(until: redirect.expires, now), to: &bytes)
            members.add("gateway_expires_at", plain: WallClock.text(milliseconds: redirect.expires), to: &bytes)
        }
        members.add("generation", number: generation, to: &bytes)
        members.add("h", to: &bytes)
        bytes.append(quoted: hash)
        members.add("last_used", plain: WallClock.text(milliseconds: peer.lastUsed), to: &bytes)
        if mtu?.isLocked ?? false { members.add("locked", true, to: &bytes) }
        members.add("namespace", plain: namespace, to: &bytes)
        if let mtu { members.add("pmtu", number: UInt64(mtu.value), to: &bytes) }
        members.add("rate_tokens", number: peer.limits.tokens, to: &bytes)
        members.add("refcount", number: UInt64(peer.references), to: &bytes)
        members.add("seq", number: version.rawValue, to: &bytes)
        if let source = stored.source { members.add("source", plain: "\(source)", to: &bytes) }
        members.add("version", number: version.rawValue, to: &bytes)
        members.end(&bytes)
    }

    /// Rounded up; 0 from then on.
    public static func seconds(until time: UInt64, _ now: UInt64) -> UInt64 {
        time > now ? (time - now + 999) / 1_000 : 0
    }
}

extension [UInt8] {
    /// What is hashed of a peer.
    mutating func append(peer address: IPAddress, _ information: PathInformation, _ namespace: String) {
        let (mtu, redirect) = (information.mtu, information.redirect)
        var members = SortedMembers()
        members.add("address", plain: "\(address)", to: &self)
        if let mtu { members.add("expires_at", plain: WallClock.text(milliseconds: mtu.expires), to: &self) }
        members.add("family", plain: address.family.name, to: &self)
        if let redirect {
            members.add("gateway", plain: "\(redirect.gateway)", to: &self)
            members.add("gateway_expires_at", plain: WallClock.text(milliseconds: redirect.expires), to: &self)
        }
        if mtu?.isLocked ?? false { members.add("locked", true, to: &self) }
        members.add("namespace", plain: namespace, to: &self)
        if let mtu { members.add("pmtu", number: UInt64(mtu.value), to: &self) }
        members.end(&self)
    }
}

/// A peer of a namespace came, changed, or went.
public final class NamedPeerChange: Sendable {
    public let namespace: String
    public let change: PeerChange

    init(_ namespace: String, _ change: PeerChange) {
        self.namespace = namespace
        self.change = change
    }

    public var old: PeerEntry? { change.old.map { PeerEntry(namespace, $0) } }
    public var new: PeerEntry? { change.new.map { PeerEntry(namespace, $0) } }
    var family: AddressFamily? { (change.new ?? change.old)?.address.family }

    var operation: ChangeOperation { change.old == nil ? .add : change.new == nil ? .delete : .replace }
}
