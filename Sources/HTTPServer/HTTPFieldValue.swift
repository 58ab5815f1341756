internal import Bytes

/// The value of a header field of a response. Numbers become digits only where they are sent.
public enum HTTPFieldValue: Sendable {
    /// Stands in the program.
    case literal(StaticString)
    case text(String)
    case number(UInt64)
    /// A number between quotation marks: an entity tag.
    case tag(UInt64)

    /// False for a text that is empty or has a control character, a line break above all: no text from a client can add
    /// lines to a header. libmicrohttpd refuses tabs too, so they count as such on every path.
    var isSendable: Bool {
        guard case .text(let text) = self else { return true }
        let utf8 = text.utf8Span
        let bytes = utf8.span
        for index in bytes.indices where bytes[index] < 0x20 || bytes[index] == 0x7F { return false }
        return !bytes.isEmpty
    }

    /// Calls `body` with the value as a string of C, which is borrowed for the call.
    func withCString(_ body: (UnsafePointer<CChar>) -> Void) {
        switch self {
        // Text of the program ends with a NUL.
        case .literal(let text): unsafe body(UnsafeRawPointer(text.utf8Start).assumingMemoryBound(to: CChar.self))
        case .text(let text): unsafe text.withCString { unsafe body($0) }
        case .number(let number): unsafe HTTPFieldValue.withDigits(of: number, "", body)
        case .tag(let number): unsafe HTTPFieldValue.withDigits(of: number, "\"", body)
        }
    }

    private static func withDigits(
        of number: UInt64, _ mark: StaticString, _ body: (UnsafePointer<CChar>) -> Void
    ) {
        unsafe withUnsafeTemporaryAllocation(of: UInt8.self, capacity: 32) { buffer in
            var output = unsafe OutputSpan(buffer: buffer, initializedCount: 0)
            output.append(literal: mark)
            output.append(decimal: number)
            output.append(literal: mark)
            output.append(0)
            _ = unsafe output.finalize(for: buffer)
            // SAFETY: as many bytes as the digits, the marks and the NUL are initialized.
            unsafe buffer.withMemoryRebound(to: CChar.self) { text in
                if let start = text.baseAddress { unsafe body(start) }
            }
        }
    }
}

extension HTTPFieldValue: ExpressibleByStringLiteral {
    public init(stringLiteral text: StaticString) { self = .literal(text) }
}

extension HTTPFieldValue: CustomStringConvertible {
    public var description: String {
        switch self {
        case .literal(let text): text.description
        case .text(let text): text
        case .number(let number): String(number)
        case .tag(let number): "\"\(number)\""
        }
    }
}
