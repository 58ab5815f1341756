public import Addressing

/// Someone on the way says that a packet was too large for what comes next (RFC 1191, RFC 8201).
public struct MTUMessage: Sendable {
    public var destination: IPAddress
    /// Who says so; nil if that isn't known.
    public var sender: IPAddress?
    /// What would fit, in bytes; 0 from routers that don't say.
    public var mtu: UInt32
    /// Of the packet that was too large, in bytes; nil if it isn't known.
    public var packetLength: UInt32?
    /// Of that packet, in bytes.
    public var headerLength: UInt32 = 20
    /// Whether the packet's protocol can tell whether such a packet was sent (kernel `icmp_strict_tag_validation`).
    public var isVerifiable = false

    public init(_ destination: IPAddress, mtu: UInt32) {
        self.destination = destination
        self.mtu = mtu
    }
}

/// What the route to a destination says of the size of packets.
public struct RouteMTU: Hashable, Sendable {
    /// In bytes; nil if neither the route nor its link say.
    public let value: UInt32?
    /// Whether the route has it locked: no message changes it.
    public let isLocked: Bool

    public init(_ value: UInt32?, isLocked: Bool = false) {
        self.value = value
        self.isLocked = isLocked
    }
}

extension MTUMessage {
    /// Sizes of packets on links that there have been (RFC 1191, section 7), as the kernel has them.
    static let plateaus: [UInt32] = [32_000, 17_914, 8_166, 4_352, 2_002, 1_492, 576, 296, 216, 128]
    /// What every link takes, and what a packet has at most (RFC 791).
    static let (least, most): (UInt32, UInt32) = (68, 65_535)

    /// What comes of it.
    ///
    /// - Parameters:
    ///   - known: what was known before.
    ///   - least: what it doesn't go below (R5-21), of the destination.
    public func decide(
        _ known: PathInformation?, _ route: RouteMTU, _ settings: PathSettings, least: UInt32, now: UInt64
    ) -> PathDecision {
        let present = known?.valid(at: now) ?? PathInformation()
        return destination.family == .inet
            ? decideInet(present, route, settings, least, now) : decideInet6(present, route, settings, least, now)
    }

    // MARK: IPv4

    private func decideInet(
        _ present: PathInformation, _ route: RouteMTU, _ settings: PathSettings, _ least: UInt32, _ now: UInt64
    ) -> PathDecision {
        switch settings.discovery {
        case .ignored: return .ignored("R5-58", "ip_no_pmtu_disc is 2: messages are ignored")
        case .verified where !isVerifiable:
            return .ignored("R5-58", "ip_no_pmtu_disc is 3, and the packet's protocol can't tell whether it was sent")
        default: break
        }
        // From here on the destination is looked at again, whatever comes of it (R5-12).
        if route.isLocked { return .ignored("R5-52", "the route's mtu is locked", bumps: true) }
        // As kernel `__ip_rt_update_pmtu` has it: nothing changes one that is locked until it comes to its end.
        if let mtu = present.mtu, mtu.isLocked {
            return .ignored("R5-52", "\(mtu.value) is known already, and locked", bumps: true)
        }
        let old = min(present.mtu?.value ?? .max, route.value ?? .max)
        if packetLength == nil, mtu > Self.most {
            return .ignored("R5-21", "no packet of IPv4 has more than \(Self.most) bytes", bumps: true)
        }
        var (value, rule) = settings.discovery == .least ? (0, "R5-58") : believed(by: old)
        if old < value {
            let isKnown = present.mtu.map { $0.value < value } ?? false
            return .ignored(isKnown ? "R5-21" : "R5-52", "\(old) is known already, which is less", bumps: true)
        }
        let isLocked = value < least
        if isLocked { (value, rule) = (min(old, least), rule == "R5-58" ? rule : "R5-52") }
        if let mtu = present.mtu, mtu.value == value, !isLocked, now < mtu.expires - min(mtu.expires, half(settings)) {
            return .ignored("R5-52", "that is known, and counts for more than half of its time still", bumps: true)
        }
        return accepted(present, value, isLocked: isLocked, settings, rule, now)
    }

    private func half(_ settings: PathSettings) -> UInt64 { UInt64(settings.mtuLifetime) * 500 }

    /// What the message is taken for, and by which rule.
    ///
    /// - Parameter old: what was known before, or what the route says; the packet had no more if no one says how many bytes it had.
    private func believed(by old: UInt32) -> (UInt32, rule: String) {
        guard mtu < Self.least || mtu >= packetLength ?? .max else { return (mtu, "R5-21") }
        var length = packetLength ?? min(old, Self.most)
        // Descendants of BSD 4.2 add the header to the packet's length once more, and say 0 (R5-20).
        if mtu == 0, length >= Self.least + headerLength { length -= headerLength }
        return (Self.plateaus.first { $0 < length } ?? Self.least, "R5-20")
    }

    private func accepted(
        _ present: PathInformation, _ value: UInt32, isLocked: Bool, _ settings: PathSettings, _ rule: String,
        _ now: UInt64
    ) -> PathDecision {
        var information = present
        let expires = now + UInt64(settings.mtuLifetime) * 1_000
        information.mtu = PathInformation.PathMTU(value, isLocked: isLocked, expires: expires)
        return .accepted(information, rule, "packets to \(destination) have \(value) bytes at most")
    }

    // MARK: IPv6

    /// R5-59.
    private func decideInet6(
        _ present: PathInformation, _ route: RouteMTU, _ settings: PathSettings, _ least: UInt32, _ now: UInt64
    ) -> PathDecision {
        if mtu < least { return .ignored("R5-59", "less than \(least) bytes is not believed") }
        let old = min(present.mtu?.value ?? .max, route.value ?? .max)
        if mtu >= old { return .ignored("R5-59", "\(old) is known already, which isn't more") }
        return accepted(present, mtu, isLocked: false, settings, "R5-59", now)
    }
}

extension PathInformation {
    /// A link on the way to the destination has another MTU (R5-57); nil if that changes nothing.
    public func following(link old: UInt32, to new: UInt32, now: UInt64) -> PathInformation? {
        guard let mtu = valid(at: now).mtu else { return nil }
        let follows = mtu.isLocked ? new <= mtu.value : new < mtu.value || old == mtu.value
        guard follows, new != mtu.value || mtu.isLocked else { return nil }
        var information = self
        information.mtu = PathMTU(new, expires: mtu.expires)
        return information
    }
}
