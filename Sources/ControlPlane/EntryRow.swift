public import Addressing
public import ChangeLog
public import Routing

/// What a row says of one route, in plain values that no reference is counted for.
@frozen public struct EntryRow: Sendable {
    public let template: EntryTemplate
    public let family: AddressFamily
    public let key: RouteKey
    public let version: ChangeSequence
    public let hash: EntryHash

    @inlinable @inline(__always)
    init(_ template: EntryTemplate, _ family: AddressFamily, _ key: RouteKey, _ route: borrowing StoredRoute) {
        self.template = template
        self.family = family
        self.key = key
        version = route.version
        hash = route.hash
    }

    /// The entry: what is hashed.
    @inlinable @inline(__always)
    public func writeEntry(_ text: Span<UInt8>, to output: inout OutputSpan<UInt8>) {
        template.write(key, family, text, to: &output)
    }
}

/// How a row is written, around the entry of its route. A protocol, and `write` inlined, since the loop over a run then
/// takes it in, which it would not do with a closure.
public protocol EntryForm {
    /// Bytes that it may take beside the entry.
    static var room: Int { get }

    /// `text` is that of the row's template.
    func write(_ row: EntryRow, _ text: Span<UInt8>, to output: inout OutputSpan<UInt8>)
}

/// A route in a listing: the entry with its status beside it.
@frozen public struct ListedForm: EntryForm {
    @inlinable @inline(__always)
    public static var room: Int { 200 }

    public enum Separator: Sendable {
        case none, commaBefore, lineFeedBehind
    }

    @usableFromInline let separator: Separator

    public init(_ separator: Separator = .none) { self.separator = separator }

    @inlinable @inline(__always)
    public func write(_ row: EntryRow, _ text: Span<UInt8>, to output: inout OutputSpan<UInt8>) {
        if separator == .commaBefore { output.append(UInt8(ascii: ",")) }
        row.template.writeRow(row, text, to: &output)
        if separator == .lineFeedBehind { output.append(UInt8(ascii: "\n")) }
    }
}
