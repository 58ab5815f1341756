/// The fields of a packet, or a mask of them, as 64-bit words. Fields that aren't there are zero.
///
/// 232 bytes.
public struct FlowBits: Hashable, Sendable {
    static var wordCount: Int { 29 }

    private(set) var words = InlineArray<29, UInt64>(repeating: 0)

    public init() {}

    /// Where a field is: of 128 bits, in two words, the first of which has the upper half.
    private struct Place {
        let word: Int
        let shift: UInt64
    }

    /// Each field behind the one before it, in the first word that has room for all of it.
    private static let places: [Place] = {
        var used = [Int](repeating: 0, count: wordCount)
        return FlowField.allCases.map { field in
            if field.width == 128 {
                guard let word = (0..<wordCount - 1).first(where: { used[$0] + used[$0 + 1] == 0 }) else {
                    preconditionFailure("no room for \(field)")
                }
                (used[word], used[word + 1]) = (64, 64)
                return Place(word: word, shift: 0)
            }
            guard let word = (0..<wordCount).first(where: { used[$0] + field.width <= 64 }) else {
                preconditionFailure("no room for \(field)")
            }
            defer { used[word] += field.width }
            return Place(word: word, shift: UInt64(used[word]))
        }
    }()

    /// Values that have more bits than the field lose them.
    public subscript(field: FlowField) -> UInt128 {
        get {
            let place = Self.places[field.rawValue]
            if field.width == 128 { return UInt128(words[place.word]) << 64 | UInt128(words[place.word + 1]) }
            return UInt128(words[place.word] >> place.shift) & Self.all(field)
        }
        set {
            let place = Self.places[field.rawValue]
            if field.width == 128 {
                words[place.word] = UInt64(truncatingIfNeeded: newValue >> 64)
                words[place.word + 1] = UInt64(truncatingIfNeeded: newValue)
                return
            }
            let all = UInt64(truncatingIfNeeded: Self.all(field))
            words[place.word] &= ~(all << place.shift)
            words[place.word] |= (UInt64(truncatingIfNeeded: newValue) & all) << place.shift
        }
    }

    mutating func set(word: Int, _ bits: UInt64) { words[word] = bits }

    /// All bits of a field.
    static func all(_ field: FlowField) -> UInt128 { field.width == 128 ? .max : 1 << UInt128(field.width) - 1 }

    /// Whether every bit of it is set in the other as well.
    func isWithin(_ other: FlowBits) -> Bool {
        words.indices.allSatisfy { words[$0] & ~other.words[$0] == 0 }
    }

    public static func == (a: Self, b: Self) -> Bool { a.words.indices.allSatisfy { a.words[$0] == b.words[$0] } }

    public func hash(into hasher: inout Hasher) { for index in words.indices { hasher.combine(words[index]) } }
}
