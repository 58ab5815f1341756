internal import Addressing
internal import ControlPlane
internal import JSON
internal import PathAttributes
internal import Routing

/// Something that was said of a path, as a client wrote it: by its fields, or as the bytes of an ICMP message.
struct PathMessageInput {
    private(set) var namespace: String?
    private var type: Kind?
    private var destination: IPAddress?
    private var source: IPAddress?
    private var gateway: IPAddress?
    private var receiver: IPAddress?
    private var mtu: UInt32?
    private var packetLength: UInt32?
    private var headerLength: UInt32?
    private var ipProtocol: IPProtocol?
    private var code: UInt8?
    private var device: String?
    private var bytes: [UInt8]?

    private enum Kind: String { case pmtu, redirect }

    private static let fields = JSONFields(
        "type", "destination", "source", "gateway", "to", "mtu", "packet_length", "header_length", "ipproto", "code",
        "dev", "icmp", "namespace")
    /// What only one of the three forms has, beside `source` and `dev`.
    private static let ofMTU = "destination, mtu, packet_length, header_length, ipproto"
    private static let ofRedirect = "destination, gateway, code"

    init(_ reader: inout JSONReader) throws {
        try reader.readObject(Self.fields) { reader, index in
            switch Self.fields.names[index] {
            case "type": type = try reader.readName("pmtu or redirect") { Kind(rawValue: $0) }
            case "destination": destination = try reader.readAddress()
            case "source": source = try reader.readAddress()
            case "gateway": gateway = try reader.readAddress()
            case "to": receiver = try reader.readAddress()
            case "mtu": mtu = UInt32(try reader.readUInt(max: UInt64(UInt32.max)))
            case "packet_length": packetLength = UInt32(try reader.readUInt(max: UInt64(UInt32.max)))
            case "header_length": headerLength = UInt32(try reader.readUInt(max: 60))
            case "ipproto": ipProtocol = try reader.readNameOrNumber("an IP protocol") { IPProtocol(name: $0) }
            case "code": code = UInt8(try reader.readUInt(max: 255))
            case "dev": device = try reader.readDevice()
            case "icmp": bytes = try Self.hexadecimal(try reader.readString())
            default: namespace = try reader.readNamespace()
            }
        }
    }

    private static func invalid(_ message: String) -> FIBError { FIBError(.einval, .pathMessageInvalid, message) }

    private static func hexadecimal(_ text: String) throws(FIBError) -> [UInt8] {
        var bytes: [UInt8] = []
        var high: UInt8?
        for character in text.utf8 {
            guard let digit = Character(Unicode.Scalar(character)).hexDigitValue else {
                throw invalid("icmp is the message in hexadecimal digits, from its type on")
            }
            if let first = high {
                bytes.append(first << 4 | UInt8(digit))
                high = nil
            } else {
                high = UInt8(digit)
            }
        }
        if high != nil { throw invalid("icmp has half a byte at its end") }
        return bytes
    }

    /// Throws EINVAL for what can't be, such as an IPv6 gateway of an IPv4 destination.
    func message() throws(FIBError) -> PathMessage {
        if let bytes { return try message(bytes) }
        guard let type else { throw Self.invalid("a message needs its type, pmtu or redirect, or its bytes as icmp") }
        if receiver != nil { throw Self.invalid("'to' goes with icmp only") }
        guard let destination else { throw Self.invalid("a message needs the destination that it is about") }
        if destination.isUnspecified { throw Self.invalid("\(destination) is no destination") }
        for other in [source, gateway].compactMap(\.self) where other.family != destination.family {
            throw FIBError(.einval, .familyMismatch, "\(other) is not of the family of \(destination)")
        }
        return PathMessage(try type == .pmtu ? tooLarge(destination) : redirect(destination))
    }

    private func tooLarge(_ destination: IPAddress) throws(FIBError) -> PathMessage.Content {
        if gateway != nil || code != nil { throw Self.invalid("a message of type pmtu has \(Self.ofMTU)") }
        guard let mtu else { throw Self.invalid("a message of type pmtu needs its mtu; 0 from routers that don't say") }
        var message = MTUMessage(destination, mtu: mtu)
        (message.sender, message.packetLength) = (source, packetLength)
        message.headerLength = headerLength ?? message.headerLength
        message.isVerifiable = ipProtocol.map { QuotedPacket.isVerifiable($0.rawValue) } ?? false
        return .tooLarge(message)
    }

    private func redirect(_ destination: IPAddress) throws(FIBError) -> PathMessage.Content {
        if mtu != nil || packetLength != nil || headerLength != nil || ipProtocol != nil {
            throw Self.invalid("a message of type redirect has \(Self.ofRedirect)")
        }
        guard let gateway, let source else {
            throw Self.invalid("a redirect needs the gateway that it leads to and its source, the router that says so")
        }
        var message = RedirectMessage(destination, to: gateway, from: source)
        message.device = device
        message.code = code ?? message.code
        return .redirect(message)
    }

    private func message(_ bytes: [UInt8]) throws(FIBError) -> PathMessage {
        let others: [Any?] = [type, destination, gateway, mtu, packetLength, headerLength, ipProtocol, code]
        if others.contains(where: { $0 != nil }) {
            throw Self.invalid("of a message as icmp, source, to and dev can be said besides; the rest is in its bytes")
        }
        do throws(ICMPMessage.Malformed) {
            let message = try ICMPMessage(bytes, .init(from: source, to: receiver))
            return try PathMessage(message, from: source, over: device)
        } catch {
            throw Self.invalid("the message can't be what it should be: \(error.message)")
        }
    }
}
