internal import ChangeLog
internal import ControlPlane
internal import HTTPServer
internal import JSON
internal import Routing
internal import Threads

/// A table as NDJSON: each line a route, applied as it arrives, each for itself; answered at the end.
///
/// However long the body, what is kept of it is one piece, one unfinished line, and one batch of rows.
final class RouteImport: BodyConsumer {
    struct Job: Sendable {
        let verb: RouteVerb
        let defaults: RouteDefaults
        let stopsOnError: Bool
        let isDryRun: Bool
    }

    /// A longer line is refused, and skipped to its end.
    static let lineLimit = 64 << 10
    /// Rows that are applied in one go.
    static let batchSize = 128

    private let plane: ControlPlane
    private let warn: @Sendable (String) -> Void
    // Not a leaf: batches are applied while it is held. Never contended, since the server makes one call at a time; it
    // comes before the gate.
    private let state: Locked<State>

    init(_ plane: ControlPlane, _ job: Job, warn: @escaping @Sendable (String) -> Void) {
        self.plane = plane
        self.warn = warn
        state = Locked(State(plane, job), rank: LockRank(4, "route import"))
    }

    func consume(_ piece: [UInt8]) { state.withLock { $0.take(piece, plane) } }

    func finish(_ end: BodyEnd) -> HTTPAnswer {
        state.withLock { state in
            switch end {
            case .complete: state.end(plane)
            case .cut:
                // The unfinished line is dropped; whole lines that came before it count.
                state.applyBatch(plane)
                warn(
                    "an import was cut off: \(state.tally.accepted) routes were applied and "
                        + "\(state.tally.rejectedCount) refused before that, up to number "
                        + "\(state.tally.sequence.rawValue)")
            }
            let body = state.tally.json(isDryRun: state.job.isDryRun)
            return .response(.json(200, body, sequence: state.tally.sequence))
        }
    }

    private struct State {
        let job: Job
        var tally = Tally()
        private var builder: RouteBuilder
        /// The beginning of a line whose end has not come yet.
        private var carry: [UInt8] = []
        private var isSkippingLine = false
        private var line = 0
        private var batch: [RouteWrite] = []
        private var batchLines: [Int] = []
        private var hasStopped = false
        /// For a dry run: the state with the rows so far applied to it.
        private var draft: RouteDraft?

        init(_ plane: ControlPlane, _ job: Job) {
            self.job = job
            builder = RouteBuilder(plane, job.defaults)
            if job.isDryRun { draft = plane.draft() }
        }

        mutating func take(_ piece: [UInt8], _ plane: ControlPlane) {
            var start = 0
            while !hasStopped, let end = piece[start...].firstIndex(of: UInt8(ascii: "\n")) {
                takeLineEnd(piece[start..<end], plane)
                start = end + 1
            }
            if hasStopped { return }
            if carry.count + piece.count - start > RouteImport.lineLimit {
                carry = []
                isSkippingLine = true
            }
            if !isSkippingLine { carry.append(contentsOf: piece[start...]) }
        }

        mutating func end(_ plane: ControlPlane) {
            if !hasStopped, !carry.isEmpty || isSkippingLine { takeLineEnd([], plane) }
            applyBatch(plane)
            if let draft { tally.sequence = draft.start }
            if tally.sequence == .zero { tally.sequence = plane.log.head }
        }

        private mutating func takeLineEnd(_ rest: ArraySlice<UInt8>, _ plane: ControlPlane) {
            line += 1
            if isSkippingLine || carry.count + rest.count > RouteImport.lineLimit {
                isSkippingLine = false
                carry = []
                return refuse(line, .lineTooLong, plane)
            }
            if carry.isEmpty {
                parse(rest.span, plane)
            } else {
                carry.append(contentsOf: rest)
                let whole = carry
                carry.removeAll(keepingCapacity: true)
                parse(whole.span, plane)
            }
        }

        private mutating func parse(_ text: Span<UInt8>, _ plane: ControlPlane) {
            if text.isBlank { return }
            do {
                var reader = JSONReader(text, lineFeedEnds: true)
                let write = try reader.read { reader in try builder.write(try RouteInput(&reader)) }
                batch.append(write)
                batchLines.append(line)
            } catch {
                return refuse(line, Problem(input: error), plane)
            }
            // Where the first error ends it, a row may only go in when the one before it has.
            if batch.count == (job.stopsOnError ? 1 : RouteImport.batchSize) { applyBatch(plane) }
        }

        private mutating func refuse(_ line: Int, _ problem: Problem, _ plane: ControlPlane) {
            applyBatch(plane)
            if hasStopped { return }
            tally.reject(line: line, problem)
            hasStopped = job.stopsOnError
        }

        mutating func applyBatch(_ plane: ControlPlane) {
            if batch.isEmpty { return }
            if draft != nil {
                for (index, write) in batch.enumerated() {
                    count(index, Result { () throws(FIBError) in try draft?.apply(.write(job.verb, write)) })
                }
            } else {
                plane.write(job.verb, rows: batch) { count($0, $1.map { $0 }) }
            }
            batch.removeAll(keepingCapacity: true)
            batchLines.removeAll(keepingCapacity: true)
        }

        private mutating func count(_ index: Int, _ result: Result<WriteResult?, FIBError>) {
            switch result {
            case .success(let result): if let result { tally.count(result) }
            case .failure(let error):
                tally.reject(line: batchLines[index], Problem(error))
                if job.stopsOnError { hasStopped = true }
            }
        }
    }
}

extension Problem {
    static let lineTooLong = Problem(
        status: 413, code: "EMSGSIZE", reason: "line-too-long",
        detail: "a line may have \(RouteImport.lineLimit) bytes")
}

extension Span<UInt8> {
    fileprivate var isBlank: Bool {
        for index in indices where self[index] != 0x20 && self[index] != 0x09 && self[index] != 0x0d { return false }
        return true
    }
}
