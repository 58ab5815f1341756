internal import ChangeLog
internal import ControlPlane
internal import HTTPServer
internal import JSON
internal import Routing

/// Answers to writes with `ack=hardware`: given when every device that is to program what was written has said what became of
/// it, and the devices that had what was deleted are rid of it.
struct HardwareAnswers: Sendable {
    let plane: ControlPlane
    let waits: HardwareWaits

    /// Routes of a transaction that wait.
    static let transactionLimit = 10_000

    // MARK: One route

    /// - Parameter ticket: from before the write.
    func answer(_ result: WriteResult, _ options: WriteOptions, _ ticket: HardwareWaits.Ticket) -> HTTPAnswer {
        if result.outcome == .deleted {
            return removal(
                .empty(204, sequence: result.sequence), result.sequence, by: removers(of: [result]), options, ticket)
        }
        if let state = plane.presentDevices.settledState(of: result.stored.hardware) {
            waits.release(ticket)
            return options.acknowledge(settled(result, state, options), result.sequence, plane)
        }
        let target = HardwareWait.Target(table: result.table, key: result.key, version: result.stored.version)
        let answer = AwaitedAnswer(seconds: options.waitSeconds) {
            waits.forget(ticket)
            return options.late(response(result), result.sequence, plane)
        }
        waits.add(
            HardwareWait([target], after: result.sequence, answer) { outcomes in
                switch outcomes[target.version] {
                case .settled(let state): .response(settled(result, state, options))
                case .gone(let version): .response(Self.stale(result, version).response)
                case nil: .response(response(result))
                }
            }, ticket)
        return .awaited(answer) { $0 }
    }

    /// Waits until devices are through with what was removed.
    func removal(
        _ response: HTTPResponse, _ sequence: ChangeSequence, by removers: [HardwareWait.Remover],
        _ options: WriteOptions, _ ticket: HardwareWaits.Ticket
    ) -> HTTPAnswer {
        if removers.isEmpty {
            waits.release(ticket)
            return options.acknowledge(response, sequence, plane)
        }
        let answer = AwaitedAnswer(seconds: options.waitSeconds) {
            waits.forget(ticket)
            return options.late(response, sequence, plane)
        }
        waits.add(HardwareWait([], removers: removers, after: sequence, answer) { _ in .response(response) }, ticket)
        return .awaited(answer) { $0 }
    }

    /// The devices that had one of the routes, or were about to.
    private func removers(of results: [WriteResult]) -> [HardwareWait.Remover] {
        let devices = plane.presentDevices
        let all = results.filter { $0.outcome == .deleted }.flatMap { result in
            devices.answers(in: result.stored.hardware).map { ($0.device.line, $0.device.generation) }
        }
        return Array(Set(all.map { HardwareWait.Remover(line: $0.0, generation: $0.1) }))
    }

    /// All devices that there are.
    var allRemovers: [HardwareWait.Remover] {
        plane.presentDevices.all.map { HardwareWait.Remover(line: $0.line, generation: $0.generation) }
    }

    private func settled(_ result: WriteResult, _ state: HardwareState, _ options: WriteOptions) -> HTTPResponse {
        guard state == .failed else { return response(result) }
        if options.failsOnHardware {
            var problem = Problem(
                status: 424, code: "EIO", reason: "hardware-failed",
                detail: "\(result.key.prefix(result.table.family)) is in the table, and works in software: "
                    + "hardware did not take it")
            problem.sequence = result.sequence
            problem.headers = [("Fibd-Seq", .number(result.sequence.rawValue)), ("Fibd-Hardware", "failed")]
            return problem.response
        }
        return response(result).with("Fibd-Hardware", "failed")
    }

    /// The route as it is now, or as it was written if it is gone by now.
    func response(_ result: WriteResult) -> HTTPResponse {
        var body: [UInt8] = []
        let prefix = result.key.prefix(result.table.family)
        let routes = (try? plane.routes(result.table.namespace, result.table.id, prefix, limit: .max))?.routes ?? []
        let present = routes.first { $0.value.version == result.stored.version } ?? (result.key, result.stored)
        let form = ReasonedForm(plane.reasonWithoutHardware(result.table, present.key, present.value.info))
        RouteEntry.appendRow(result.table, present, plane.presentContext, as: form, to: &body)
        body.append(UInt8(ascii: "\n"))
        let response = HTTPResponse.json(result.outcome == .created ? 201 : 200, body, sequence: result.sequence)
            .with(version: result.stored.version)
        guard result.outcome == .created else { return response }
        return response.with("Location", .text(RouteHandlers.location(result.table, result.key)))
    }

    private static func stale(_ result: WriteResult, _ version: ChangeSequence?) -> Problem {
        let prefix = result.key.prefix(result.table.family)
        var problem = Problem(
            status: 409, code: "ESTALE", reason: "route-superseded",
            detail: "\(prefix) was written with version \(result.stored.version.rawValue), and before hardware had it, "
                + (version.map { "it was replaced by version \($0.rawValue)" } ?? "it was removed"))
        problem.sequence = result.sequence
        problem.headers = [("Fibd-Seq", .number(result.sequence.rawValue))]
        if let version { problem.headers.append(("ETag", .tag(version.rawValue))) }
        return problem
    }

    // MARK: Transactions

    /// - Parameters:
    ///   - response: what it came to, but for hardware.
    ///   - pointer: the place in the body of an operation.
    func answer(
        _ results: [TransactionResult], _ response: @escaping @Sendable ([UInt8]) -> HTTPResponse,
        _ sequence: ChangeSequence, _ options: WriteOptions, _ ticket: HardwareWaits.Ticket,
        _ pointer: @escaping @Sendable (Int) -> String
    ) -> HTTPAnswer {
        let written = WrittenRoutes(results, plane.presentDevices)
        let removers = removers(of: written.deleted)
        if written.open.isEmpty, removers.isEmpty {
            waits.release(ticket)
            return options.acknowledge(
                written.response([:], sequence, options, pointer, response), sequence, plane)
        }
        let answer = AwaitedAnswer(seconds: options.waitSeconds) {
            waits.forget(ticket)
            return options.late(response([]), sequence, plane)
        }
        waits.add(
            HardwareWait(written.open, removers: removers, after: sequence, answer) { outcomes in
                .response(written.response(outcomes, sequence, options, pointer, response))
            }, ticket)
        return .awaited(answer) { $0 }
    }
}

/// The routes of a transaction, and what became of them in hardware.
private struct WrittenRoutes: Sendable {
    /// Those that are in their tables, by the operation's index.
    private var written: [(index: Int, version: ChangeSequence)] = []
    private var settled: [ChangeSequence: HardwareWait.Outcome] = [:]
    private(set) var deleted: [WriteResult] = []
    private(set) var open: [HardwareWait.Target] = []

    init(_ results: [TransactionResult], _ devices: Devices) {
        for (index, result) in results.enumerated() {
            guard case .route(let result) = result else { continue }
            if result.outcome == .deleted {
                deleted.append(result)
                continue
            }
            let version = result.stored.version
            written.append((index, version))
            if let state = devices.settledState(of: result.stored.hardware) {
                settled[version] = .settled(state)
            } else {
                open.append(HardwareWait.Target(table: result.table, key: result.key, version: version))
            }
        }
    }

    func response(
        _ outcomes: [ChangeSequence: HardwareWait.Outcome], _ sequence: ChangeSequence, _ options: WriteOptions,
        _ pointer: (Int) -> String, _ whole: ([UInt8]) -> HTTPResponse
    ) -> HTTPResponse {
        var counts: [HardwareState: Int] = [:]
        var failed: [Int] = []
        var gone: [Int] = []
        for (index, version) in written {
            switch outcomes[version] ?? settled[version] {
            case .settled(let state):
                counts[state, default: 0] += 1
                if state == .failed { failed.append(index) }
            case .gone: gone.append(index)
            case nil: break
            }
        }
        if !gone.isEmpty {
            return Self.problem(409, "ESTALE", "route-superseded", "replaced or removed", gone, sequence, pointer)
        }
        if !failed.isEmpty, options.failsOnHardware {
            return Self.problem(424, "EIO", "hardware-failed", "not taken by hardware", failed, sequence, pointer)
        }
        let response = whole(Self.member(counts))
        return failed.isEmpty ? response : response.with("Fibd-Hardware", "failed")
    }

    /// How many routes are in which state.
    private static func member(_ counts: [HardwareState: Int]) -> [UInt8] {
        var bytes: [UInt8] = []
        bytes.appendASCII(",\"hardware\":{")
        for (index, state) in counts.keys.sorted(by: { $0.name < $1.name }).enumerated() {
            bytes.appendASCII("\(index > 0 ? "," : "")\"\(state.name)\":\(counts[state] ?? 0)")
        }
        bytes.append(UInt8(ascii: "}"))
        return bytes
    }

    private static func problem(
        _ status: Int, _ code: String, _ reason: String, _ what: String, _ operations: [Int],
        _ sequence: ChangeSequence, _ pointer: (Int) -> String
    ) -> HTTPResponse {
        var problem = Problem(
            status: status, code: code, reason: reason,
            detail: "all changes were made; of the routes, \(operations.count) were \(what)",
            errors: operations.prefix(100).map { Problem.Item(pointer: pointer($0), detail: what) })
        problem.sequence = sequence
        problem.headers = [("Fibd-Seq", .number(sequence.rawValue))]
        return problem.response
    }
}
