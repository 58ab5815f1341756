import Glibc

/// The paths that most requests and events take, each run in this process as often as one likes: for profilers, and for
/// counting the instructions of one operation.
///
///     swift run -c release --package-path Benchmarks hot-paths import 1000000
///     hot-paths --list
///
/// Everything that needs no measuring (making the table, its text) comes first and doesn't depend on the count: the
/// difference of two runs with different counts is the cost of the operations between them. Counts are multiples of
/// 10,000; of an import, at most 100,000 for that comparison.
@main
struct HotPaths {
    static let paths: [(name: String, summary: String, run: @Sendable (Int) -> Void)] = [
        ("read", "a row of NDJSON: its fields found and checked, nothing made of them", readRows),
        ("import", "a row of NDJSON, in no order: read, hashed, stored and logged", importRows(isSorted: false)),
        ("import-sorted", "the same in the order of addresses", importRows(isSorted: true)),
        ("replay", "a route of a replay, encoded for the first time", replay),
        ("change", "a change of a route as the frame of all its followers", encodeChanges),
        ("delivery", "one more follower that is given a frame", deliver),
        ("get", "GET of one route, from its header to its answer", get),
        ("put", "PUT of one route, from its header to its answer", put),
        ("list", "a row of a list", list),
    ]

    static func main() {
        let arguments = CommandLine.arguments.dropFirst()
        if arguments.first == "--list" { return paths.forEach { print($0.name) } }
        guard let path = paths.first(where: { $0.name == arguments.first }),
            let count = arguments.dropFirst().first.flatMap({ Int($0) }), count > 0
        else {
            let rows = paths.map { "  \($0.name): \($0.summary)" }.joined(separator: "\n")
            return print("usage: hot-paths --list | hot-paths PATH COUNT\n\(rows)")
        }
        path.run(count)
    }

    /// Runs `body` and says what one of `count` operations took: by the clock, and of all processors' time together, which
    /// a busy machine disturbs less.
    static func measure(_ count: Int, _ body: () -> Void) {
        let cpuBefore = clock()
        let time = ContinuousClock().measure(body)
        let cpu = Double(clock() - cpuBefore) * 1e9 / Double(CLOCKS_PER_SEC)
        let wall = Double(time.components.seconds) * 1e9 + Double(time.components.attoseconds) / 1e9
        print("\(count) operations, \(Int(wall / Double(count))) ns each, \(Int(cpu / Double(count))) ns of CPU")
    }
}
