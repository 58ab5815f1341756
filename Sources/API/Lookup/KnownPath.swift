internal import Addressing
internal import Bytes
internal import ControlPlane
internal import JSON
internal import PathAttributes
internal import Platform
internal import Routing

/// What is known of the path to a destination beyond its route, as an answer to a lookup says it (R5-50…R5-57).
struct KnownPath {
    /// Less than what the route says; nil if that isn't so.
    let mtu: PathInformation.PathMTU?
    /// By which router packets go instead; nil if by that of the route.
    let gateway: IPAddress?
    /// Who said so first.
    let source: IPAddress?
    private let gatewayExpires: UInt64
    private let generation: UInt64
    private let now: UInt64

    /// Nil if nothing is known that counts, or packets go nowhere.
    init?(_ view: Forwarding, _ query: LookupQuery, _ result: LookupResult) {
        let family = query.destination.family
        guard view.hasPeers(family), case .route(let found) = result, let peer = view.peer(query.destination) else {
            return nil
        }
        let information = peer.information.valid(at: view.now)
        let limit = view.mtu(of: found).value ?? .max
        // Of a route that says less, nothing is learned (R5-22).
        mtu = information.mtu.flatMap { $0.value < limit || $0.isLocked ? $0 : nil }
        let redirect = information.redirect.flatMap { redirect in
            view.answers(redirect.gateway, over: found.hop?.device ?? "") ? redirect : nil
        }
        gateway = redirect?.gateway
        gatewayExpires = redirect?.expires ?? 0
        if mtu == nil, gateway == nil { return nil }
        source = peer.source
        generation = family == .inet ? view.generations.inet : view.generations.inet6
        now = view.now
    }

    func appendMTUExpiry(_ members: inout SortedMembers, to bytes: inout [UInt8]) {
        guard let mtu else { return }
        members.add("expires", number: PeerEntry.seconds(until: mtu.expires, now), to: &bytes)
        members.add("expires_at", plain: WallClock.text(milliseconds: mtu.expires), to: &bytes)
    }

    /// And the generation, behind it.
    func appendGatewayExpiry(_ members: inout SortedMembers, to bytes: inout [UInt8]) {
        if gateway != nil {
            members.add("gateway_expires", number: PeerEntry.seconds(until: gatewayExpires, now), to: &bytes)
        }
        members.add("generation", number: generation, to: &bytes)
    }
}
