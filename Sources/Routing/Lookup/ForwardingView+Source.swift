public import Addressing

extension ForwardingView {
    /// The address that packets of one's own would come from: the one that the route prefers; to oneself, the destination; else
    /// an address of the link, of IPv4 the first in whose subnet the next hop is, or else its first (net/ipv4/devinet.c
    /// `inet_select_addr`), of IPv6 the one that agrees with the destination in most bits (RFC 6724, rule 8), link-local ones
    /// only for link-local destinations. Nil if there is none.
    public func source(to destination: IPAddress, by found: FoundRoute) -> IPAddress? {
        if let preferred = found.info.fields.preferredSource { return preferred }
        if found.info.type == .local { return destination }
        guard let hop = found.hop, let link = link(hop.device) else { return nil }
        let own = link.addresses.filter { $0.address.family == destination.family }
        if destination.family == .inet {
            let next = hop.gateway.flatMap { $0.family == .inet ? $0 : nil } ?? destination
            return (own.first { $0.subnet.contains(next) } ?? own.first)?.address
        }
        return own.map(\.address).filter { $0.isLinkLocal == destination.isLinkLocal }
            .max { $0.commonBits(with: destination) < $1.commonBits(with: destination) }
    }

    /// Whether, by this route, packets to one destination may come from another address than those to another one.
    public func sourceDepends(onDestinationBy found: FoundRoute, _ family: AddressFamily) -> Bool {
        if found.info.fields.preferredSource != nil { return false }
        if found.info.type == .local { return true }
        guard let hop = found.hop, let link = link(hop.device) else { return false }
        if family == .inet, hop.gateway?.family == .inet { return false }
        return link.addresses.contains { $0.address.family == family }
    }
}

extension IPAddress {
    fileprivate func commonBits(with other: IPAddress) -> Int {
        let high = (high ^ other.high).leadingZeroBitCount
        return high < 64 ? high : 64 + (low ^ other.low).leadingZeroBitCount
    }
}
