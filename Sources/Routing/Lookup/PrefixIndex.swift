public import Addressing
public import ChangeLog

/// The prefixes of a table, each with what its route, if it has one alone, has but for the key.
public typealias RoutePrefixes = PrefixTree<RouteInfo>

extension RoutePrefixes {
    @discardableResult
    public mutating func set(_ prefix: Prefix, _ value: RouteInfo?) -> RouteInfo? {
        set(prefix.address.high, prefix.address.low, length: Int(prefix.length), value)
    }

    public subscript(prefix: Prefix) -> RouteInfo? {
        value(prefix.address.high, prefix.address.low, length: Int(prefix.length))
    }

    public func longest(_ address: IPAddress) -> (length: Int, value: RouteInfo)? { longest(address.high, address.low) }

    func longestIdentity(_ address: IPAddress) -> (length: Int, value: ObjectIdentifier)? {
        longestIdentity(address.high, address.low)
    }

    public func forEach(holding address: IPAddress, _ body: (_ length: Int, _ value: RouteInfo) -> Bool) {
        forEach(holding: address.high, address.low, body)
    }

    public func prefetch(_ address: IPAddress) { prefetch(address.high, address.low) }
}

/// Which prefixes of a table hold an address, once someone has asked: kept beside the image from then on, so that a lookup need
/// not try every length. It is a tenth of a table's memory and makes an import in no order a fifth slower, so tables of which no
/// one asks have none.
///
/// Two references rather than an enum of them, whose bits would say which it is: who looks for leaks would not know them again.
struct PrefixIndex: Sendable {
    var tree: RoutePrefixes?
    /// While someone makes the tree, of a copy: what has changed since then.
    var noted: [RouteKey]?
}
