import Addressing
import ControlPlane
import PathAttributes
import Routing

/// Messages of ICMP as bytes, one behind the other, with right checksums or as they are: what is believed of them makes no path MTU
/// larger, nor one smaller than the least there is, and has no destination that can't be one.
///
/// An input is the messages, each after a byte that says what goes with it and its length in two.
enum Messages {
    /// Its clock stands, so that nothing expires.
    private static let now: UInt64 = 1_700_000_000_000
    private static let router = IPAddress(inet: 0xC000_0201)
    private static let router6 = IPAddress(inet6: 0xFE80 << 48, 1)

    static func run(_ input: [UInt8]) {
        let plane = ControlPlane(limits: .init(logBytes: 1 << 20), clock: { now })
        do { try connect(plane) } catch { fatalError("no way to anywhere: \(error)") }
        var rest = input[...]
        while rest.count > 3, let form = rest.popFirst(), let high = rest.popFirst(), let low = rest.popFirst() {
            let length = min(rest.count, Int(high) << 8 | Int(low))
            take(Array(rest.prefix(length)), form, plane)
            rest = rest.dropFirst(length)
        }
        plane.snapshot()._checkInvariants()
    }

    /// A link, and a route to everything over it, of each family.
    private static func connect(_ plane: ControlPlane) throws {
        var link = LinkEdit(name: "eth0")
        link.addresses = [
            LinkAddress(IPAddress(inet: 0xC000_0209), length: 24),
            LinkAddress(IPAddress(inet6: 0x2001_0DB8 << 32, 9), length: 64),
        ].compactMap(\.self)
        _ = try plane.change(ObjectOperation("default", .putLink(link)))
        for gateway in [router, router6] {
            var fields = RouteInfo.Fields()
            fields.nextHops = [NextHop(gateway: gateway, device: "eth0")]
            let route = try Route.validated(prefix: .default(gateway.family), tos: 0, metric: nil, fields: fields)
            let table = try plane.table("default", gateway.family, .main)
            _ = try plane.write(.replace, RouteWrite(table, route, EntryWriter()))
        }
    }

    private static func take(_ bytes: [UInt8], _ form: UInt8, _ plane: ControlPlane) {
        let bytes = form & 1 == 0 ? bytes : summed(bytes)
        let isInet = [3, 5].contains(bytes.first ?? 0)
        let sender = form & 2 == 0 ? nil : isInet ? router : router6
        guard
            let message = try? ICMPMessage(
                bytes, .init(from: form & 4 == 0 ? nil : sender, to: form & 4 == 0 ? nil : router6)),
            let path = try? PathMessage(message, from: sender, over: form & 8 == 0 ? nil : "eth0")
        else { return }
        let destination = path.destination
        let before = known(destination, plane)
        guard let result = try? plane.take(path, in: "default") else { return }
        let after = known(destination, plane)
        guard result.decision.outcome == .accepted else {
            return expect(before == after, "\(destination): refused, and another one: \(result.decision.reason)")
        }
        expect(!destination.isMulticast, "a path to \(destination)")
        guard let mtu = after?.mtu?.value else { return }
        let least: UInt32 = destination.family == .inet ? PathSettings.leastMTU.inet : PathSettings.leastMTU.inet6
        expect(mtu <= before?.mtu?.value ?? .max, "the path MTU to \(destination) has grown to \(mtu)")
        expect(mtu >= least, "the path MTU to \(destination) is \(mtu)")
    }

    private static func known(_ destination: IPAddress, _ plane: ControlPlane) -> PathInformation? {
        (try? plane.peer(destination, in: "default").peer)?.stored.information
    }

    /// With the checksum of RFC 1071 in its place.
    private static func summed(_ bytes: [UInt8]) -> [UInt8] {
        guard bytes.count >= 4 else { return bytes }
        var bytes = bytes
        (bytes[2], bytes[3]) = (0, 0)
        var sum = stride(from: 0, to: bytes.count, by: 2).reduce(UInt64(0)) { sum, place in
            sum + UInt64(bytes[place]) << 8 + UInt64(place + 1 < bytes.count ? bytes[place + 1] : 0)
        }
        while sum > 0xFFFF { sum = sum >> 16 + sum & 0xFFFF }
        let checksum = ~UInt16(sum)
        (bytes[2], bytes[3]) = (UInt8(checksum >> 8), UInt8(checksum & 0xFF))
        return bytes
    }
}
