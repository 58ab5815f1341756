public import Addressing

extension CachedRoute {
    /// What it is now.
    public struct Content: Sendable {
        public let way: ResolvedWay
        /// What is known of the path and counts.
        public let information: PathInformation
        /// By which router packets go now.
        public var gateway: IPAddress? { information.redirect?.gateway ?? way.gateway }
        /// In bytes; nil if no one says.
        public var mtu: UInt32? {
            guard let mtu = information.mtu else { return way.mtu.value }
            return min(mtu.value, way.mtu.value ?? .max)
        }
        /// From when on it has to be looked at once more.
        var deadline: UInt64 { min(information.firstExpiry ?? .max, way.expires) }
    }

    /// What a check came to.
    public enum Check: Sendable {
        /// There are no news.
        case valid
        /// There may have been; the names of what changed.
        case revalidated([String])
        /// The way is another one now: look it up anew. Why.
        case obsolete(String)
    }
}

extension CachedRoute.Content {
    /// By the names that rows have for them.
    func differences(from former: CachedRoute.Content) -> [String] {
        var names: [String] = []
        if gateway != former.gateway { names.append("gateway") }
        if mtu != former.mtu { names.append("mtu") }
        let (expiry, before) = (information.firstExpiry, former.information.firstExpiry)
        if expiry != before { names.append("expires_at") }
        if information.mtu?.isLocked ?? false != former.information.mtu?.isLocked ?? false { names.append("locked") }
        return names
    }
}
