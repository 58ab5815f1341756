import ChangeLog
import Testing

private struct Note: LogRecord, Equatable {
    let sequence: ChangeSequence
    let isAside: Bool
    var retainedBytes: Int { 100 }
}

private func opening(_ sequence: ChangeSequence) -> Note { Note(sequence: sequence, isAside: false) }

private func read(_ log: Log<Note>, after position: UInt64, _ lanes: LogLanes) -> [Note]? {
    var (result, position): ([Note], ChangeSequence) = ([], ChangeSequence(rawValue: position))
    while position < log.head {
        guard let run = log.read(after: position, lanes) else { return nil }
        guard run.end > position, run.last.map({ $0.sequence <= run.end }) ?? true else { return nil }
        result += run
        position = run.end
    }
    return result
}

@Suite struct LogLaneTests {
    @Test(
        "Whoever reads both lanes finds all in the order of their numbers, others only what is of the main one",
        arguments: [1, 2, 3])
    func readsInOrder(seed: UInt64) {
        let log = Log<Note>(byteLimit: 1 << 24)
        var (random, all): (UInt64, [Note]) = (seed, [])
        while all.count < 2_000 {
            random = random &* 6_364_136_223_846_793_005 &+ 1_442_695_040_888_963_407
            // Long stretches of one sort, and single ones.
            let (count, isAside) = (random >> 60 == 0 ? 300 : 1, random >> 40 & 3 == 0)
            let make = { (_: Int, sequence: ChangeSequence) in
                let note = Note(sequence: sequence, isAside: isAside)
                all.append(note)
                return note
            }
            if isAside { log.appendAside(count: count, opening: opening, make) } else { log.append(count: count, make) }
        }
        #expect(log.head.rawValue == UInt64(all.count))
        for position in stride(from: 0, to: all.count, by: 7) {
            let left = all[position...]
            #expect(read(log, after: UInt64(position), .all) == Array(left))
            #expect(read(log, after: UInt64(position), .main) == left.filter { !$0.isAside })
            let latest = log.latest(upTo: ChangeSequence(rawValue: UInt64(position)), .all) { $0.isAside }
            #expect(latest == all[..<position].last { $0.isAside }?.sequence ?? .zero)
        }
    }

    @Test("However many are kept aside, no other is forgotten for them; who wanted them is told")
    func hasBoundsOfTheirOwn() {
        let log = Log<Note>(byteLimit: 100 * 16 * 1_000)
        for _ in 0..<500 { log.append { Note(sequence: $0, isAside: false) } }
        for _ in 0..<200 { log.appendAside(count: 500, opening: opening) { Note(sequence: $1, isAside: true) } }
        #expect(log.mark.floor == .zero && read(log, after: 0, .main)?.count == 500)
        #expect(log.retainedBytes <= 100 * (500 + 1_128))
        let floor = log.mark(of: .all).floor.rawValue
        #expect(floor >= 99_000 && floor < 100_000)
        #expect(read(log, after: 0, .all) == nil && read(log, after: floor, .all)?.count == 100_500 - Int(floor))
        #expect(log.retained(after: ChangeSequence(rawValue: floor), .all).records == 100_500 - Int(floor))
        #expect(log.retained(after: ChangeSequence(rawValue: floor)).records == 0)
    }

    @Test("Bytes that others keep because of them count for them alone")
    func sharedBytes() {
        let log = Log<Note>(byteLimit: 100 * 16 * 1_000)
        for _ in 0..<500 { log.append { Note(sequence: $0, isAside: false) } }
        log.appendAside(count: 500, opening: opening) { Note(sequence: $1, isAside: true) }
        log.addSharedBytes(100 * 20_000, aside: 100 * 20_000)
        for _ in 0..<256 { log.append { Note(sequence: $0, isAside: false) } }
        log.appendAside(count: 128, opening: opening) { Note(sequence: $1, isAside: true) }
        #expect(log.mark.floor == .zero && log.mark(of: .all).floor.rawValue >= 1_000)
    }

    @Test("What is kept aside waits for no store, and is told only when what came before is durable")
    func waitsForNothing() throws {
        let log = Log<Note>(byteLimit: 1 << 20, isVolatile: false)
        // With the one that says that there are some.
        log.appendAside(count: 3, opening: opening) { Note(sequence: $1, isAside: true) }
        #expect(log.unsettledBytes == 100 && log.hasAside)
        #expect(try #require(log.readDurable(after: .zero, .all)).isEmpty)
        log.settle(upTo: ChangeSequence(rawValue: 2), bytes: 100)
        let run = try #require(log.readDurable(after: .zero, .all))
        #expect(
            run.map(\.sequence.rawValue) == [1, 2] && run.map(\.isAside) == [false, true] && run.end.rawValue == 2)
        #expect(try #require(log.readDurable(after: .zero)).end.rawValue == 2)
    }

    @Test("After a restart, whoever was told of something kept aside can't go on from there; who comes then can")
    func restarts() {
        let log = Log<Note>(byteLimit: 1 << 20, isVolatile: false)
        log.restore(Note(sequence: ChangeSequence(rawValue: 5), isAside: false))
        log.skip(past: ChangeSequence(rawValue: 9), hasAside: true)
        #expect(log.mark.floor.rawValue == 0 && log.mark(of: .all).floor.rawValue == 10)
        #expect(log.floor(of: .all).rawValue == 5)
        log.appendAside(count: 1, opening: opening) { Note(sequence: $1, isAside: true) }
        #expect(read(log, after: 5, .all)?.map(\.sequence.rawValue) == [10])
        #expect(log.mark(of: .all).floor.rawValue == 10)
        let other = Log<Note>(byteLimit: 1 << 20, isVolatile: false)
        other.restore(Note(sequence: ChangeSequence(rawValue: 5), isAside: false))
        other.skip(past: ChangeSequence(rawValue: 9))
        #expect(other.mark(of: .all).floor.rawValue == 0, "nothing was kept aside, and so nothing is lost")
    }
}
