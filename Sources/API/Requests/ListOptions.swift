internal import ChangeLog
internal import ControlPlane
internal import HTTPServer
internal import JSON

/// What every list takes and gives that fits into one answer: of namespaces, links, neighbours, devices, listeners. That of
/// routes has no end, and goes its own way.
struct ListOptions: Sendable {
    private let limit: Int?
    private let isDurable: Bool

    init(_ query: inout Query) throws(Problem) {
        limit = try query.number("limit", in: 1...10_000)
        isDurable = try query.flag("durable")
    }

    /// - Parameters:
    ///   - rows: all of them, in order, and the number as of which they are that; called on a worker.
    ///   - isLater: whether a row comes after the page before; nil if this is the first one.
    ///   - cursor: where a page ends that has this row as its last one.
    ///   - append: the row as JSON.
    func plan<Row>(
        _ call: Call, _ path: String, _ plane: ControlPlane,
        rows: @escaping @Sendable () -> (all: [Row], sequence: ChangeSequence),
        isLater: (@Sendable (Row) -> Bool)?,
        cursor: @escaping @Sendable (Row) -> String,
        append: @escaping @Sendable (Row, inout [UInt8]) -> Void
    ) throws(Problem) -> HTTPPlan {
        try call.request.checkAcceptsList()
        let isNDJSON = call.request.acceptsNDJSON
        return .answer(
            .work {
                let (all, sequence) = rows()
                let start = isLater.map { all.firstIndex(where: $0) ?? all.endIndex } ?? all.startIndex
                let rest = all[start...]
                let page = limit.map { rest.prefix($0) } ?? rest
                let bytes = Self.bytes(page, isNDJSON, append)
                var response = HTTPResponse.json(200, bytes, sequence: sequence)
                    .with("Fibd-Count", .number(UInt64(all.count)))
                if isNDJSON { response = response.withType("application/x-ndjson") }
                if page.count < rest.count, let last = page.last {
                    response = response.with(nextPageOf: path, call.target, after: cursor(last))
                }
                // As of routes, a list as NDJSON is a replay of its own, and like one never ahead of the disk.
                return plane.answer(response, asOf: sequence, isDurable: isDurable || isNDJSON)
            })
    }

    private static func bytes<Row>(
        _ rows: ArraySlice<Row>, _ isNDJSON: Bool, _ append: (Row, inout [UInt8]) -> Void
    ) -> [UInt8] {
        var bytes: [UInt8] = []
        for (index, row) in rows.enumerated() {
            if !isNDJSON { bytes.append(UInt8(ascii: index == 0 ? "[" : ",")) }
            append(row, &bytes)
            if isNDJSON { bytes.append(UInt8(ascii: "\n")) }
        }
        if !isNDJSON { bytes.appendASCII(rows.isEmpty ? "[]\n" : "]\n") }
        return bytes
    }
}

extension Problem {
    /// A page can't begin there.
    static func badCursor(_ text: String) -> Problem {
        let detail = "'\(text)' is no cursor of this list; take it from a Link field, or begin without"
        return Problem(
            status: 422, reason: "bad-cursor", detail: detail, errors: [Item(pointer: "?after", detail: detail)])
    }
}
