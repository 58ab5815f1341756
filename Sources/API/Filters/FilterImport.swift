internal import ChangeLog
internal import ControlPlane
internal import HTTPServer
internal import JSON
internal import Routing
internal import Threads

/// Filters as NDJSON: each line a filter, applied as it arrives, each for itself; answered at the end. Several such requests go on
/// beside each other, as far as their filters allow.
final class FilterImport: BodyConsumer {
    private struct State {
        var lines = LineReader()
        var tally = Tally()
        var hasStopped = false
    }

    private let plane: ControlPlane
    private let job: FilterJob
    private let options: WriteOptions
    private let stopsOnError: Bool
    // Not a leaf: filters are changed while it is held. Never contended, since the server makes one call at a time.
    private let state = Locked(State(), rank: LockRank(3, "filter import"))

    init(_ plane: ControlPlane, _ job: FilterJob, _ options: WriteOptions, stopsOnError: Bool) {
        self.plane = plane
        self.job = job
        self.options = options
        self.stopsOnError = stopsOnError
    }

    func consume(_ piece: [UInt8]) {
        state.withLock { state in
            if state.hasStopped { return }
            var lines = LineReader()
            swap(&lines, &state.lines)
            lines.take(piece.span) { take($0, $1, &state) }
            swap(&lines, &state.lines)
        }
    }

    func finish(_ end: BodyEnd) -> HTTPAnswer {
        state.withLock { state in
            if case .complete = end, !state.hasStopped {
                var lines = LineReader()
                swap(&lines, &state.lines)
                lines.takeEnd { take($0, $1, &state) }
            }
            var tally = state.tally
            if tally.sequence == .zero { tally.sequence = plane.log.head }
            return options.acknowledge(
                .json(200, tally.json(isDryRun: options.isDryRun), sequence: tally.sequence), tally.sequence, plane)
        }
    }

    /// False if nothing further is to be read.
    private func take(_ text: Span<UInt8>?, _ line: Int, _ state: inout State) -> Bool {
        do throws(Problem) {
            guard let text else { throw .lineTooLong }
            guard !text.isBlank, let operation = try operation(text) else { return true }
            let result: TrafficResult
            if options.isDryRun {
                result = try tryOut(operation)
            } else {
                result = try Problem.of { () throws(FIBError) in try plane.change(operation) }
            }
            state.tally.count(TransactionResult.traffic(result).row)
        } catch {
            state.tally.reject(line: line, error)
            state.hasStopped = stopsOnError
        }
        return !state.hasStopped
    }

    /// Nil for a bare object, which `tc` prints before the filters of each priority (R4-110).
    private func operation(_ text: Span<UInt8>) throws(Problem) -> TrafficOperation? {
        do {
            var reader = JSONReader(text, lineFeedEnds: true)
            let input = try reader.read { reader in try FilterInput(&reader) }
            return input.isBare ? nil : try job.operation(input)
        } catch {
            throw Problem(input: error)
        }
    }

    private func tryOut(_ operation: TrafficOperation) throws(Problem) -> TrafficResult {
        do throws(TransactionError) {
            guard case .traffic(let result)? = try plane.tryOut([.traffic(operation)]).results.first else {
                preconditionFailure("no result of a try")
            }
            return result
        } catch {
            throw Problem(error.error)
        }
    }
}
