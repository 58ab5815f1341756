import ChangeLog
import TestSupport
import Testing

@Suite struct ImageDifferenceTests {
    @Test(
        "Whatever is different between two states comes once, in order, as it was and as it is",
        arguments: UInt64(1)...8)
    func agreesWithDictionaries(seed: UInt64) {
        var history = ImageHistory(seed: seed)
        var states = [history.state]
        history.fill()
        for _ in 0..<25 {
            history.step()
            states.append(history.state)
        }
        for (index, state) in states.enumerated() {
            state.image._checkInvariants()
            let next = states[min(index + 1, states.count - 1)]
            compare(state, next, &history.random)
            compare(next, state, &history.random)
            compare(state, states.randomElement(using: &history.random) ?? state, &history.random)
        }
    }

    private func compare(_ old: ImageState, _ new: ImageState, _ random: inout SeededGenerator) {
        var (walk, found, isRight) = (ImageDifference(from: old.image, to: new.image), [UInt64](), true)
        let limit = Int.random(in: 1..<200, using: &random)
        while !walk.isAtEnd {
            var steps = limit
            while let entry = walk.next(steps: &steps) {
                isRight = isRight && old.has(entry.old, entry.key) && new.has(entry.new, entry.key)
                isRight = isRight && found.last.map { $0 < entry.key } ?? true
                found.append(entry.key)
            }
            isRight = isRight && (steps == 0 || walk.isAtEnd)
        }
        #expect(isRight)
        #expect(Set(old.differences(to: new)).subtracting(found).isEmpty)
        // A write touches three leaves at most: one that is refilled, its neighbour, and what is split off.
        let writes = abs(new.writes - old.writes)
        #expect(found.count <= writes * 3 * 32, "\(found.count) entries after \(writes) writes")
    }

    @Test("Two copies of an image are told to be the same by their roots")
    func copies() {
        var image = Image<UInt64, Mark>()
        for number in UInt64(0)..<5_000 { image.insert(Mark(), for: number) }
        let copy = image
        #expect(copy.isIdentical(to: image))
        var (walk, steps) = (ImageDifference(from: image, to: copy), 1)
        #expect(walk.next(steps: &steps) == nil && walk.isAtEnd && walk.visits == 2)
        image.insert(Mark(), for: 7)
        #expect(!copy.isIdentical(to: image))
    }

    @Test("An image of 200,000 entries, of which 100 have changed, is entered in a few hundred nodes")
    func fewVisits() {
        var random = SeededGenerator(seed: 3)
        var image = Image<UInt64, Mark>()
        let count: UInt64 = 200_000
        // Half of it sorted, the rest between.
        for number in 0..<count / 2 { image.insert(Mark(), for: 4 * number) }
        for _ in 0..<count / 2 { image.insert(Mark(), for: UInt64.random(in: 0..<2 * count, using: &random)) }
        let former = image
        for _ in 0..<100 {
            let key = UInt64.random(in: 0..<2 * count, using: &random)
            if Bool.random(using: &random) { image.insert(Mark(), for: key) } else { image.remove(key) }
        }
        var (walk, steps, found) = (ImageDifference(from: former, to: image), 100_000, 0)
        while let (_, old, new) = walk.next(steps: &steps) { found += old === new ? 0 : 1 }
        #expect(walk.isAtEnd && found > 70 && walk.visits < 700, "\(found) changes, \(walk.visits) visits")
        #expect(100_000 - steps < 20_000, "\(100_000 - steps) steps")
    }

    /// 32 entries fill a leaf, 2,048 the node above, 131,072 the next one.
    @Test(
        "An image that has grown by levels since, or lost some, is entered where it has changed",
        arguments: [32, 2_048, 131_072])
    func otherHeights(boundary: UInt64) {
        var image = Image<UInt64, Mark>()
        for number in 0..<boundary { image.insert(Mark(), for: number) }
        let former = image
        for number in boundary..<boundary + 5 { image.insert(Mark(), for: number) }
        for (old, new) in [(former, image), (image, former)] {
            var (walk, steps, found) = (ImageDifference(from: old, to: new), 1_000, [UInt64]())
            while let (key, before, after) = walk.next(steps: &steps) { if before !== after { found.append(key) } }
            #expect(walk.isAtEnd && found == Array(boundary..<boundary + 5))
            #expect(walk.visits < 20, "\(walk.visits) visits")
        }
    }

    @Test("What lies before a key can be left out, whatever has come before", arguments: UInt64(1)...8)
    func skipping(seed: UInt64) {
        var history = ImageHistory(seed: seed)
        for _ in 0..<10 { history.step() }
        let old = history.state
        for _ in 0..<3 { history.step() }
        let new = history.state
        let differences = old.differences(to: new)
        var (walk, bound, found) = (ImageDifference(from: old.image, to: new.image), UInt64(0), [UInt64]())
        while !walk.isAtEnd {
            var steps = 50
            while let (key, before, after) = walk.next(steps: &steps) {
                #expect(key >= bound)
                bound = key + 1
                if before !== after { found.append(key) }
                guard Int.random(in: 0..<20, using: &history.random) == 0 else { continue }
                bound += UInt64.random(in: 0..<500, using: &history.random)
                found += differences.filter { $0 > key && $0 < bound }
                walk.skip(to: bound)
            }
        }
        #expect(found == differences)
    }

    @Test("On request all entries of both come, also those of what they share", arguments: UInt64(1)...4)
    func everything(seed: UInt64) {
        var history = ImageHistory(seed: seed)
        for _ in 0..<10 { history.step() }
        let old = history.state
        history.step()
        let new = history.state
        var walk = ImageDifference(from: old.image, to: new.image, includingShared: true)
        var (steps, found) = (Int.max, [UInt64]())
        while let entry = walk.next(steps: &steps) {
            #expect(old.has(entry.old, entry.key) && new.has(entry.new, entry.key))
            found.append(entry.key)
        }
        #expect(found == Set(old.entries.keys).union(new.entries.keys).sorted())
    }

    @Test("A walk keeps both as they were, whatever is written meanwhile")
    func keepsBoth() {
        var history = ImageHistory(seed: 11)
        for _ in 0..<10 { history.step() }
        let old = history.state.entries
        var former: Image? = history.state.image
        for _ in 0..<3 { history.step() }
        let new = history.state.entries
        var walk = ImageDifference(from: former ?? Image(), to: history.state.image)
        former = nil
        var found: Set<UInt64> = []
        while !walk.isAtEnd {
            var steps = 100
            while let entry = walk.next(steps: &steps) {
                #expect(entry.old === old[entry.key] && entry.new === new[entry.key])
                found.insert(entry.key)
            }
            history.step()
        }
        #expect(Set(old.keys).union(new.keys).allSatisfy { found.contains($0) || old[$0] === new[$0] })
    }

    @Test("A cursor goes to a key, from wherever it stands", arguments: UInt64(1)...4)
    func cursors(seed: UInt64) {
        var history = ImageHistory(seed: seed)
        for _ in 0..<10 { history.step() }
        let (keys, image) = (history.state.entries.keys.sorted(), history.state.image)
        var (cursor, target) = (image.cursor(), UInt64(0))
        for _ in 0..<2_000 {
            if Bool.random(using: &history.random) { _ = cursor.nextRun() }
            let isNear = Bool.random(using: &history.random)
            target = isNear ? target + 3 : UInt64.random(in: 0..<ImageHistory.keys, using: &history.random)
            cursor.move(to: target)
            let place = keys.firstIndex { $0 >= target } ?? keys.count
            #expect([cursor.next(), cursor.next()].compactMap { $0?.key } == Array(keys.dropFirst(place).prefix(2)))
        }
    }
}
