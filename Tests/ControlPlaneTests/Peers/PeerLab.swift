import Addressing
import ChangeLog
import PathAttributes
import Routing
import Storage
import Synchronization
import TestSupport
import Testing

@testable import ControlPlane

/// A plane whose clock stands until it is moved, with a link and a route to everything behind it.
final class PeerLab: Sendable {
    let plane: ControlPlane
    let clock: PeerClock

    init(_ store: MemoryStore? = nil, logBytes: Int = 1 << 20, clock: PeerClock = PeerClock()) throws {
        self.clock = clock
        let limits = ControlPlane.Limits(logBytes: logBytes)
        plane =
            try store.map { try ControlPlane(limits: limits, store: $0, clock: { clock.now }) }
            ?? ControlPlane(limits: limits, clock: { clock.now })
    }

    /// A link, and a route to everything by 192.0.2.1 over it.
    func connect(mtu: UInt32 = 1_500) throws {
        var edit = LinkEdit(name: "eth0")
        (edit.mtu, edit.addresses) = (mtu, [try #require(LinkAddress(Self.address("192.0.2.9"), length: 24))])
        _ = try plane.change(ObjectOperation("default", .putLink(edit)))
        var fields = RouteInfo.Fields()
        fields.nextHops = [NextHop(gateway: Self.address("192.0.2.1"), device: "eth0")]
        let route = try Route.validated(prefix: .default(.inet), tos: 0, metric: nil, fields: fields)
        let table = try plane.table("default", .inet, .main)
        _ = try plane.transact([.write(.replace, RouteWrite(table, route, EntryWriter()))])
    }

    static func address(_ text: String) -> IPAddress {
        guard let address = try? IPAddress(text) else { preconditionFailure("no address: \(text)") }
        return address
    }

    /// What a router says of the way to a host.
    @discardableResult
    func tell(
        _ mtu: UInt32, _ host: String = "203.0.113.9", from source: String? = nil, in namespace: String = "default"
    ) throws -> PathResult {
        var message = MTUMessage(Self.address(host), mtu: mtu)
        message.packetLength = 65_535
        message.sender = source.map(Self.address)
        return try plane.take(PathMessage(.tooLarge(message)), in: namespace)
    }

    func peer(_ host: String = "203.0.113.9", in namespace: String = "default") -> PeerEntry? {
        try? plane.peer(Self.address(host), in: namespace).peer
    }

    func mtu(_ host: String = "203.0.113.9") -> UInt32? { peer(host)?.stored.information.mtu?.value }

    /// All peers, as text.
    var all: [String] {
        var (walk, texts) = (PeerWalk(plane.snapshot(), families: nil), [String]())
        while let peer = walk.next() {
            var bytes: [UInt8] = []
            peer.appendEntry(to: &bytes)
            texts.append("\(peer.version.rawValue) " + String(decoding: bytes, as: UTF8.self))
        }
        return texts
    }
}

final class PeerClock: Sendable {
    private let time = Atomic<UInt64>(1_700_000_000_000)
    /// In milliseconds since 1970.
    var now: UInt64 { time.load(ordering: .relaxed) }
    func move(seconds: UInt64) { time.wrappingAdd(seconds * 1_000, ordering: .relaxed) }
}
