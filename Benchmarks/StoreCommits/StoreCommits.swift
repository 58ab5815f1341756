import Storage

/// Changes a second that a store makes durable, by how many come together.
///
///     swift run -c release --package-path Benchmarks store-commits DIRECTORY
///
/// The directory must not hold a store; what it is on decides the first row.
@main
struct StoreCommits {
    /// Bytes of a change: what tells a route apart, and what it says.
    static let changeSize = 24 + 64
    static let time = Duration.seconds(5)

    static func main() throws {
        guard let directory = CommandLine.arguments.dropFirst().first else {
            print("usage: store-commits DIRECTORY")
            return
        }
        let store = try SQLiteStore.open(directory: directory)
        defer { store.close() }
        precondition(store.contents.reserved == 0, "\(directory) has a store already")
        print("changes a commit | commits/s | changes/s | of these commits, the slowest 1 of 100 took ms | the slowest")
        var last: UInt64 = 0
        for size in [1, 64, 1_000, 10_000] { try measure(store, size, &last) }
        try measureReading(store)
    }

    static func measure(_ store: SQLiteStore, _ size: Int, _ last: inout UInt64) throws {
        let body = [UInt8](repeating: 0x5a, count: size * changeSize)
        let clock = ContinuousClock()
        var times: [Duration] = []
        let start = clock.now
        while clock.now - start < time {
            var write = StoreWrite()
            write.batches = [JournalBatch(first: last + 1, last: last + UInt64(size), body: body)]
            last += UInt64(size)
            let before = clock.now
            try store.commit(write)
            times.append(clock.now - before)
            store.tidy()
        }
        let seconds = (clock.now - start) / .seconds(1)
        let rate = Double(times.count) / seconds
        times.sort()
        let (late, latest) = (times[times.count * 99 / 100], times[times.count - 1])
        print(
            "\(size) | \(Int(rate)) | \(Int(rate * Double(size))) | \(late / .milliseconds(1)) | \(latest / .milliseconds(1))"
        )
    }

    static func measureReading(_ store: SQLiteStore) throws {
        let clock = ContinuousClock()
        let start = clock.now
        var bytes = 0
        try store.readJournal { bytes += $0.body.count }
        let seconds = (clock.now - start) / .seconds(1)
        print("read again and checked: \(bytes / 1_000_000) MB in \(seconds) s")
    }
}
