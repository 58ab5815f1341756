public import Addressing

/// What is wrong with the link that a leg of a route leads over. Values are those of `RTNH_F_…`.
///
/// It follows from the links, so no route keeps it.
public struct LegStatus: OptionSet, Hashable, Sendable {
    public let rawValue: UInt8
    public init(rawValue: UInt8) { self.rawValue = rawValue }
    /// The link is down.
    public static let dead = LegStatus(rawValue: 1)
    /// There is no one at the other end of it, or it is down.
    public static let linkDown = LegStatus(rawValue: 16)
    /// There is no one at the other end of it, and the link is set so that its legs don't count then. No flag of the kernel's,
    /// and not shown.
    public static let ignored = LegStatus(rawValue: 128)

    /// Whether lookups pass the leg over (R1-44), and hashes of flows don't belong to it (R1-51).
    public var isUnusable: Bool { !isDisjoint(with: [.dead, .ignored]) }
}

/// What is wrong with one link, for routes of each family (R1-110, R1-111).
public struct LinkImpairment: Hashable, Sendable {
    public let inet: LegStatus
    public let inet6: LegStatus

    /// Nothing.
    public static let none = LinkImpairment(inet: [], inet6: [])

    private init(inet: LegStatus, inet6: LegStatus) {
        self.inet = inet
        self.inet6 = inet6
    }

    public init(_ link: Link, hasCarrier: Bool) {
        func status(_ family: AddressFamily) -> LegStatus {
            if !link.isUsable(family) { return [.dead, .linkDown] }
            if hasCarrier { return [] }
            return link.ignoresLinkDown ? [.linkDown, .ignored] : .linkDown
        }
        self.init(inet: status(.inet), inet6: status(.inet6))
    }

    /// From its parts, as a store gives them back; nil if no link can be so.
    public init?(inet: UInt8, inet6: UInt8) {
        let known = LegStatus([.dead, .linkDown, .ignored]).rawValue
        if (inet | inet6) & ~known != 0 { return nil }
        self.init(inet: LegStatus(rawValue: inet), inet6: LegStatus(rawValue: inet6))
    }

    public subscript(_ family: AddressFamily) -> LegStatus { family == .inet ? inet : inet6 }
}

extension RouteInfo {
    /// What is wrong with each of its legs, in order; nil if nothing is, which is nearly always so.
    ///
    /// - Parameters:
    ///   - impairments: of the links with which something is wrong, by name.
    ///   - legs: where it leads, if it doesn't say that itself.
    public func legStatus(
        _ family: AddressFamily, _ impairments: [String: LinkImpairment], of legs: [NextHop]? = nil
    ) -> [LegStatus]? {
        if impairments.isEmpty || !isMarked(family) { return nil }
        let legs = (legs ?? nextHops).map { hop -> LegStatus in
            let status = impairments[hop.device]?[family] ?? []
            // Whether there is someone at the other end means nothing to local addresses.
            return isMarkedForCarrier(family) || status.contains(.dead) ? status : []
        }
        return legs.allSatisfy(\.isEmpty) ? nil : legs
    }

    /// An address of one's own is there, whatever its link does.
    private func isMarked(_ family: AddressFamily) -> Bool { family == .inet6 || fields.scope != .host }

    private func isMarkedForCarrier(_ family: AddressFamily) -> Bool {
        family == .inet || (type != .local && type != .anycast)
    }

    /// Whether it leads over the link, or would if it were up.
    public func leads(over device: String) -> Bool { nextHops.contains { $0.device == device } }
}
