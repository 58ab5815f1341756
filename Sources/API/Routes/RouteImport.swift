internal import Bytes
internal import ChangeLog
internal import ControlPlane
internal import HTTPServer
internal import JSON
internal import Routing
internal import Threads

/// A table as NDJSON: each line a route, applied as it arrives, each for itself; answered at the end.
///
/// This half reads and hashes, a batch of rows at a time, and an `ImportCommitter` applies them at the same time on another
/// thread. However long the body, what is kept of it is one piece, one unfinished line, and a few batches.
final class RouteImport: BodyConsumer {
    struct Job: Sendable {
        let verb: RouteVerb
        let defaults: RouteDefaults
        let stopsOnError: Bool
        let options: WriteOptions
        var isDryRun: Bool { options.isDryRun }
    }

    /// Rows that are applied in one go.
    static let batchSize = 128

    private let plane: ControlPlane
    private let job: Job
    private let warn: @Sendable (String) -> Void
    private let committer: ImportCommitter
    // Never contended, since the server makes one call at a time. Outside the committer's lock, which the last batch is
    // applied under.
    private let reading: Locked<Reading>

    init(_ plane: ControlPlane, _ job: Job, _ pool: WorkerPool, warn: @escaping @Sendable (String) -> Void) {
        self.plane = plane
        self.job = job
        self.warn = warn
        committer = ImportCommitter(plane, job, pool)
        reading = Locked(Reading(builder: RouteBuilder(plane, job.defaults)), rank: LockRank(3, "import reader"))
    }

    func consume(_ piece: [UInt8]) { reading.withLock { $0.take(piece.span, committer) } }

    func finish(_ end: BodyEnd) -> HTTPAnswer {
        reading.withLock { reading in
            let tally: Tally
            switch end {
            case .complete:
                reading.takeEnd(committer)
                tally = committer.finish(reading.batch)
            case .cut:
                // The unfinished line is dropped; whole lines that came before it count.
                tally = committer.finish(reading.batch)
                warn(
                    "an import was cut off: \(tally.accepted) routes were applied and \(tally.rejectedCount) refused "
                        + "before that, up to number \(tally.sequence.rawValue)")
            }
            return job.options.acknowledge(
                .json(200, tally.json(isDryRun: job.isDryRun), sequence: tally.sequence), tally.sequence, plane)
        }
    }

    /// Where reading stands.
    private struct Reading {
        var builder: RouteBuilder
        /// Rows that have not been handed on.
        var batch = ImportBatch()
        private var lines = LineReader()

        init(builder: RouteBuilder) { self.builder = builder }

        mutating func take(_ piece: Span<UInt8>, _ committer: ImportCommitter) {
            if committer.hasStopped { return }
            // Out of the closure's sight while it reads.
            var lines = LineReader()
            swap(&lines, &self.lines)
            lines.take(piece) { takeLine($0, $1, committer) }
            swap(&lines, &self.lines)
        }

        mutating func takeEnd(_ committer: ImportCommitter) {
            if committer.hasStopped { return }
            var lines = LineReader()
            swap(&lines, &self.lines)
            lines.takeEnd { takeLine($0, $1, committer) }
            swap(&lines, &self.lines)
        }

        /// False if nothing further is to be read.
        private mutating func takeLine(_ text: Span<UInt8>?, _ line: Int, _ committer: ImportCommitter) -> Bool {
            if let text {
                read(text, line, committer)
            } else {
                refuse(.lineTooLong, line, committer)
            }
            return !committer.hasStopped
        }

        private mutating func read(_ text: Span<UInt8>, _ line: Int, _ committer: ImportCommitter) {
            if text.isBlank { return }
            do {
                var reader = JSONReader(text, lineFeedEnds: true)
                batch.writes.append(try reader.read { reader in try builder.write(try RouteInput(&reader)) })
                batch.lines.append(line)
            } catch {
                return refuse(Problem(input: error), line, committer)
            }
            if batch.writes.count == RouteImport.batchSize { handOn(committer) }
        }

        private mutating func refuse(_ problem: Problem, _ line: Int, _ committer: ImportCommitter) {
            batch.refusal = ImportBatch.Refusal(line: line, problem: problem)
            handOn(committer)
        }

        private mutating func handOn(_ committer: ImportCommitter) {
            committer.submit(batch)
            batch = ImportBatch()
            batch.writes.reserveCapacity(RouteImport.batchSize)
            batch.lines.reserveCapacity(RouteImport.batchSize)
        }
    }
}
