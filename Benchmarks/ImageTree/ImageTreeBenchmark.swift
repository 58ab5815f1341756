import ChangeLog
import HashTreeCollections
import Shared

/// What a route's key and value weigh in the server: 24 and 32 bytes.
struct Key: ImageKey, Hashable {
    let high: UInt64
    let low: UInt64
    let rank: UInt64
    var leading: UInt64 { high }
    static func < (a: Key, b: Key) -> Bool {
        if a.high != b.high { return a.high < b.high }
        if a.low != b.low { return a.low < b.low }
        return a.rank < b.rank
    }
}

struct Item: ImageValue {
    let version: ChangeSequence
    let hash: EntryHash
    let info: Marker
}

final class Marker: Sendable {}

/// The ordered trees and the hash tree that could keep an image, on the same keys in one run.
///
///     swift run -c release --package-path Benchmarks image-tree [entries]
@main
struct ImageTreeBenchmark {
    static func main() {
        let count = CommandLine.arguments.dropFirst().first.flatMap { Int($0) } ?? 1_070_000
        var random = SplitMix64(state: 1)
        var unique: Set<UInt32> = []
        while unique.count < count { unique.insert(UInt32.random(in: .min ... .max, using: &random)) }
        let sorted = unique.sorted().map { Key(high: UInt64($0) << 32, low: 0, rank: 231 << 56) }
        let shuffled = sorted.shuffled(using: &random)
        print("\(count) entries of 56 bytes; nanoseconds an operation")
        row(
            "",
            [
                "insert sorted", "insert random", "16 fetched ahead", "get random", "walk", "snapshot",
                "write after each 1", "100",
                "10,000 snapshots", "difference of 100 writes",
            ])
        image(sorted, shuffled)
        hashTree(sorted, shuffled)
    }

    static func item(_ number: Int, _ marker: Marker) -> Item {
        Item(
            version: ChangeSequence(rawValue: UInt64(number)), hash: EntryHash(high: UInt64(number), low: 1),
            info: marker)
    }

    /// The server's own tree.
    static func image(_ sorted: [Key], _ shuffled: [Key]) {
        let marker = Marker()
        var results: [Double] = []
        var tree = Image<Key, Item>()
        results.append(
            time(sorted.count) { for (n, key) in sorted.enumerated() { tree.insert(item(n, marker), for: key) } })
        tree = Image()
        results.append(
            time(shuffled.count) { for (n, key) in shuffled.enumerated() { tree.insert(item(n, marker), for: key) } })
        tree = Image()
        results.append(
            time(shuffled.count) {
                for start in stride(from: 0, to: shuffled.count, by: 16) {
                    let end = min(start + 16, shuffled.count)
                    for n in start..<end { tree.prefetch(shuffled[n], .branch) }
                    for n in start..<end { tree.prefetch(shuffled[n], .leaf) }
                    for n in start..<end { tree.insert(item(n, marker), for: shuffled[n]) }
                }
            })
        var sum: UInt64 = 0
        results.append(time(shuffled.count) { for key in shuffled { sum &+= tree[key]?.version.rawValue ?? 0 } })
        results.append(
            time(shuffled.count) {
                var cursor = tree.cursor()
                while let run = cursor.nextRun() { for place in 0..<run.count { sum &+= run.value(place).hash.high } }
            })
        var kept: [Image<Key, Item>] = []
        results.append(time(100_000) { for _ in 0..<100_000 { kept = [tree] } })
        for every in [1, 100, 10_000] {
            var held = tree
            let writes = every == 1 ? 100_000 : 1_000_000
            results.append(
                time(writes) {
                    for n in 0..<writes {
                        if n % every == 0 { held = tree }
                        tree.insert(item(n, marker), for: shuffled[n % shuffled.count])
                    }
                })
            sum &+= UInt64(held.count)
        }
        results.append(difference(tree, shuffled))
        row("B+tree, ARC nodes", results.map(Self.text))
        precondition(sum != 0 && kept.count == 1)
    }

    /// A write, of what there is to tell of 100 in no order.
    static func difference(_ former: Image<Key, Item>, _ shuffled: [Key]) -> Double {
        let marker = Marker()
        var tree = former
        for n in 0..<100 { tree.insert(item(n + 1 << 40, marker), for: shuffled[n]) }
        var found = 0
        let result = time(100) {
            var (walk, steps) = (ImageDifference(from: former, to: tree), Int.max)
            while let entry = walk.next(steps: &steps) { found += entry.old?.version == entry.new?.version ? 0 : 1 }
        }
        precondition(found == 100)
        return result
    }

    /// swift-collections' persistent hash tree: no order, and no sums.
    static func hashTree(_ sorted: [Key], _ shuffled: [Key]) {
        let marker = Marker()
        var results: [Double] = []
        var tree = TreeDictionary<Key, Item>()
        results.append(time(sorted.count) { for (n, key) in sorted.enumerated() { tree[key] = item(n, marker) } })
        tree = [:]
        results.append(time(shuffled.count) { for (n, key) in shuffled.enumerated() { tree[key] = item(n, marker) } })
        results.append(.nan)
        var sum: UInt64 = 0
        results.append(time(shuffled.count) { for key in shuffled { sum &+= tree[key]?.version.rawValue ?? 0 } })
        results.append(time(shuffled.count) { for entry in tree { sum &+= entry.value.hash.high } })
        var kept: [TreeDictionary<Key, Item>] = []
        results.append(time(100_000) { for _ in 0..<100_000 { kept = [tree] } })
        for every in [1, 100, 10_000] {
            var held = tree
            let writes = every == 1 ? 100_000 : 1_000_000
            results.append(
                time(writes) {
                    for n in 0..<writes {
                        if n % every == 0 { held = tree }
                        tree[shuffled[n % shuffled.count]] = item(n, marker)
                    }
                })
            sum &+= UInt64(held.count)
        }
        results.append(.nan)
        row("TreeDictionary (unordered)", results.map(Self.text))
        precondition(sum != 0 && kept.count == 1)
    }

    static func time(_ operations: Int, _ body: () -> Void) -> Double {
        let start = ContinuousClock.now
        body()
        let (seconds, attoseconds) = (ContinuousClock.now - start).components
        return (Double(seconds) * 1e9 + Double(attoseconds) / 1e9) / Double(operations)
    }

    static func text(_ nanoseconds: Double) -> String { nanoseconds.isNaN ? "–" : String(Int(nanoseconds)) }

    static func row(_ name: String, _ cells: [String]) {
        print(([name] + cells).joined(separator: " | "))
    }
}
