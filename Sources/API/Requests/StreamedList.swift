internal import ControlPlane
internal import HTTPServer
internal import JSON
internal import Threads

/// Rows of a list, one behind the other.
protocol ListRows: Sendable {
    /// Appends the next one; false if there is none.
    mutating func appendNext(to bytes: inout [UInt8]) -> Bool
    /// Where a page ends that has the latest row as its last one.
    var cursor: String? { get }
}

/// A list that may be long: whole, or in pages.
struct StreamedList: Sendable {
    let path: String
    /// Of a page; nil if all is wanted.
    let limit: Int?
    let isNDJSON: Bool

    /// - Parameter base: the answer without a body.
    func response(_ rows: some ListRows, _ target: HTTPTarget, _ base: HTTPResponse) -> HTTPResponse {
        var response = isNDJSON ? base.withType("application/x-ndjson") : base
        guard let limit else {
            response.body = .produced(ProducedList(rows, isNDJSON))
            return response
        }
        var (rows, bytes, count): (_, [UInt8], _) = (rows, [], 0)
        while count < limit, append(&rows, isFirst: count == 0, &bytes) { count += 1 }
        if !isNDJSON { bytes.appendASCII(count == 0 ? "[]\n" : "]\n") }
        response.body = .bytes(bytes)
        var next: [UInt8] = []
        guard let cursor = rows.cursor, count == limit, rows.appendNext(to: &next) else { return response }
        return response.with(nextPageOf: path, target, after: cursor)
    }

    private func append(_ rows: inout some ListRows, isFirst: Bool, _ bytes: inout [UInt8]) -> Bool {
        appendRow(&rows, isFirst: isFirst, isNDJSON, &bytes)
    }
}

private func appendRow(_ rows: inout some ListRows, isFirst: Bool, _ isNDJSON: Bool, _ bytes: inout [UInt8]) -> Bool {
    let start = bytes.count
    if !isNDJSON { bytes.append(UInt8(ascii: isFirst ? "[" : ",")) }
    guard rows.appendNext(to: &bytes) else {
        bytes.removeLast(bytes.count - start)
        return false
    }
    if isNDJSON { bytes.append(UInt8(ascii: "\n")) }
    return true
}

/// A list that is written while the client takes it: memory stays constant however long it is.
private final class ProducedList<Rows: ListRows>: BodyProducer {
    private struct State {
        var rows: Rows
        var hasBegun = false
    }

    private let isNDJSON: Bool
    // The server makes one call at a time, so it is never contended.
    private let state: Locked<State>

    init(_ rows: Rows, _ isNDJSON: Bool) {
        self.isNDJSON = isNDJSON
        state = Locked(State(rows: rows), rank: LockRank(6, "streamed list"))
    }

    func produce(into buffer: inout [UInt8], limit: Int) -> Bool {
        state.withLock { state in
            while buffer.count < limit {
                guard appendRow(&state.rows, isFirst: !state.hasBegun, isNDJSON, &buffer) else {
                    if !isNDJSON { buffer.appendASCII(state.hasBegun ? "]\n" : "[]\n") }
                    return false
                }
                state.hasBegun = true
            }
            return true
        }
    }

    func cancel() {}
}
