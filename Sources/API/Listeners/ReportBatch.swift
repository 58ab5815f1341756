internal import Addressing
internal import Bytes
internal import ChangeLog
internal import ControlPlane
internal import JSON
internal import Routing

/// What a driver reports in one request, item by item.
struct ReportBatch {
    private struct Rejection {
        let line: Int
        let problem: Problem
        var present: ChangeSequence?
    }

    /// Rejections that are told one by one; of more, only the number.
    private static let toldRejections = 100

    private(set) var counts = ListenerSession.ReportCounts()
    /// With their places in the body, from 1.
    private var reports: [(line: Int, report: HardwareReport)] = []
    private var rejected: [Rejection] = []

    private static let fields = JSONFields("route", "version", "state", "reason")
    private static let longestReason = 256

    /// A body that can't be read is refused as a whole; an item that means nothing by itself.
    init(_ body: [UInt8], isNDJSON: Bool) throws(Problem) {
        var table: TableIdentity?
        var line = 0
        func take(_ reader: inout JSONReader) throws {
            line += 1
            if line > RouteHandlers.arrayLimit { throw Problem.tooManyRows }
            let item = try Item(&reader)
            do {
                let report = try item.report(&table)
                reports.append((line, report))
            } catch let error as FIBError {
                reject(line, Problem(error))
            } catch let problem as Problem {
                reject(line, problem)
            }
        }
        do {
            if isNDJSON {
                var start = 0
                while start < body.count {
                    let end = body.span.firstIndex(of: UInt8(ascii: "\n"), from: start) ?? body.count
                    let text = body.span.extracting(start..<end)
                    start = end + 1
                    if text.isBlank { continue }
                    var reader = JSONReader(text, lineFeedEnds: true)
                    try reader.read { try take(&$0) }
                }
            } else {
                var reader = JSONReader(body.span)
                try reader.read { reader in
                    if try reader.peek() == .array {
                        try reader.readArray { reader, _ in try take(&reader) }
                    } else {
                        try take(&reader)
                    }
                }
            }
        } catch {
            throw Problem(input: error)
        }
    }

    /// Hands it over; the number of the last change.
    mutating func send(_ plane: ControlPlane, _ device: Device) throws(FIBError) -> ChangeSequence {
        let (outcomes, sequence) = try plane.report(reports.map(\.report), by: device.line)
        for (index, outcome) in outcomes.enumerated() {
            switch outcome {
            case .changed: counts.accepted += 1
            case .unchanged: counts.unchanged += 1
            case .stale(let present):
                counts.stale += 1
                reject(reports[index].line, Self.stale(reports[index].report, present), present: present)
            }
        }
        return sequence
    }

    private mutating func reject(_ line: Int, _ problem: Problem, present: ChangeSequence? = nil) {
        counts.rejected += 1
        guard rejected.count < Self.toldRejections else { return }
        rejected.append(Rejection(line: line, problem: problem, present: present))
    }

    private static func stale(_ report: HardwareReport, _ present: ChangeSequence?) -> Problem {
        let prefix = report.key.prefix(report.table.family)
        return Problem(
            FIBError(
                .estale, .reportStale,
                "\(prefix) is " + (present.map { "at version \($0.rawValue)" } ?? "gone")
                    + ", and the report is for \(report.version.rawValue); nothing was changed",
                rule: "R3-02"))
    }

    func json(_ sequence: ChangeSequence) -> [UInt8] {
        var bytes: [UInt8] = []
        bytes.appendASCII(
            "{\"accepted\":\(counts.accepted),\"unchanged\":\(counts.unchanged),\"stale\":\(counts.stale)")
        bytes.appendASCII(",\"rejected_count\":\(counts.rejected),\"rejected\":[")
        for (index, rejection) in rejected.enumerated() {
            bytes.appendASCII((index > 0 ? "," : "") + "{\"line\":\(rejection.line)")
            for (name, value) in [
                ("code", rejection.problem.code), ("reason", rejection.problem.reason),
                ("detail", rejection.problem.detail),
            ] {
                bytes.appendASCII(",\"\(name)\":")
                bytes.appendJSON(string: value)
            }
            if let present = rejection.present { bytes.appendASCII(",\"version\":\(present.rawValue)") }
            bytes.append(UInt8(ascii: "}"))
        }
        bytes.appendASCII("],\"seq\":\(sequence.rawValue)}\n")
        return bytes
    }

    // MARK: One item

    private struct Item {
        var route: RouteInput?
        var version: UInt64?
        var state: String?
        var reason: String?

        init(_ reader: inout JSONReader) throws {
            try reader.readObject(ReportBatch.fields) { reader, index in
                switch index {
                case 0: route = try RouteInput(&reader)
                case 1: version = try reader.readUInt(max: UInt64(Int64.max))
                case 2: state = try reader.readString()
                default: reason = try reader.readNull() ? nil : try reader.readString()
                }
            }
        }

        /// - Parameter table: of the item before; most are of the same.
        func report(_ table: inout TableIdentity?) throws -> HardwareReport {
            guard let route, let version, let state else {
                throw Self.refusal("a report needs route, version and state")
            }
            guard let state = HardwareState(name: state), state != .none, state != .pending else {
                throw Self.refusal("'\(state)' is no answer; there are offload, trap, offload+trap and failed")
            }
            guard reason?.utf8.count ?? 0 <= ReportBatch.longestReason else {
                throw Self.refusal("a reason has \(ReportBatch.longestReason) bytes at most")
            }
            let defaults = RouteDefaults()
            let family = try route.resolvedFamily(defaults)
            let (namespace, id) = (route.resolvedNamespace(defaults), route.resolvedTable(defaults))
            let prefix = try route.resolvedPrefix(family)
            if table?.namespace != namespace || table?.family != family || table?.id != id {
                // Whether there is such a table is for the core to find out: it may have gone, and the route with it.
                table = TableIdentity(namespace: namespace, family: family, id: id)
            }
            guard let table else { preconditionFailure("a table that was just found") }
            let key = RouteKey(prefix, tos: route.tos ?? 0, metric: route.metric ?? 0, position: 0)
            return HardwareReport(
                table, key, version: ChangeSequence(rawValue: version), state: state, reason: reason)
        }

        private static func refusal(_ detail: String) -> Problem {
            Problem(status: 422, reason: "report-invalid", detail: detail)
        }
    }
}
