internal import JSON
internal import Routing
internal import TrafficControl

/// What a body says of the block that it is about: `block`, or `dev` and on which side of it. `tc` leaves out what it was asked for.
struct BlockParts {
    private enum Side: String {
        case ingress, egress
    }

    private var block: BlockName?
    private var device: String?
    private var side: Side?

    static let names = ["block", "dev", "ingress", "egress", "parent", "root"]

    /// Reads one of `names`.
    mutating func read(_ name: String, _ reader: inout JSONReader) throws {
        switch name {
        case "block": block = try BlockName(&reader)
        case "dev": device = try reader.readDevice()
        case "ingress": if try reader.readMark() { try set(.ingress) }
        case "egress": if try reader.readMark() { try set(.egress) }
        case "parent": try set(try Self.readParent(&reader))
        default:
            guard try reader.readMark() else { return }
            throw FIBError(
                .einval, .filterInvalid, "no root qdisc has filters here; say ingress or egress", rule: "R4-04")
        }
    }

    private mutating func set(_ new: Side) throws(FIBError) {
        guard side ?? new == new else {
            throw FIBError(.einval, .filterInvalid, "a filter is for ingress or for egress, not for both")
        }
        side = new
    }

    /// The qdisc `ingress`, or a class of `clsact` (R4-01).
    private static func readParent(_ reader: inout JSONReader) throws -> Side {
        let text = try reader.readString()
        switch ClassID(text)?.rawValue {
        case 0xFFFF_0000, 0xFFFF_FFF2: return .ingress
        case 0xFFFF_FFF3: return .egress
        default:
            throw FIBError(
                .einval, .filterInvalid,
                "'\(text)' has no filters: the parent is ffff:fff2 for ingress or ffff:fff3 for egress", rule: "R4-04")
        }
    }

    /// Nil if it isn't said in full. Throws EINVAL if its parts contradict each other.
    var place: BlockIdentity.Place? {
        get throws {
            if let block {
                guard let other = difference(from: block.place) else { return block.place }
                throw FIBError(
                    .einval, .filterInvalid, "the block is \(block.place), but \(other.name) is \(other.value)"
                ).at("/\(other.name)")
            }
            return switch (device, side) {
            case (let device?, .ingress): .ingress(device)
            case (let device?, .egress): .egress(device)
            default: nil
            }
        }
    }

    /// All that is said must be so of the block that the path names.
    func check(_ path: BlockIdentity.Place) throws(Problem) {
        guard let other = difference(from: path) else { return }
        throw .keyMismatch(other.name, other.value, path.description)
    }

    private func difference(from place: BlockIdentity.Place) -> (name: String, value: String)? {
        let (itsDevice, itsSide): (String?, Side?) =
            switch place {
            case .shared: (nil, nil)
            case .ingress(let device): (device, .ingress)
            case .egress(let device): (device, .egress)
            }
        if let block, block.place != place { return ("block", block.place.description) }
        if let device, device != itsDevice { return ("dev", device) }
        if let side, side != itsSide { return (side.rawValue, "true") }
        return nil
    }
}
