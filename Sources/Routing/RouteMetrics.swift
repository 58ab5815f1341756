/// Path metrics of a route, by their names in iproute2 (`RTAX_…`). Sorted, so that equal sets are equal.
///
/// Those of a route are as the kernel keeps them (net/ipv4/metrics.c): a value of 0 is none, what is too large for its field is
/// the largest. Those of a selector are as they were given.
public struct RouteMetrics: Hashable, Sendable {
    /// Names that the kernel knows. The value of `congestion` is a name, all others are numbers.
    public static let names: [String] = [
        "advmss", "congestion", "cwnd", "fastopen_no_cookie", "features", "hoplimit", "initcwnd", "initrwnd", "mtu",
        "quickack", "reordering", "rto_min", "rtt", "rttvar", "ssthresh", "window",
    ]
    public static let mtu = index(of: "mtu")
    public static let congestion = index(of: "congestion")
    public static let features = index(of: "features")

    /// `RTAX_FEATURE_ECN`, the one that iproute2 has a word for.
    public static let ecn: UInt32 = 1
    /// The longest name of an algorithm (`TCP_CA_NAME_MAX`).
    public static let longestAlgorithm = 15

    public struct Value: Hashable, Sendable {
        /// Index into `names`.
        public let name: UInt8
        public let value: UInt32
    }

    private struct Content: Hashable {
        var values: [Value] = []
        var algorithm = ""
        var locks: UInt32 = 0

        var isEmpty: Bool { values.isEmpty && algorithm.isEmpty && locks == 0 }
    }

    /// Few routes have any, so that one word is enough for those that have none.
    private final class Box: Hashable, Sendable {
        let content: Content
        init(_ content: Content) { self.content = content }
        static func == (a: Box, b: Box) -> Bool { a === b || a.content == b.content }
        func hash(into hasher: inout Hasher) { hasher.combine(content) }
    }

    /// Nil if there are none.
    private var box: Box?

    private var content: Content {
        get { box?.content ?? Content() }
        set { box = newValue.isEmpty ? nil : Box(newValue) }
    }

    public init() {}

    public var isEmpty: Bool { box == nil }

    /// Numbers, by name.
    public var values: [Value] { box?.content.values ?? [] }

    /// The algorithm that TCP uses against congestion; empty for the system's own.
    public var algorithm: String {
        get { box?.content.algorithm ?? "" }
        set { content.algorithm = newValue }
    }

    /// Which of `names` the path may not change (`RTAX_LOCK`), a bit for each.
    public var locks: UInt32 { box?.content.locks ?? 0 }

    /// The number of that name; 0 if there is none.
    public subscript(_ index: Int) -> UInt32 { values.first { $0.name == UInt8(index) }?.value ?? 0 }

    public mutating func set(_ index: Int, to value: UInt32) {
        var values = values
        values.removeAll { $0.name == UInt8(index) }
        let place = values.firstIndex { $0.name > UInt8(index) } ?? values.count
        values.insert(Value(name: UInt8(index), value: value), at: place)
        content.values = values
    }

    public mutating func lock(_ index: Int) { content.locks |= 1 << UInt32(index) }

    /// The names that are locked, sorted.
    public var lockedNames: [String] {
        locks == 0 ? [] : Self.names.indices.filter { locks >> UInt32($0) & 1 == 1 }.map { Self.names[$0] }
    }

    public static func index(of name: String) -> Int {
        guard let index = names.firstIndex(of: name) else { preconditionFailure("there is no metric '\(name)'") }
        return index
    }

    private static let largest: [(index: Int, value: UInt32)] = [
        (index(of: "mtu"), 65_535 - 15), (index(of: "advmss"), 65_535 - 40), (index(of: "hoplimit"), 255),
    ]
    /// `RTAX_FEATURE_MASK`: ECN, SACK, timestamps, ALLFRAG, timestamps in microseconds.
    private static let knownFeatures: UInt32 = 0x1F

    /// As the kernel keeps them for a route (`ip_metrics_convert`).
    func kept() throws(FIBError) -> RouteMetrics {
        if isEmpty { return self }
        var kept = self
        for (index, largest) in Self.largest where self[index] > largest { kept.set(index, to: largest) }
        kept.content.values.removeAll { $0.value == 0 }
        let unknown = kept[Self.features] & ~Self.knownFeatures
        if unknown != 0 {
            throw FIBError(
                .einval, .metricsInvalid, "features has bits that mean nothing: 0x\(String(unknown, radix: 16))")
        }
        return kept
    }

    /// Has all that `wanted` names (`fib_metrics_match`, R1-85).
    func agrees(with wanted: RouteMetrics) -> Bool {
        wanted.values.allSatisfy { self[Int($0.name)] == $0.value }
            && (wanted.algorithm.isEmpty || wanted.algorithm == algorithm)
            && (wanted.locks == 0 || wanted.locks == locks)
    }
}

extension RouteMetrics: CustomStringConvertible {
    public var description: String {
        let numbers = values.map { "\(Self.names[Int($0.name)]) \($0.value)" }
        return (numbers + (algorithm.isEmpty ? [] : [algorithm]) + lockedNames.map { "lock \($0)" })
            .joined(separator: " ")
    }
}
