internal import Addressing
internal import ControlPlane
internal import JSON
internal import Routing

/// A neighbour as a client wrote it, or as `ip -json neighbour show` prints it; nil where it says nothing.
struct NeighbourInput: Sendable {
    private(set) var device: String?
    private(set) var address: IPAddress?
    private(set) var namespace: String?
    private var state: NeighbourState?
    private var linkAddress: String?

    private static let fields = JSONFields(
        "dst", "dev", "family", "namespace", "state", "lladdr",
        // Status, which is ignored, and what iproute2 prints besides.
        "h", "seq", "updated", "version", "confirmed", "extern_learn", "extern_valid", "ifindex", "managed", "offload",
        "probes", "protocol", "proxy", "refcnt", "router", "used")

    init(_ reader: inout JSONReader) throws {
        try reader.readObject(Self.fields) { reader, index in
            switch Self.fields.names[index] {
            case "dst": address = try reader.readAddress()
            case "dev": device = try reader.readDevice()
            case "namespace":
                namespace = try reader.readName("the name of a namespace") {
                    ControlPlane.isValidNamespaceName($0) ? $0 : nil
                }
            case "state": state = try Self.readState(&reader)
            case "lladdr": linkAddress = try Self.readLinkAddress(&reader)
            default: try reader.skipValue()
            }
        }
    }

    /// - Parameters:
    ///   - device: as the path has it; likewise `address`.
    func neighbour(_ device: String?, _ address: IPAddress?) throws(FIBError) -> Neighbour {
        guard let device = device ?? self.device, let address = address ?? self.address else {
            throw FIBError(.einval, .neighbourInvalid, "a neighbour needs its dev and dst")
        }
        guard self.device.map({ $0 == device }) ?? true, self.address.map({ $0 == address }) ?? true else {
            throw FIBError(.einval, .neighbourInvalid, "dev or dst in the body is another one than in the path")
        }
        // As `ip neighbour add` has it, which makes a permanent one if it isn't told.
        return Neighbour(
            device: device, address: address, state: state ?? .permanent, linkAddress: linkAddress)
    }

    /// A word, or a list of one as iproute2 has it.
    private static func readState(_ reader: inout JSONReader) throws -> NeighbourState {
        let expected = "a state such as REACHABLE, STALE, FAILED or PERMANENT"
        guard try reader.peek() == .array else {
            return try reader.readName(expected) { NeighbourState(name: $0) }
        }
        var state = NeighbourState.none
        try reader.readArray { reader, _ in state = try reader.readName(expected) { NeighbourState(name: $0) } }
        return state
    }

    /// Bytes in hexadecimal with colons between them, up to the 32 that the kernel has room for (`MAX_ADDR_LEN`).
    private static func readLinkAddress(_ reader: inout JSONReader) throws -> String {
        try reader.readName("a link address such as 02:00:00:00:00:01") { text in
            let bytes = text.split(separator: ":", omittingEmptySubsequences: false)
            let isAddress =
                (1...32).contains(bytes.count) && bytes.allSatisfy { $0.count == 2 && $0.allSatisfy(\.isHexDigit) }
            return isAddress && text.utf8.count == text.count ? text.lowercased() : nil
        }
    }
}
