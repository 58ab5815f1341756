public import Addressing
public import ChangeLog
public import PathAttributes
internal import Routing

/// Something that was said of a path.
public struct PathMessage: Sendable {
    public enum Content: Sendable {
        case tooLarge(MTUMessage)
        case redirect(RedirectMessage)
    }

    public var content: Content
    /// Where the packet came from that it is about, if it quotes that.
    public var quotedSource: IPAddress?

    public init(_ content: Content) { self.content = content }

    /// What a message of ICMP says.
    ///
    /// - Parameters:
    ///   - sender: whose message it is; redirects are believed only of the present router, so that they need it.
    ///   - device: the link by which it came.
    public init(_ message: ICMPMessage, from sender: IPAddress?, over device: String?) throws(ICMPMessage.Malformed) {
        switch message {
        case .tooLarge(let mtu, let packet):
            var content = MTUMessage(packet.destination, mtu: mtu)
            content.sender = sender
            (content.packetLength, content.headerLength) = (packet.length, packet.headerLength)
            content.isVerifiable = packet.isVerifiable
            self.content = .tooLarge(content)
        case .redirect(let code, let gateway, let destination, _):
            guard let sender else {
                throw ICMPMessage.Malformed("a redirect needs its source: the router that sent it")
            }
            var content = RedirectMessage(destination, to: gateway, from: sender)
            (content.device, content.code) = (device, code)
            self.content = .redirect(content)
        }
        quotedSource = message.quoted?.source
    }

    public var destination: IPAddress {
        switch content {
        case .tooLarge(let message): message.destination
        case .redirect(let message): message.destination
        }
    }

    public var sender: IPAddress? {
        switch content {
        case .tooLarge(let message): message.sender
        case .redirect(let message): message.sender
        }
    }

    /// What comes of it, by what is known before.
    ///
    /// - Parameter isGateway: whether some route leads by the router that a redirect leads to.
    func decide(_ known: PathInformation?, _ view: Forwarding, isGateway: Bool) -> PathDecision {
        let settings = view.paths[destination.family]
        let query = LookupQuery(destination: destination)
        switch content {
        case .tooLarge(let message):
            let least = view.paths.guards.leastMTU(to: destination, settings)
            return message.decide(known, view.routeMTU(query), settings, least: least, now: view.now)
        case .redirect(let message):
            var way = view.way(of: query).map { PresentWay(over: $0.device, by: $0.gateway) }
            // As packets go: not by a router that doesn't answer (R5-35).
            if let present = way, let redirect = known?.valid(at: view.now).redirect,
                view.answers(redirect.gateway, over: present.device)
            {
                way = PresentWay(over: present.device, by: redirect.gateway)
            }
            return message.decide(way, known, settings, view, isGateway: isGateway)
        }
    }

    /// Of a redirect that would be believed if some route led by that router: the router, and the link.
    func gatewayInQuestion(_ known: PathInformation?, _ view: Forwarding) -> (gateway: IPAddress, device: String)? {
        guard case .redirect(let message) = content, message.requiresGateway(view.paths[destination.family]),
            decide(known, view, isGateway: true).outcome == .accepted,
            let device = message.device ?? view.way(of: LookupQuery(destination: destination))?.device
        else { return nil }
        return (message.gateway, device)
    }

    /// Why it isn't looked at; nil if it is.
    func refusal(_ view: Forwarding) -> PathDecision? {
        if let refusal = view.paths.guards.refusal(of: destination, from: sender) { return refusal }
        guard let quotedSource, view.hasOwnAddresses, !view.isOwn(quotedSource) else { return nil }
        return .rejected(
            "quoted-source", "\(quotedSource), from which the packet came that it quotes, is of no link here")
    }
}

/// What a message came to.
public struct PathResult: Sendable {
    public let decision: PathDecision
    /// As it is then; nil if nothing is known of the destination.
    public let peer: PeerEntry?
    /// Of the peers of its namespace and family.
    public let generation: UInt64
    /// The number of the last change that it brought about; the head if there was none.
    public let sequence: ChangeSequence
}
