public import Addressing
public import ChangeLog

/// Which route `ip route del` means: the prefix and tos exactly, the rest only where given (R1-85, R1-101).
public struct RouteSelector: Sendable {
    public var prefix: Prefix
    public var tos: UInt8 = 0
    public var metric: UInt32?
    public var type: RouteType?
    public var `protocol`: RouteProtocol?
    public var scope: RouteScope?
    public var preferredSource: IPAddress?
    public var metrics: RouteMetrics?
    /// One nexthop is compared with the first of an IPv4 route and with every leg of an IPv6 one; several must agree in
    /// number and order in IPv4. A device or gateway that is left empty isn't compared.
    public var nextHops: [NextHop] = []
    /// The nexthop object that it uses.
    public var nextHopID: UInt32?
    /// Names one entry exactly.
    public var hash: EntryHash?
    /// The entry must still be of this version.
    public var version: ChangeSequence?

    public init(prefix: Prefix) { self.prefix = prefix }

    /// Nothing but the prefix is said.
    var isBare: Bool {
        metric == nil && type == nil && self.protocol == nil && preferredSource == nil && metrics == nil
            && nextHops.isEmpty && nextHopID == nil
            && hash == nil && version == nil
    }

    func agrees(with route: PlacedRoute) -> Bool {
        let fields = route.value.info.fields
        return route.key.tos == tos
            && (metric.map { $0 == route.key.metric } ?? true)
            && (type.map { $0 == fields.type } ?? true)
            && (self.protocol.map { $0 == fields.protocol } ?? true)
            && (scope.map { $0 == .nowhere || $0 == fields.scope } ?? true)
            && (preferredSource.map { $0 == fields.preferredSource } ?? true)
            && (metrics.map { fields.metrics.agrees(with: $0) } ?? true)
            && (nextHopID.map { $0 == fields.nextHopID } ?? true)
            && (hash.map { $0 == route.value.hash } ?? true)
    }
}

extension NextHop {
    /// Agrees in everything that `wanted` gives.
    func agrees(with wanted: NextHop) -> Bool {
        (wanted.gateway == nil || wanted.gateway == gateway) && (wanted.device.isEmpty || wanted.device == device)
    }
}
