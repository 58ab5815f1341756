public import Addressing
public import Bytes
public import ChangeLog
public import Routing

/// What a row says of one route, in plain values that no reference is counted for.
@frozen public struct EntryRow: Sendable {
    public let template: EntryTemplate
    public let family: AddressFamily
    public let key: RouteKey
    public let version: ChangeSequence
    public let hash: EntryHash
    public let hardware: HardwareSlice

    @inlinable @inline(__always)
    init(
        _ template: EntryTemplate, _ family: AddressFamily, _ key: RouteKey, _ route: borrowing StoredRoute,
        _ hardware: HardwareSlice
    ) {
        self.template = template
        self.family = family
        self.key = key
        version = route.version
        hash = route.hash
        self.hardware = hardware
    }

    /// The entry: what is hashed.
    @inlinable @inline(__always)
    public func writeEntry(_ text: Span<UInt8>, to output: inout OutputSpan<UInt8>) {
        template.write(key, family, text, to: &output)
    }

    /// `,"hw":{…}`, for which `hardware.room` must be free; nothing where there are no devices.
    @inlinable @inline(__always)
    public func writeHardware(_ text: Span<UInt8>, to output: inout OutputSpan<UInt8>) {
        hardware.write(version, text, to: &output)
    }
}

/// Where in an `EntryWriter`'s text it says what hardware makes of a route, up to the version.
@frozen public struct HardwareSlice: BitwiseCopyable, Sendable {
    @usableFromInline let start: UInt32
    @usableFromInline let end: UInt32
    /// `HardwareFlags`, moved together.
    @usableFromInline let flags: UInt8

    @inlinable
    init(_ start: UInt32, _ end: UInt32, _ flags: UInt8) {
        self.start = start
        self.end = end
        self.flags = flags
    }

    /// No device has anything to do with the route.
    @inlinable static var none: HardwareSlice { HardwareSlice(0, 0, 0) }
    /// There are no devices, so nothing is said of them.
    @inlinable static var hidden: HardwareSlice { HardwareSlice(1, 1, 0) }
    @inlinable @inline(__always)
    var isNone: Bool { start == end }
    @inlinable @inline(__always)
    var isHidden: Bool { isNone && start == 1 }
    @inlinable @inline(__always)
    func write(_ version: ChangeSequence, _ text: Span<UInt8>, to output: inout OutputSpan<UInt8>) {
        if isNone { return isHidden ? () : output.append(literal: ",\"hw\":{\"state\":\"none\"}") }
        output.append(blocksOf: text, start, end)
        output.append(decimal: version.rawValue)
        output.append(UInt8(ascii: "}"))
    }

    /// Bytes that it takes.
    @inlinable @inline(__always)
    var room: Int { Int(end &- start) &+ 64 }
}

/// How a row is written, around the entry of its route. A protocol, and `write` inlined, since the loop over a run then
/// takes it in, which it would not do with a closure.
public protocol EntryForm {
    /// Bytes that it may take beside the entry and what it says of hardware.
    static var room: Int { get }
    /// Whether the flags that hardware sets stand among those of the entry.
    static var showsStatusFlags: Bool { get }

    /// `text` is that of the row's template.
    func write(_ row: EntryRow, _ text: Span<UInt8>, to output: inout OutputSpan<UInt8>)
}

/// A route in a listing: the entry with its status beside it.
@frozen public struct ListedForm: EntryForm {
    @inlinable @inline(__always)
    public static var room: Int { 200 }
    @inlinable @inline(__always)
    public static var showsStatusFlags: Bool { true }

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

/// A row that also says why no device has anything to do with the route, if none has.
public struct ReasonedForm: EntryForm {
    public static var room: Int { 264 }
    public static var showsStatusFlags: Bool { true }

    private let reason: StaticString

    /// - Parameter reason: one word, of up to 64 letters and dashes.
    public init(_ reason: StaticString) { self.reason = reason }

    public func write(_ row: EntryRow, _ text: Span<UInt8>, to output: inout OutputSpan<UInt8>) {
        row.template.writeRow(row, text, to: &output) { output in
            guard row.hardware.isNone else { return row.writeHardware(text, to: &output) }
            output.append(literal: ",\"hw\":{\"reason\":\"")
            output.append(literal: reason)
            output.append(literal: "\",\"state\":\"none\"}")
        }
    }
}
