/// Names a block for good: also of one whose link is gone it can be said whose it was (R4-75).
public final class BlockIdentity: Hashable, Sendable {
    public enum Place: Hashable, Sendable {
        /// By its number, 1 and up (R4-02).
        case shared(UInt32)
        /// Of a link, for what comes in by it, or leaves by it.
        case ingress(String)
        case egress(String)

        public init(_ device: String, _ direction: Direction) {
            self = direction == .ingress ? .ingress(device) : .egress(device)
        }
    }

    /// As a link sees it.
    public enum Direction: String, CaseIterable, Sendable {
        case ingress, egress
    }

    public let namespace: String
    public let place: Place

    public init(namespace: String, _ place: Place) {
        self.namespace = namespace
        self.place = place
    }

    public static func == (a: BlockIdentity, b: BlockIdentity) -> Bool {
        a === b || (a.namespace == b.namespace && a.place == b.place)
    }

    public func hash(into hasher: inout Hasher) {
        hasher.combine(namespace)
        hasher.combine(place)
    }
}

/// Names a chain: one object that all changes in it share.
public final class ChainIdentity: Sendable {
    public let block: BlockIdentity
    /// 0 to 2^28 − 1 (R4-07).
    public let index: UInt32

    public init(_ block: BlockIdentity, _ index: UInt32) {
        self.block = block
        self.index = index
    }
}

/// Names a proto: the filters of one priority in a chain, which are of one protocol and kind (R4-08).
public final class ProtoIdentity: Sendable {
    public let chain: ChainIdentity
    /// 1 to 65535; the lowest is asked first.
    public let priority: UInt16
    public let `protocol`: EtherType
    public let kind: String

    public init(_ chain: ChainIdentity, _ priority: UInt16, _ protocol: EtherType, _ kind: String) {
        self.chain = chain
        self.priority = priority
        self.protocol = `protocol`
        self.kind = kind
    }

    /// Where it is in its block: of two at one place, filters could be taken for each other (R4-70). The kernel has the protocol in it
    /// too; here who follows the changes knows a filter by chain, priority and handle.
    struct Place: Hashable, Sendable {
        let chain: UInt32
        let priority: UInt16
    }

    var place: Place { Place(chain: chain.index, priority: priority) }
}
