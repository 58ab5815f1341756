/// Why a text or a pair of address and length is no address or prefix.
public struct AddressError: Error, Hashable, Sendable {
    /// The stable part of the contract: the `reason` field of an error body.
    public enum Code: String, CaseIterable, Sendable {
        case badAddress = "bad-address"
        case badPrefixLength = "bad-prefix-length"
        case prefixHasHostBits = "prefix-has-host-bits"
    }

    public let code: Code
    /// One sentence for a person: what is wrong with which text, and what would be right. May change between releases.
    public let message: String

    public init(_ code: Code, _ message: String) {
        self.code = code
        self.message = message
    }
}

extension AddressError: CustomStringConvertible {
    public var description: String { "\(code.rawValue): \(message)" }
}

extension AddressError {
    /// The error for a text that is no address, with the rule that the text most likely broke.
    static func badAddress(_ text: Span<UInt8>) -> AddressError {
        let rule: String
        if text.isEmpty {
            rule = "it is empty"
        } else if text.contains(UInt8(ascii: "%")) {
            rule = "a zone such as %eth0 is no part of it; name the device in a field of its own"
        } else if text.contains(UInt8(ascii: "/")) {
            rule = "a prefix length does not belong here"
        } else if text.contains(UInt8(ascii: ":")) {
            rule = "IPv6 is eight groups of up to four hex digits, with :: at most once for one or more groups of zeros"
        } else {
            rule = "IPv4 is four decimal numbers from 0 to 255 without leading zeros, as in 192.0.2.1"
        }
        return AddressError(.badAddress, "\(quoted(text)) is not an IP address: \(rule)")
    }

    static func badLength(_ text: Span<UInt8>, _ family: AddressFamily) -> AddressError {
        let range = "a decimal number from 0 to \(family.maximumLength) without leading zeros"
        return AddressError(.badPrefixLength, "\(quoted(text)) is not an \(family.name) prefix length: it is \(range)")
    }

    /// The text as it may safely stand in a log: at most 64 bytes, all but printable ASCII as `\xNN`.
    private static func quoted(_ text: Span<UInt8>) -> String {
        let limit = 64
        var result = "\""
        for index in 0..<min(text.count, limit) {
            let byte = text[index]
            switch byte {
            case 0x22, 0x5C: result += "\\" + String(UnicodeScalar(byte))
            case 0x20..<0x7F: result.unicodeScalars.append(UnicodeScalar(byte))
            default: result += (byte < 16 ? "\\x0" : "\\x") + String(byte, radix: 16)
            }
        }
        return result + (text.count > limit ? "…\"" : "\"")
    }
}

extension Span<UInt8> {
    func contains(_ byte: UInt8) -> Bool {
        for index in indices where self[index] == byte { return true }
        return false
    }
}
