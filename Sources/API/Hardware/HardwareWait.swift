internal import ChangeLog
internal import ControlPlane
internal import HTTPServer
internal import Routing

/// One request that waits until devices have answered for what it wrote (`ack=hardware`).
final class HardwareWait: Sendable {
    /// A route that was written and is still to be answered for.
    struct Target: Sendable {
        let table: TableIdentity
        let key: RouteKey
        let version: ChangeSequence
    }

    /// What became of a target.
    enum Outcome: Sendable {
        /// All devices that are to program it have said so; or none is.
        case settled(HardwareState)
        /// It is not there any more; the version that took its place, if one did.
        case gone(ChangeSequence?)
    }

    /// A device that is to have taken the routes out that were deleted.
    struct Remover: Hashable, Sendable {
        let line: ChangeSequence
        let generation: ChangeSequence
    }

    let targets: [Target]
    let removers: [Remover]
    /// The number of the last change that it made.
    let sequence: ChangeSequence
    let answer: AwaitedAnswer
    /// Makes the answer, of the outcomes by version.
    let finish: @Sendable ([ChangeSequence: Outcome]) -> HTTPAnswer

    init(
        _ targets: [Target], removers: [Remover] = [], after sequence: ChangeSequence, _ answer: AwaitedAnswer,
        _ finish: @escaping @Sendable ([ChangeSequence: Outcome]) -> HTTPAnswer
    ) {
        self.targets = targets
        self.removers = removers
        self.sequence = sequence
        self.answer = answer
        self.finish = finish
    }
}

extension Devices {
    /// The state of an entry that every device has answered for that is to program it; nil while one hasn't.
    func settledState(of status: HardwareStatus?) -> HardwareState? {
        let answers = answers(in: status)
        return answers.contains { $0.answer.state == .pending } ? nil : state(of: status)
    }
}
