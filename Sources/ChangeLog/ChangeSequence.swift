/// Position of one change in the server's history. Starts at 1; 0 means "before any change".
///
/// Numbers are global to the server, increase in commit order and are never reused within an epoch; gaps are normal.
@frozen public struct ChangeSequence: RawRepresentable, Comparable, Hashable, Sendable {
    public let rawValue: UInt64
    @inlinable public init(rawValue: UInt64) { self.rawValue = rawValue }
    @inlinable public static func < (a: Self, b: Self) -> Bool { a.rawValue < b.rawValue }

    public static let zero = ChangeSequence(rawValue: 0)
    /// Above every number that is ever given.
    public static let max = ChangeSequence(rawValue: .max)

    /// The number after this one.
    @inlinable public var next: ChangeSequence { advanced(by: 1) }

    /// The number `count` places after this one.
    @inlinable public func advanced(by count: UInt64) -> ChangeSequence { ChangeSequence(rawValue: rawValue + count) }
}
