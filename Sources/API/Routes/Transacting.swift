internal import ChangeLog
internal import ControlPlane
internal import HTTPServer
internal import Routing

extension Problem {
    static let tooManyRows = Problem(
        status: 413, code: "EMSGSIZE", reason: "too-many-rows",
        detail: "an array or a transaction takes \(RouteHandlers.arrayLimit) rows; send more as application/x-ndjson")

    static let tooManyForHardware = Problem(
        status: 413, code: "EMSGSIZE", reason: "too-many-rows",
        detail: "with ack=hardware, an array or a transaction takes \(HardwareAnswers.transactionLimit) rows")

    static let hardwareOfImport = Problem(
        status: 422, code: "EOPNOTSUPP", reason: "unsupported",
        detail: "an import as application/x-ndjson doesn't wait for hardware: send an array or a transaction of up to "
            + "\(HardwareAnswers.transactionLimit) routes, or follow /v1/events")
}

/// All or none; `pointer` gives the place in the body of the operation at fault.
func transact(
    _ plane: ControlPlane, _ hardware: HardwareAnswers, _ operations: [TransactionOperation], _ options: WriteOptions,
    _ pointer: @escaping @Sendable (Int) -> String
) throws(Problem) -> HTTPAnswer {
    if options.isDryRun {
        return .response(
            try Problem.of(pointer) { () throws(TransactionError) in
                let tried = try plane.tryOut(operations)
                return tally(tried.results, tried.sequence).response(isDryRun: true, nil, [])
            })
    }
    let waitsForHardware = options.acknowledgement == .hardware
    if waitsForHardware, operations.count > HardwareAnswers.transactionLimit { throw .tooManyForHardware }
    let ticket = waitsForHardware ? try hardware.waits.reserve() : nil
    do throws(Problem) {
        let done = try Problem.of(pointer) { () throws(TransactionError) in try plane.transact(operations) }
        let tally = tally(done.results, done.sequence)
        guard let ticket else {
            return options.acknowledge(tally.response(isDryRun: false, done.transaction, []), done.sequence, plane)
        }
        return hardware.answer(
            done.results, { tally.response(isDryRun: false, done.transaction, $0) }, done.sequence, options, ticket,
            pointer)
    } catch {
        if let ticket { hardware.waits.release(ticket) }
        throw error
    }
}

private func tally(_ results: [TransactionResult], _ last: ChangeSequence) -> Tally {
    var tally = Tally()
    for result in results { tally.count(result.row) }
    tally.sequence = last
    return tally
}

extension Tally {
    /// - Parameter hardware: a further member, with the comma before it.
    fileprivate func response(isDryRun: Bool, _ transaction: ChangeSequence?, _ hardware: [UInt8]) -> HTTPResponse {
        .json(200, json(isDryRun: isDryRun, transaction: transaction, hardware: hardware), sequence: sequence)
    }
}

extension Problem {
    fileprivate static func of<Result>(
        _ pointer: (Int) -> String, _ body: () throws(TransactionError) -> Result
    ) throws(Problem) -> Result {
        do throws(TransactionError) {
            return try body()
        } catch {
            var problem = Problem(error.error)
            guard let index = error.index else { throw problem }
            problem.errors = [Problem.Item(pointer: pointer(index), detail: error.error.message)]
            problem.detail = "\(pointer(index)): \(error.error.message); nothing was changed"
            throw problem
        }
    }
}
