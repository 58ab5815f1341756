internal import Bytes

/// The names that the members of an object may have, prepared for quick matching.
///
/// Make one for each shape of object and keep it in a `static let`. A field is known by its index, the position of its
/// name in the initialiser's arguments. A name of up to 16 bytes is found by comparing two integers, a longer one by
/// looking at all long ones. At most 64 names, all different.
public struct JSONFields: Sendable {
    @usableFromInline
    struct Slot: Sendable {
        var low: UInt64 = 0
        var high: UInt64 = 0
        var length: UInt8 = 0
        var index: UInt8 = Slot.free
        static let free: UInt8 = 0xFF
    }

    /// In the order of their indices.
    public let names: [String]
    private let namesAsBytes: [[UInt8]]
    private var slots: [Slot]
    /// How far a product is shifted to leave the number of a slot.
    private let shift: UInt64

    public init(_ names: String...) {
        self.init(names)
    }

    public init(_ names: [String]) {
        precondition(names.count <= 64, "an object has at most 64 fields, not \(names.count)")
        self.names = names
        namesAsBytes = names.map { Array($0.utf8) }
        // At least four slots a name, so that a search seldom looks at a second one.
        let bits = max(2, UInt64.bitWidth - (names.count * 4).leadingZeroBitCount)
        slots = Array(repeating: Slot(), count: 1 << bits)
        shift = UInt64(UInt64.bitWidth - bits)
        for (index, name) in namesAsBytes.enumerated() {
            precondition(!name.contains(0), "the field name \(names[index]) contains U+0000")
            precondition(!namesAsBytes[..<index].contains(name), "the field name \(names[index]) is given twice")
            if name.count <= 16 { insert(name, UInt8(index)) }
        }
    }

    private mutating func insert(_ name: [UInt8], _ index: UInt8) {
        let (low, high) = Self.packed(name.span)
        var slot = firstSlot(low, high)
        while slots[slot].index != Slot.free { slot = (slot + 1) & (slots.count - 1) }
        slots[slot] = Slot(low: low, high: high, length: UInt8(name.count), index: index)
    }

    /// Where the search for a name begins.
    @inline(__always)
    private func firstSlot(_ low: UInt64, _ high: UInt64) -> Int {
        // Any odd numbers with their bits well spread do: these are the golden ratio and the square root of two.
        let product = (low ^ high &* 0x6A09_E667_F3BC_C909) &* 0x9E37_79B9_7F4A_7C15
        return Int(truncatingIfNeeded: product &>> shift)
    }

    /// The index of the name that has these bytes: the first in the lowest bits of `low`, unused ones zero.
    @inline(__always)
    func find(low: UInt64, high: UInt64, length: Int) -> Int? {
        var slot = firstSlot(low, high)
        while true {
            let candidate = slots[slot]
            if candidate.index == Slot.free { return nil }
            if candidate.low == low, candidate.high == high, candidate.length == length {
                return Int(candidate.index)
            }
            slot = (slot &+ 1) & (slots.count &- 1)
        }
    }

    /// The index of the name that has these bytes.
    func find(_ name: Span<UInt8>) -> Int? {
        if name.count <= 16 {
            let (low, high) = Self.packed(name)
            return find(low: low, high: high, length: name.count)
        }
        return namesAsBytes.firstIndex { $0.count == name.count && $0.span.hasBytes(of: name) }
    }

    private static func packed(_ name: Span<UInt8>) -> (low: UInt64, high: UInt64) {
        (name.word(at: 0), name.word(at: min(8, name.count)))
    }
}

extension JSONFields {
    /// The name that was probably meant: the nearest one, if at most two letters must be inserted, dropped or changed.
    func nearest(to name: [UInt8]) -> String? {
        var best: (distance: Int, name: String)?
        for (candidate, text) in zip(namesAsBytes, names) where abs(candidate.count - name.count) <= 2 {
            let distance = Self.distance(candidate, name)
            // Two changes turn any two-letter name into any other: some of it must stay.
            guard distance <= 2, distance < name.count, distance < best?.distance ?? 3 else { continue }
            best = (distance, text)
        }
        return best?.name
    }

    /// Levenshtein's distance. Cost: the product of the lengths.
    private static func distance(_ a: [UInt8], _ b: [UInt8]) -> Int {
        var row = Array(0...b.count)
        for (i, byte) in a.enumerated() {
            var diagonal = row[0]
            row[0] = i + 1
            for (j, other) in b.enumerated() {
                let changed = diagonal + (byte == other ? 0 : 1)
                diagonal = row[j + 1]
                row[j + 1] = min(changed, diagonal + 1, row[j] + 1)
            }
        }
        return row[b.count]
    }
}
