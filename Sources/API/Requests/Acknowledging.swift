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
    func late(_ response: HTTPResponse, _ sequence: ChangeSequence, _ plane: ControlPlane) -> HTTPResponse {
        guard let (code, why) = plane.storeTrouble else {
            var accepted = response
            accepted.status = 202
            return accepted.with(durable: plane.log.durable, below: sequence)
        }
        return Problem.unknownOutcome(
            sequence, code,
            "the change was made and has number \(sequence.rawValue), but is not on disk, and a crash would lose it: \(why)"
        ).response
    }
}

extension Problem {
    /// A change was made all the same, and it is open what will be left of it.
    static func unknownOutcome(_ sequence: ChangeSequence, _ code: String, _ detail: String) -> Problem {
        var problem = Problem(
            status: 503, code: code, reason: "outcome-unknown", detail: detail, retryAfterSeconds: 1)
        problem.sequence = sequence
        problem.outcome = "unknown"
        problem.headers = [("Fibd-Seq", .number(sequence.rawValue))]
        return problem
    }
}

extension ControlPlane {
    /// Why changes don't become durable, as an errno and in words; nil if they do.
    var storeTrouble: (code: String, why: String)? {
        switch storeStatus {
        case .writing, nil: nil
        case .blocked(let text): ("ENOSPC", text)
        case .failed(let text): ("EIO", text)
        case .closed: ("ESHUTDOWN", "the server is stopping")
        }
    }

    /// An answer that shows the state as of a number: at once, with how far the disk is, or once that is durable.
    func answer(_ response: HTTPResponse, asOf sequence: ChangeSequence, isDurable: Bool) -> HTTPAnswer {
        if isDurable { return whenDurable(sequence, .response(response)) }
        return .response(response.with(durable: log.durable, below: sequence))
    }

    /// Holds an answer back until the state that it shows is durable.
    func whenDurable(_ sequence: ChangeSequence, _ answer: HTTPAnswer) -> HTTPAnswer {
        if log.durable >= sequence { return answer }
        return .held(
            HeldAnswer(mark: sequence.rawValue, seconds: WriteOptions.longestWait, answer: answer) {
                let (code, why) = self.storeTrouble ?? ("EBUSY", "the disk is slow")
                return Problem(
                    status: 503, code: code, reason: "not-durable",
                    detail: "what was to be shown, up to number \(sequence.rawValue), is not on disk: \(why)",
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
