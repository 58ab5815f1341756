public import Addressing

/// What is known of the way to a destination that its route doesn't say: how large packets may be, and by which gateway they go.
///
/// Times are in milliseconds since 1970; what has come to its end counts no more from that moment on.
///
/// Source: kernel include/net/inetpeer.h of 2011; R5-02.
public struct PathInformation: Hashable, Sendable {
    /// How large packets may be.
    public struct PathMTU: Hashable, Sendable {
        /// In bytes, the IP header included.
        public let value: UInt32
        /// Whether the message said less than is believed (R5-52).
        public let isLocked: Bool
        public let expires: UInt64

        public init(_ value: UInt32, isLocked: Bool = false, expires: UInt64) {
            self.value = value
            self.isLocked = isLocked
            self.expires = expires
        }
    }

    /// By which router packets go.
    public struct Redirect: Hashable, Sendable {
        /// The destination itself if that is reached directly (RFC 4861, section 4.5).
        public let gateway: IPAddress
        public let expires: UInt64

        public init(to gateway: IPAddress, expires: UInt64) {
            self.gateway = gateway
            self.expires = expires
        }
    }

    public var mtu: PathMTU?
    public var redirect: Redirect?

    public init(mtu: PathMTU? = nil, redirect: Redirect? = nil) {
        self.mtu = mtu
        self.redirect = redirect
    }

    public var isEmpty: Bool { mtu == nil && redirect == nil }

    /// What of it counts at that time.
    public func valid(at now: UInt64) -> PathInformation {
        PathInformation(
            mtu: mtu.flatMap { $0.expires > now ? $0 : nil }, redirect: redirect.flatMap { $0.expires > now ? $0 : nil }
        )
    }

    /// When the first of it comes to its end; nil if there is nothing.
    public var firstExpiry: UInt64? {
        guard let mtu else { return redirect?.expires }
        guard let redirect else { return mtu.expires }
        return min(mtu.expires, redirect.expires)
    }
}
