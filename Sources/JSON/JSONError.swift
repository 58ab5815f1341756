/// What a value is, told from its first byte.
public enum JSONKind: String, CaseIterable, Sendable {
    case object, array, string, number, bool, null

    /// With its article, for messages.
    @usableFromInline
    var phrase: String {
        switch self {
        case .object: "an object"
        case .array: "an array"
        case .string: "a string"
        case .number: "a number"
        case .bool: "true or false"
        case .null: "null"
        }
    }
}

/// Why a text is not JSON, or not the JSON that the reader was asked for.
public struct JSONError: Error, Hashable, Sendable {
    public enum Kind: Hashable, Sendable {
        /// Breaks the grammar of RFC 8259.
        case syntax
        /// More objects and arrays inside one another than the reader allows.
        case depth
        /// A string that is not UTF-8, or escapes half of a surrogate pair.
        case utf8
        /// A name that the object already had.
        case duplicateField(String)
        /// A name that the object can't have.
        case unknownField(String)
        /// A well-formed value of another kind than `expected`, which is a phrase such as "a string".
        case type(expected: String)
        /// A number that is too large or too small, or a string with U+0000 where that is refused.
        case range
    }

    public let kind: Kind
    /// Where in the text, in bytes from its start.
    public let offset: Int
    /// One sentence for a person. May change between releases.
    public let message: String

    public init(_ kind: Kind, offset: Int, _ message: String) {
        self.kind = kind
        self.offset = offset
        self.message = message
    }
}

extension JSONError: CustomStringConvertible {
    public var description: String { "\(message) (byte \(offset))" }
}

/// An error together with the place in the document where it happened.
public struct JSONLocatedError: Error {
    /// JSON Pointer (RFC 6901) of the value that was being read, or of the field that is unknown or double.
    /// Empty for the whole document. A field name of more than 256 bytes is cut there.
    public let pointer: String
    /// What was thrown: a `JSONError`, or whatever the code that read the value threw.
    public let underlying: any Error

    public init(pointer: String, underlying: any Error) {
        self.pointer = pointer
        self.underlying = underlying
    }
}

extension JSONLocatedError: CustomStringConvertible {
    public var description: String { pointer.isEmpty ? "\(underlying)" : "\(pointer): \(underlying)" }
}

extension JSONLocatedError {
    /// An error as it leaves a container that has nothing to add to its place.
    @usableFromInline
    init(_ error: any Error) {
        if let located = error as? JSONLocatedError {
            self = located
        } else {
            self.init(pointer: "", underlying: error)
        }
    }

    /// An error as it leaves the member or element called `token`.
    @usableFromInline
    init(_ error: any Error, in token: String) {
        let inner = JSONLocatedError(error)
        self.init(pointer: "/" + Self.escaped(token) + inner.pointer, underlying: inner.underlying)
    }

    /// RFC 6901, section 3: `~` is written `~0`, and `/` is written `~1`.
    private static func escaped(_ token: String) -> String {
        var result = ""
        for scalar in token.unicodeScalars {
            switch scalar {
            case "~": result += "~0"
            case "/": result += "~1"
            default: result.unicodeScalars.append(scalar)
            }
        }
        return result
    }
}
