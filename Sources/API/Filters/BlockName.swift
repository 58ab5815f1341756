internal import JSON
internal import Routing
internal import TrafficControl

/// A block as paths, queries and bodies name it: by its number, or as `DEV:ingress` or `DEV:egress`.
struct BlockName: Hashable, Sendable {
    let place: BlockIdentity.Place

    init(_ place: BlockIdentity.Place) { self.place = place }

    /// Nil for what names no block: 0 is none (R4-02).
    init?(text: String) {
        if let number = UInt32(text) {
            // The standard library takes signs and leading zeros as well.
            guard number > 0, String(number) == text else { return nil }
            self.init(.shared(number))
            return
        }
        guard let colon = text.lastIndex(of: ":"), Link.isName(String(text[..<colon])) else { return nil }
        let device = String(text[..<colon])
        switch text[text.index(after: colon)...] {
        case "ingress": self.init(.ingress(device))
        case "egress": self.init(.egress(device))
        default: return nil
        }
    }

    /// A number may also be one of JSON.
    init(_ reader: inout JSONReader) throws {
        guard try reader.peek() == .number else {
            self = try reader.readName("a block: a number from 1, or a link's such as eth0:ingress") { Self(text: $0) }
            return
        }
        self.init(.shared(try reader.readBlockIndex()))
    }
}

extension JSONReader {
    /// The number of a shared block.
    mutating func readBlockIndex() throws -> UInt32 {
        let number = UInt32(try readUInt(max: UInt64(UInt32.max)))
        guard number > 0 else {
            throw FIBError(.einval, .blockInvalid, "blocks that are shared have numbers from 1", rule: "R4-02")
        }
        return number
    }
}

extension FIBError {
    /// With the place in a body that it is about, where that isn't where it is thrown.
    func at(_ pointer: String) -> JSONLocatedError { JSONLocatedError(pointer: pointer, underlying: self) }
}
