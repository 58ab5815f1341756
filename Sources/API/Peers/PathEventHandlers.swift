internal import ChangeLog
internal import ControlPlane
internal import HTTPServer
internal import JSON
internal import PathAttributes
internal import Routing
internal import Threads

/// `/v1/path-events`: what routers say of paths.
struct PathEventHandlers: Sendable {
    let plane: ControlPlane

    var endpoints: [Endpoint] { [Endpoint("/v1/path-events", "What routers say of paths", [(.post, take)])] }

    private static var arrayLimit: Int { 10_000 }

    private func take(_ call: Call) throws(Problem) -> HTTPPlan {
        let target = try FilterAnswers.Target(call)
        if try call.request.bodyKind(allowsNDJSON: true) == .ndjson { return .consume(PathEventImport(plane, target)) }
        return .collect(limit: 8 << 20) { body in
            .work { .of { () throws(Problem) in try answer(body, target) } }
        }
    }

    private func answer(_ body: [UInt8], _ target: FilterAnswers.Target) throws(Problem) -> HTTPAnswer {
        let isArray = body.first { $0 != 0x20 && $0 != 0x09 && $0 != 0x0a && $0 != 0x0d } == UInt8(ascii: "[")
        var inputs: [PathMessageInput] = []
        try FilterAnswers.reading(body) { reader in
            guard isArray else { return inputs.append(try PathMessageInput(&reader)) }
            try reader.readArray { reader, index in
                guard index < Self.arrayLimit else { throw Problem.tooManyRows }
                inputs.append(try PathMessageInput(&reader))
            }
        }
        // Nothing is taken in if one of them can't be read.
        var messages: [(PathMessage, String)] = []
        for (index, input) in inputs.enumerated() {
            messages.append(try target.message(input, at: isArray ? "/\(index)" : ""))
        }
        for name in Set(messages.map(\.1)) {
            _ = try Problem.of { () throws(FIBError) in try plane.object(.namespace, in: name) }
        }
        var (bytes, sequence): ([UInt8], _) = ([], plane.log.head)
        for (index, (message, namespace)) in messages.enumerated() {
            let result = try Problem.of { () throws(FIBError) in
                try plane.take(message, in: namespace, dryRun: target.options.isDryRun)
            }
            if isArray { bytes.append(UInt8(ascii: index == 0 ? "[" : ",")) }
            bytes.append(result, now: plane.now, isDryRun: target.options.isDryRun)
            sequence = max(sequence, result.sequence)
        }
        if isArray { bytes.appendASCII(messages.isEmpty ? "[]" : "]") }
        bytes.append(UInt8(ascii: "\n"))
        return target.options.acknowledge(.json(200, bytes, sequence: sequence), sequence, plane)
    }
}

extension FilterAnswers.Target {
    /// A message, and the namespace that it is about.
    fileprivate func message(
        _ input: PathMessageInput, at pointer: String = ""
    ) throws(Problem) -> (PathMessage, String) {
        do throws(FIBError) {
            return (try input.message(), input.namespace ?? namespace)
        } catch {
            var problem = Problem(error)
            if !pointer.isEmpty {
                problem.errors = [Problem.Item(pointer: pointer, detail: problem.detail)]
                problem.detail = "\(pointer): \(problem.detail)"
            }
            throw problem
        }
    }
}

extension [UInt8] {
    /// What a message came to.
    fileprivate mutating func append(_ result: PathResult, now: UInt64, isDryRun: Bool) {
        var members = SortedMembers()
        if isDryRun { members.add("dry_run", true, to: &self) }
        members.add("generation", number: result.generation, to: &self)
        if let peer = result.peer {
            members.add("peer", to: &self)
            peer.appendRow(generation: result.generation, now: now, to: &self)
        }
        members.add("reason", text: result.decision.reason, to: &self)
        members.add("result", plain: result.decision.outcome.rawValue, to: &self)
        members.add("rule", plain: result.decision.rule, to: &self)
        members.add("seq", number: result.sequence.rawValue, to: &self)
        members.end(&self)
    }
}

/// Messages as NDJSON: each is taken in as it arrives, and they are counted by what they came to.
private final class PathEventImport: BodyConsumer {
    fileprivate struct State {
        var lines = LineReader()
        var outcomes: [PathDecision.Outcome: Int] = [:]
        var rules: [String: Int] = [:]
        var invalid = Tally()
        var sequence = ChangeSequence.zero
    }

    private let plane: ControlPlane
    private let target: FilterAnswers.Target
    // Not a leaf: peers are changed while it is held. Never contended, since the server makes one call at a time.
    private let state = Locked(State(), rank: LockRank(3, "path event import"))

    init(_ plane: ControlPlane, _ target: FilterAnswers.Target) {
        self.plane = plane
        self.target = target
    }

    func consume(_ piece: [UInt8]) {
        state.withLock { state in
            var lines = LineReader()
            swap(&lines, &state.lines)
            lines.take(piece.span) { take($0, $1, &state) }
            swap(&lines, &state.lines)
        }
        plane.announcePeers()
    }

    func finish(_ end: BodyEnd) -> HTTPAnswer {
        state.withLock { state in
            if case .complete = end {
                var lines = LineReader()
                swap(&lines, &state.lines)
                lines.takeEnd { take($0, $1, &state) }
                plane.announcePeers()
            }
            let sequence = state.sequence == .zero ? plane.log.head : state.sequence
            return target.options.acknowledge(
                .json(200, state.answer(target.options.isDryRun, sequence), sequence: sequence), sequence, plane)
        }
    }

    private func take(_ text: Span<UInt8>?, _ line: Int, _ state: inout State) -> Bool {
        do throws(Problem) {
            guard let text else { throw .lineTooLong }
            if text.isBlank { return true }
            let (message, namespace) = try target.message(try Self.input(text))
            let result = try Problem.of { () throws(FIBError) in
                try plane.take(message, in: namespace, dryRun: target.options.isDryRun, announces: false)
            }
            state.outcomes[result.decision.outcome, default: 0] += 1
            state.rules[result.decision.rule, default: 0] += 1
            state.sequence = max(state.sequence, result.sequence)
        } catch {
            state.invalid.reject(line: line, error)
        }
        return true
    }

    private static func input(_ text: Span<UInt8>) throws(Problem) -> PathMessageInput {
        do {
            var reader = JSONReader(text, lineFeedEnds: true)
            return try reader.read { reader in try PathMessageInput(&reader) }
        } catch {
            throw Problem(input: error)
        }
    }
}

extension PathEventImport.State {
    /// How many came to what, by which rules, and which lines are no messages.
    fileprivate func answer(_ isDryRun: Bool, _ sequence: ChangeSequence) -> [UInt8] {
        var members = JSONMembers()
        if isDryRun { members.add("dry_run", true) }
        for outcome in PathDecision.Outcome.allCases {
            members.add(outcome.rawValue, number: UInt64(outcomes[outcome] ?? 0))
        }
        members.add("rules") { bytes in
            var counts = JSONMembers()
            for (rule, count) in rules { counts.add(rule, number: UInt64(count)) }
            counts.append(to: &bytes)
        }
        members.add("invalid_count", number: UInt64(invalid.rejectedCount))
        members.add("invalid") { $0.append(invalid.rejected) }
        members.add("seq", number: sequence.rawValue)
        var bytes: [UInt8] = []
        members.append(to: &bytes)
        bytes.append(UInt8(ascii: "\n"))
        return bytes
    }
}
