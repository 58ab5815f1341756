import ChangeLog
import TestSupport
import Testing

private struct Item: ImageValue, Equatable {
    let number: UInt64
    var version: ChangeSequence { ChangeSequence(rawValue: number) }
    /// As far from a sum as a real one: sums of these tell sets apart.
    var hash: EntryHash { EntryHash(of: Array("\(number)".utf8).span) }
}

/// One that is counted: what reads a slot that holds none notices.
private final class Thing: ImageValue {
    let number: UInt64
    let hash: EntryHash
    init(_ number: UInt64) {
        self.number = number
        hash = EntryHash(high: number &* 0x9E37_79B9_7F4A_7C15, low: number)
    }
}

@Suite struct ImageTests {
    @Test("Any sequence of inserts and removals leaves what a dictionary holds, in order", arguments: UInt64(1)...12)
    func agreesWithADictionary(seed: UInt64) {
        var random = SeededGenerator(seed: seed)
        var image = Image<UInt64, Item>()
        var model: [UInt64: Item] = [:]
        let range = UInt64.random(in: 10...4_000, using: &random)
        for step in 0..<6_000 {
            let key = UInt64.random(in: 0..<range, using: &random)
            let removes = step % 3_000 > 2_000 ? 70 : 30
            if Int.random(in: 0..<100, using: &random) < removes {
                #expect(image.remove(key) == model.removeValue(forKey: key))
            } else {
                let item = Item(number: UInt64(step))
                #expect(image.insert(item, for: key) == model.updateValue(item, forKey: key))
            }
            if step % 500 == 0 { image._checkInvariants() }
        }
        image._checkInvariants()
        let sorted = model.sorted { $0.key < $1.key }
        #expect(image.entries() == sorted.map(\.key))
        for (key, item) in model { #expect(image[key] == item) }
        let bound = range / 3
        var expected = Summary()
        for (key, item) in sorted where key >= bound && key < 2 * bound { expected.add(item.hash) }
        #expect(image.summary(from: bound, to: 2 * bound) == expected)
        #expect(image.first(from: bound)?.key == sorted.first { $0.key >= bound }?.key)
    }

    /// Sorted input fills its nodes, so that the last leaf, and the nodes above it, begin with one entry: 32 in a leaf, 64 leaves below
    /// a node, 64 of these below the next.
    @Test(
        "Where sorted input has just begun a node, its entries can go again, and a walk meets no empty node",
        arguments: [32, 2_048, 131_072], [1, 2, 9])
    func justBegunNodes(boundary: UInt64, beyond: UInt64) {
        var image = Image<UInt64, Thing>()
        for number in 0..<boundary + beyond { image.insert(Thing(number), for: number) }
        for number in (boundary..<boundary + beyond).reversed() {
            #expect(image.remove(number)?.number == number)
            let start = boundary - 20
            var (cursor, next) = (image.cursor(from: start), start)
            while let (key, thing) = cursor.next() {
                #expect(key == next && thing.number == next)
                next += 1
            }
            #expect(next == number)
        }
        image._checkInvariants()
        for number in boundary..<boundary + 100 { image.insert(Thing(number), for: number) }
        for number in (0..<boundary + 100).reversed() { #expect(image.remove(number)?.number == number) }
        image._checkInvariants()
        #expect(image.isEmpty)
    }

    @Test("A run's entries are the same all at once as one by one, also of a part")
    func entriesOfARun() throws {
        var image = Image<UInt64, Item>()
        for number in 0..<1_000 { image.insert(Item(number: UInt64(number)), for: UInt64(number)) }
        var cursor = image.cursor(from: 100)
        while var run = cursor.nextRun() {
            _ = run.popFirst()
            run.drop(from: 900)
            let entries = run.withEntries { keys, values in keys.indices.map { (keys[$0], values[$0]) } }
            #expect(entries.count == run.count)
            for (place, (key, value)) in entries.enumerated() {
                #expect(key == run.key(place) && value == run.value(place))
            }
        }
    }

    @Test("A copy keeps what it was, whatever happens to the original", arguments: UInt64(1)...6)
    func snapshotsAreConstant(seed: UInt64) {
        var random = SeededGenerator(seed: seed)
        var image = Image<UInt64, Item>()
        var kept: [(image: Image<UInt64, Item>, keys: [UInt64], summary: Summary)] = []
        for step in 0..<5_000 {
            let key = UInt64.random(in: 0..<1_000, using: &random)
            if Bool.random(using: &random) {
                image.insert(Item(number: UInt64(step)), for: key)
            } else {
                image.remove(key)
            }
            if step % 250 == 0 { kept.append((image, image.entries(), image.summary)) }
        }
        for snapshot in kept {
            snapshot.image._checkInvariants()
            #expect(snapshot.image.entries() == snapshot.keys)
            #expect(snapshot.image.summary == snapshot.summary)
        }
    }

    @Test("A place tells what stands around it, and takes the entry", arguments: UInt64(1)...6)
    func places(seed: UInt64) {
        var random = SeededGenerator(seed: seed)
        var image = Image<UInt64, Item>()
        var keys: Set<UInt64> = []
        var seen = 0
        for step in UInt64(1)...4_000 {
            let key = UInt64.random(in: 0..<100_000, using: &random)
            let copy = image
            let place = image.place(of: key)
            if !keys.contains(key), let (before, behind) = image.neighbours(at: place) {
                seen += 1
                #expect(before < key && behind.map { key < $0 } ?? true)
                #expect(image.first(from: before + 1)?.key == behind)
            }
            let old = image.insert(Item(number: step), for: key, at: place)
            #expect((old != nil) != keys.insert(key).inserted)
            #expect(image[key]?.number == step && copy[key] == old)
        }
        image._checkInvariants()
        #expect(image.entries() == keys.sorted() && seen > 3_000)
    }

    @Test("A run adds up to its entries, whole or in part")
    func partialRuns() {
        var image = Image<UInt64, Item>()
        for number in UInt64(0)..<10 { image.insert(Item(number: number), for: number) }
        var cursor = image.cursor(from: 3)
        var run = cursor.nextRun()
        #expect(run?.count == 7 && run?.summary == image.summary(from: 3, to: nil))
        run?.drop(from: 5)
        #expect(run?.summary == image.summary(from: 3, to: 5))
        #expect(run?.count == 2 && run?.popFirst()?.key == 3 && run?.popFirst()?.key == 4 && run?.popFirst() == nil)
    }

    @Test("Equal content gives equal summaries, however it came about")
    func summaryIsOfTheContent() {
        var up = Image<UInt64, Item>()
        var down = Image<UInt64, Item>()
        for number in UInt64(0)..<1_000 { up.insert(Item(number: number), for: number) }
        for number in (UInt64(0)..<1_500).reversed() { down.insert(Item(number: number), for: number) }
        for number in UInt64(1_000)..<1_500 { down.remove(number) }
        #expect(up.summary == down.summary)
        down.insert(Item(number: 7), for: 8)
        #expect(up.summary != down.summary)
    }
}

extension Image {
    fileprivate func entries() -> [Key] {
        var keys: [Key] = []
        var cursor = cursor()
        while let run = cursor.nextRun() { keys += (0..<run.count).map { run.key($0) } }
        return keys
    }
}
