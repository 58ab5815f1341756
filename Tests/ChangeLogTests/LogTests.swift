import ChangeLog
import Testing

private struct Number: LogRecord, Equatable {
    let sequence: ChangeSequence
    var retainedBytes: Int { 100 }
}

private func log(limit: Int = 1 << 20, filledWith count: Int) -> Log<Number> {
    let log = Log<Number>(byteLimit: limit)
    for _ in 0..<count { log.append { Number(sequence: $0) } }
    return log
}

private func readAll(_ log: Log<Number>, after position: UInt64) -> [UInt64]? {
    var result: [UInt64] = []
    var position = ChangeSequence(rawValue: position)
    while true {
        guard let run = log.read(after: position) else { return nil }
        guard let last = run.last else { return result }
        result += run.map(\.sequence.rawValue)
        position = last.sequence
    }
}

@Suite struct LogTests {
    @Test("From every position one reads exactly what follows it", arguments: [0, 1, 127, 128, 129, 300, 1_000])
    func readsFromAnywhere(count: Int) {
        let log = log(filledWith: count)
        #expect(log.head.rawValue == UInt64(count))
        for position in 0...count {
            #expect(readAll(log, after: UInt64(position)) == Array(UInt64(position + 1)..<UInt64(count + 1)))
        }
    }

    @Test("A full log drops its oldest records and says so to who is behind")
    func dropsTheOldest() throws {
        let log = log(limit: 100 * 1_000, filledWith: 5_000)
        let mark = log.mark
        #expect(mark.head.rawValue == 5_000)
        #expect(mark.floor.rawValue >= 3_900 && log.retainedBytes <= 100 * 1_128)
        #expect(log.read(after: ChangeSequence(rawValue: mark.floor.rawValue - 1)) == nil)
        #expect(readAll(log, after: mark.floor.rawValue) == Array(mark.floor.rawValue + 1...5_000))
    }

    @Test("Bytes that others keep because of the log count towards its bound")
    func sharedBytesCount() {
        let log = log(limit: 100 * 1_000, filledWith: 900)
        #expect(log.mark.floor == .zero)
        log.addSharedBytes(100 * 800)
        for _ in 0..<256 { log.append { Number(sequence: $0) } }
        #expect(log.mark.floor.rawValue >= 700)
    }

    @Test("The latest selected number is found across segments, or the floor is given")
    func findsTheLatest() {
        let log = log(filledWith: 700)
        func latest(upTo position: UInt64, multipleOf divisor: UInt64) -> UInt64 {
            log.latest(upTo: ChangeSequence(rawValue: position)) { $0.sequence.rawValue % divisor == 0 }.rawValue
        }
        for position: UInt64 in [0, 1, 127, 128, 129, 255, 256, 640, 641, 699, 700] {
            #expect(latest(upTo: position, multipleOf: 10) == position / 10 * 10)
            #expect(latest(upTo: position, multipleOf: 300) == position / 300 * 300)
            #expect(latest(upTo: position, multipleOf: 1_000) == 0)
        }
    }

    @Test("Records that carry their numbers go in together, and only behind the head")
    func appendsRuns() {
        let log = log(filledWith: 100)
        log.append(contentsOf: (101...200).map { Number(sequence: ChangeSequence(rawValue: $0)) })
        #expect(readAll(log, after: 99) == Array(100...200))
    }
}
