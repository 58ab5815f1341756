public import Addressing

/// What of path messages a namespace believes, of one family. Names in comments are those of the kernel's settings.
public struct PathSettings: Hashable, Sendable {
    /// `ip_no_pmtu_disc` (R5-58); not of IPv6.
    public enum Discovery: UInt8, CaseIterable, Sendable {
        /// Messages are believed.
        case believed = 0
        /// Messages set the least that is believed, whatever they say.
        case least = 1
        /// Messages are ignored.
        case ignored = 2
        /// Messages are believed that are about protocols which can tell whether such a packet was sent.
        case verified = 3
    }

    /// What no message goes below (`route/min_pmtu`, R5-21); in IPv6 always 1280 (RFC 8200).
    public static let leastMTU: (inet: UInt32, inet6: UInt32) = (552, 1_280)

    public var discovery = Discovery.believed
    /// `route/min_pmtu`.
    public var leastMTU = Self.leastMTU.inet
    /// How long a path MTU counts, in seconds (`route/mtu_expires`).
    public var mtuLifetime: UInt32 = 600
    /// How long a redirect counts, in seconds (`route/gc_timeout`).
    public var redirectLifetime: UInt32 = 300
    /// `conf/all/accept_redirects`; links have their own.
    public var acceptsRedirects = true
    /// `conf/all/forwarding`: routers heed no redirects but where they are told to.
    public var isForwarding = false
    /// `conf/all/secure_redirects`: only to routers that a route leads to. Not of IPv6.
    public var hasSecureRedirects = true
    /// `conf/all/shared_media`: routers needn't share a subnet. Not of IPv6.
    public var hasSharedMedia = true

    public init(_ family: AddressFamily) {
        if family == .inet6 { leastMTU = Self.leastMTU.inet6 }
    }
}
