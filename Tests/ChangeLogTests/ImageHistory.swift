import ChangeLog
import TestSupport

/// Told apart by which one it is.
final class Mark: ImageValue {
    let hash = EntryHash(high: 1, low: 2)
}

/// An image, and what is in it.
struct ImageState {
    var image = Image<UInt64, Mark>()
    var entries: [UInt64: Mark] = [:]
    /// How many there were.
    var writes = 0

    mutating func insert(_ key: UInt64) {
        let mark = Mark()
        writes += 1
        image.insert(mark, for: key)
        entries[key] = mark
    }

    mutating func remove(_ key: UInt64) {
        writes += 1
        image.remove(key)
        entries[key] = nil
    }

    func has(_ mark: Mark?, _ key: UInt64) -> Bool { entries[key] === mark }

    /// The keys under which the other has something else.
    func differences(to other: ImageState) -> [UInt64] {
        Set(entries.keys).union(other.entries.keys).filter { entries[$0] !== other.entries[$0] }.sorted()
    }
}

/// An image to which all kinds of things happen.
struct ImageHistory {
    static let keys: UInt64 = 12_000

    var random: SeededGenerator
    private(set) var state = ImageState()

    init(seed: UInt64) { random = SeededGenerator(seed: seed) }

    private mutating func range() -> Range<UInt64> {
        let start = UInt64.random(in: 0..<Self.keys, using: &random)
        return start..<min(Self.keys, start + UInt64.random(in: 1..<2_000, using: &random))
    }

    mutating func step() {
        switch Int.random(in: 0..<20, using: &random) {
        case 0..<4: for key in range() where key % 2 == 0 { state.insert(key) }
        case 4..<7: for _ in 0..<200 { state.insert(UInt64.random(in: 0..<Self.keys, using: &random)) }
        case 7..<9: for key in range() where state.entries[key] != nil { state.remove(key) }
        case 9: for key in range().reversed() where state.entries[key] != nil { state.remove(key) }
        case 10: for key in state.entries.keys where key % 3 == 0 { state.remove(key) }
        case 11: for key in range() where state.entries[key] != nil { state.insert(key) }
        case 12: for key in state.entries.keys.sorted() { state.remove(key) }
        case 13: fill()
        default: writeFew()
        }
    }

    /// So that the root is two levels above leaves, at least.
    mutating func fill() { for key in 0..<3_000 as Range<UInt64> { state.insert(key) } }

    private mutating func writeFew() {
        for _ in 0..<Int.random(in: 1..<10, using: &random) {
            let key = UInt64.random(in: 0..<Self.keys, using: &random)
            switch Int.random(in: 0..<3, using: &random) {
            case 0: state.insert(key)
            case 1: state.remove(key)
            default: if let present = state.image.first(from: key)?.key { state.remove(present) }
            }
        }
    }
}
