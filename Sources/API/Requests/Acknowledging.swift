internal import ChangeLog
internal import ControlPlane
internal import HTTPServer

extension WriteOptions {
    /// The answer to a write, given when what it acknowledges has happened: by default, when it is on disk.
    func acknowledge(_ response: HTTPResponse, _ sequence: ChangeSequence, _ plane: ControlPlane) -> HTTPAnswer {
        if isDryRun { return .response(response) }
        if acknowledgement == .applied { return .response(response.with(durable: plane.log.durable, below: sequence)) }
        if plane.log.durable >= sequence { return .response(response) }
        return .held(
            HeldAnswer(mark: sequence.rawValue, seconds: waitSeconds, answer: .response(response)) {
                late(response, sequence, plane)
            })
    }

    /// The change was made, and it is open whether it will outlive the process.
    private func late(_ response: HTTPResponse, _ sequence: ChangeSequence, _ plane: ControlPlane) -> HTTPResponse {
        let (code, why): (String, String)
        switch plane.storeStatus {
        case .writing, nil:
            var accepted = response
            accepted.status = 202
            return accepted.with(durable: plane.log.durable, below: sequence)
        case .blocked(let text): (code, why) = ("ENOSPC", text)
        case .failed(let text): (code, why) = ("EIO", text)
        case .closed: (code, why) = ("ESHUTDOWN", "the server is stopping")
        }
        var problem = Problem(
            status: 503, code: code, reason: "outcome-unknown",
            detail:
                "the change was made and has number \(sequence.rawValue), but is not on disk, and a crash would lose "
                + "it: \(why)",
            retryAfterSeconds: 1)
        problem.sequence = sequence
        problem.outcome = "unknown"
        problem.headers = [("Fibd-Seq", .number(sequence.rawValue))]
        return problem.response
    }
}

extension ControlPlane {
    /// Holds an answer back until the state that it shows is durable.
    func whenDurable(_ sequence: ChangeSequence, _ answer: HTTPAnswer) -> HTTPAnswer {
        if log.durable >= sequence { return answer }
        return .held(
            HeldAnswer(mark: sequence.rawValue, seconds: WriteOptions.longestWait, answer: answer) {
                Problem(
                    status: 503, code: "EIO", reason: "not-durable",
                    detail: "what was to be shown, up to number \(sequence.rawValue), is not on disk; "
                        + "see /readyz?verbose",
                    retryAfterSeconds: 1
                ).response
            })
    }
}

extension HTTPResponse {
    /// Says how far the state is on disk, if that is less far than what is shown.
    consuming func with(durable: ChangeSequence, below sequence: ChangeSequence) -> HTTPResponse {
        durable < sequence ? with("Fibd-Durable", .number(durable.rawValue)) : self
    }
}
