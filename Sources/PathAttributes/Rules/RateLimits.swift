/// Who sends error messages and redirects to a host, and how often: what a peer keeps for it. Times are in milliseconds.
///
/// Source: kernel net/ipv4/route.c `ip_error`, `ip_rt_send_redirect`, net/ipv4/inetpeer.c `inet_peer_xrlim_allow`; R5-40, R5-41. As
/// there, messages of both kinds share the tokens and the time.
public struct RateLimits: Hashable, Sendable {
    /// What may be sent or not.
    public enum Message: String, CaseIterable, Sendable {
        /// That a destination can't be reached.
        case error
        /// Any other message of ICMP.
        case icmp
        case redirect
    }

    public private(set) var tokens: UInt64 = 0
    /// When one was sent, or asked for, the last time.
    public private(set) var last: UInt64
    /// Redirects that were sent since it began anew, and not heeded.
    public private(set) var redirects: UInt64 = 0

    /// Of a peer that has just come: its first message is always sent.
    init(now: UInt64) { last = now > 60_000 ? now - 60_000 : 0 }

    init(tokens: UInt64, last: UInt64, redirects: UInt64) {
        (self.tokens, self.last, self.redirects) = (tokens, last, redirects)
    }

    private static let (cost, errorCapacity, capacity): (UInt64, UInt64, UInt64) = (1_000, 5_000, 6_000)
    private static let (redirectLoad, redirectLimit): (UInt64, UInt64) = (20, 9)
    private static let redirectSilence: UInt64 = redirectLoad << (redirectLimit + 1)

    /// Whether one may be sent now; it counts as sent then.
    public mutating func allows(_ message: Message, now: UInt64) -> Bool {
        switch message {
        case .error: allows(capacity: Self.errorCapacity, now)
        case .icmp: allows(capacity: Self.capacity, now)
        case .redirect: allowsRedirect(now)
        }
    }

    private mutating func allows(capacity: UInt64, _ now: UInt64) -> Bool {
        tokens = min(capacity, tokens + (now > last ? now - last : 0))
        last = now
        if tokens < Self.cost { return false }
        tokens -= Self.cost
        return true
    }

    private mutating func allowsRedirect(_ now: UInt64) -> Bool {
        if now > last + Self.redirectSilence { (tokens, redirects) = (0, 0) }
        if redirects >= Self.redirectLimit {
            // Who goes on as before isn't told for as long as he does.
            last = now
            return false
        }
        guard redirects == 0 || now > last + Self.redirectLoad << redirects else { return false }
        last = now
        redirects += 1
        return true
    }
}
