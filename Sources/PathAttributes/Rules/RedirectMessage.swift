public import Addressing
public import Routing

/// A router says that another one is nearer to a destination (RFC 792, RFC 4861 section 8).
public struct RedirectMessage: Sendable {
    public var destination: IPAddress
    public var gateway: IPAddress
    /// The router that says so.
    public var sender: IPAddress
    /// The link by which the message came; nil for that over which packets go now.
    public var device: String?
    /// Of the ICMP message; of IPv6 always 0.
    public var code: UInt8 = 1

    public init(_ destination: IPAddress, to gateway: IPAddress, from sender: IPAddress) {
        self.destination = destination
        self.gateway = gateway
        self.sender = sender
    }
}

/// How packets to a destination go now.
public struct PresentWay: Sendable {
    /// The router, as redirects that count have it; nil for destinations that are reached directly.
    public let gateway: IPAddress?
    public let device: String

    public init(over device: String, by gateway: IPAddress?) {
        self.device = device
        self.gateway = gateway
    }
}

extension RedirectMessage {
    /// What comes of it.
    ///
    /// - Parameters:
    ///   - way: as packets go now; nil if no route leads there.
    ///   - known: what was known before.
    ///   - isGateway: whether some route leads by that router over the link by which the message came. Only asked for where redirects must
    ///     lead to such routers (`requiresGateway`).
    public func decide(
        _ way: PresentWay?, _ known: PathInformation?, _ settings: PathSettings, _ view: some PathView,
        isGateway: Bool = false
    ) -> PathDecision {
        let refusal =
            destination.family == .inet
            ? refusalInet(way, settings, view, isGateway) : refusalInet6(way, settings, view)
        if let refusal { return refusal }
        // IPv6 takes the neighbour from the redirect itself (RFC 4861, section 8.3).
        guard let way, destination.family == .inet6 || answers(over: way.device, view) else {
            return .ignored("R5-36", "the neighbour \(gateway) doesn't answer on the link")
        }
        var information = known?.valid(at: view.now) ?? PathInformation()
        let expires = view.now + UInt64(settings.redirectLifetime) * 1_000
        information.redirect = PathInformation.Redirect(to: gateway, expires: expires)
        return .accepted(information, rule("R5-36"), "packets to \(destination) go by \(gateway)")
    }

    /// IPv4. One that nothing is known of counts as one that does, unless the namespace wants to know.
    private func answers(over device: String, _ view: some PathView) -> Bool {
        view.neighbour(device, gateway).map { $0.state.isValid } ?? !view.isStrict
    }

    private func rule(_ inet: String) -> String { destination.family == .inet ? inet : "R5-59" }

    // MARK: IPv4

    /// In the order of kernel net/ipv4/route.c `__ip_do_redirect`.
    private func refusalInet(
        _ way: PresentWay?, _ settings: PathSettings, _ view: some PathView, _ isGateway: Bool
    ) -> PathDecision? {
        // The kernel looks at three bits.
        guard code & 7 <= 3 else { return .rejected("R5-30", "there is no redirect of code \(code)") }
        guard let way, way.gateway == sender else {
            return .rejected("R5-30", "packets to \(destination) don't go by \(sender)")
        }
        let device = device ?? way.device
        if gateway == sender { return .rejected("R5-31", "\(gateway) is the present gateway") }
        if gateway.isMulticast || gateway.isLimitedBroadcast || gateway.high >> 56 == 0 {
            return .rejected("R5-31", "\(gateway) can't be a gateway")
        }
        if !accepts(device, settings, view) { return .rejected("R5-32", "'\(device)' accepts no redirects") }
        guard !settings.hasSharedMedia else {
            if view.isUnicast(gateway) { return nil }
            return .rejected("R5-34", "\(gateway) is not the address of another host")
        }
        let subnets = view.link(device)?.addresses.filter { $0.address.family == .inet }.map(\.subnet) ?? []
        guard subnets.contains(where: { $0.contains(gateway) && $0.contains(sender) }) else {
            return .rejected("R5-33", "\(gateway) and \(sender) are of no subnet of '\(device)'")
        }
        if requiresGateway(settings), !isGateway {
            return .rejected("R5-33", "no route leads by \(gateway) over '\(device)'")
        }
        return nil
    }

    /// Whether it must lead to a router that some route leads by (R5-33).
    public func requiresGateway(_ settings: PathSettings) -> Bool {
        destination.family == .inet && !settings.hasSharedMedia && settings.hasSecureRedirects
    }

    /// With forwarding, the namespace and the link must say so; without, either.
    private func accepts(_ device: String, _ settings: PathSettings, _ view: some PathView) -> Bool {
        let link = view.link(device)?.acceptsRedirects ?? true
        return settings.isForwarding ? settings.acceptsRedirects && link : settings.acceptsRedirects || link
    }

    // MARK: IPv6

    /// Kernel net/ipv6/route.c `rt6_do_redirect`.
    private func refusalInet6(
        _ way: PresentWay?, _ settings: PathSettings, _ view: some PathView
    ) -> PathDecision? {
        if destination.isMulticast { return .rejected("R5-59", "\(destination) is of a group") }
        guard gateway == destination || gateway.isLinkLocal else {
            return .rejected("R5-59", "\(gateway) is neither the destination nor a link-local address")
        }
        guard let way else { return .rejected("R5-59", "no route leads to \(destination)") }
        let device = device ?? way.device
        let link = view.link(device)?.acceptsRedirects ?? true
        if settings.isForwarding || !settings.acceptsRedirects || !link {
            return .ignored("R5-59", "'\(device)' accepts no redirects")
        }
        guard way.gateway == sender, device == way.device else {
            return .rejected("R5-59", "packets to \(destination) don't go by \(sender)")
        }
        return nil
    }
}

/// What the rules look at.
public protocol PathView: ForwardingView {
    /// Whether a neighbour that nothing is known of counts as one that doesn't answer.
    var isStrict: Bool { get }
}
