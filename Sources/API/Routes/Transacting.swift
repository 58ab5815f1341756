internal import ChangeLog
internal import ControlPlane
internal import HTTPServer
internal import Routing

extension Problem {
    static let tooManyRows = Problem(
        status: 413, code: "EMSGSIZE", reason: "too-many-rows",
        detail: "an array or a transaction takes \(RouteHandlers.arrayLimit) rows; send more as application/x-ndjson")
}

/// All or none; `pointer` gives the place in the body of the operation at fault.
func transact(
    _ plane: ControlPlane, _ operations: [TransactionOperation], _ options: WriteOptions, _ pointer: (Int) -> String
) throws(Problem) -> HTTPAnswer {
    do throws(TransactionError) {
        let results: [TransactionResult]
        var last = plane.log.head
        var transaction: ChangeSequence?
        if options.isDryRun {
            var draft = plane.draft()
            last = draft.start
            results = try draft.apply(operations)
        } else {
            let outcome = try plane.transact(operations)
            (results, last, transaction) = (outcome.results, outcome.sequence, outcome.transaction)
        }
        var tally = Tally()
        for result in results { tally.count(result.row) }
        tally.sequence = last
        let body = tally.json(isDryRun: options.isDryRun, transaction: transaction)
        return options.acknowledge(.json(200, body, sequence: tally.sequence), tally.sequence, plane)
    } catch {
        var problem = Problem(error.error)
        guard let index = error.index else { throw problem }
        problem.errors = [Problem.Item(pointer: pointer(index), detail: error.error.message)]
        problem.detail = "\(pointer(index)): \(error.error.message); nothing was changed"
        throw problem
    }
}
