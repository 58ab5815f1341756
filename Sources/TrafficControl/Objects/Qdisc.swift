public import Routing

/// What a link has for filters: a place for packets that come in by it, or two, with one for those that leave.
///
/// Source: kernel net/sched/sch_ingress.c; R4-01, R4-02.
public struct Qdisc: Hashable, Sendable {
    public enum Kind: String, CaseIterable, Sendable {
        case ingress, clsact

        /// The directions that it has a block for.
        public var directions: [BlockIdentity.Direction] { self == .ingress ? [.ingress] : [.ingress, .egress] }
    }

    /// Name of the link.
    public let device: String
    public let kind: Kind
    /// Numbers of the blocks that it shares with others, 1 and up; nil for one of its own.
    public let ingressBlock: UInt32?
    public let egressBlock: UInt32?

    public static var withoutEgress: FIBError {
        FIBError(.eopnotsupp, .unsupported, "the qdisc ingress has no block for egress; clsact has", rule: "R4-01")
    }

    /// Throws EINVAL for the number 0, EOPNOTSUPP for a block of a direction that the kind doesn't have.
    public init(
        _ kind: Kind, on device: String, ingressBlock: UInt32? = nil, egressBlock: UInt32? = nil
    ) throws(FIBError) {
        if ingressBlock == 0 || egressBlock == 0 {
            throw FIBError(.einval, .blockInvalid, "the number of a shared block is 1 or more", rule: "R4-02")
        }
        if kind == .ingress, egressBlock != nil {
            throw Self.withoutEgress
        }
        self.device = device
        self.kind = kind
        self.ingressBlock = ingressBlock
        self.egressBlock = egressBlock
    }

    /// The block that it gives packets of a direction to.
    public func place(_ direction: BlockIdentity.Direction) -> BlockIdentity.Place {
        let number = direction == .ingress ? ingressBlock : egressBlock
        return number.map { .shared($0) } ?? BlockIdentity.Place(device, direction)
    }

    /// Of each of its directions.
    public var places: [BlockIdentity.Place] { kind.directions.map(place) }
}
