public import Addressing
internal import ChangeLog
public import PathAttributes
internal import Routing

/// What the rules of paths look at.
extension Forwarding: PathView {
    public var isStrict: Bool { part.settings.nextHopCheck == .strict }

    /// Whether some address of the namespace's links is known.
    public var hasOwnAddresses: Bool { !part.ownAddresses.isEmpty }

    /// What of path messages is believed.
    public var paths: PathConfiguration { part.settings.paths }

    /// What is known of the way to an address, as of the moment of this view; nil if nothing is.
    public func peer(_ address: IPAddress) -> StoredPeer? { part.peers[address.family][PeerKey(address)] }

    /// Whether there is one of that family.
    public func hasPeers(_ family: AddressFamily) -> Bool { !part.peers[family].isEmpty }

    /// Whether a neighbour answers, or nothing is known of it.
    public func answers(_ gateway: IPAddress, over device: String) -> Bool {
        neighbour(device, gateway)?.state.isValid ?? true
    }

    /// Whether some route has a leg by that router over the link; nexthop objects don't count (kernel `ip_fib_check_default`).
    /// O(routes).
    func isGateway(_ address: IPAddress, over device: String) -> Bool {
        part.tables.contains { _, table in
            var cursor = table.image.cursor()
            while let (_, route) = cursor.next() {
                if route.info.leads(by: address, over: device) { return true }
            }
            return false
        }
    }
}

extension RouteInfo {
    /// Whether one of its own legs does.
    func leads(by gateway: IPAddress, over device: String) -> Bool {
        fields.nextHops.contains { $0.gateway == gateway && $0.device == device }
    }
}
