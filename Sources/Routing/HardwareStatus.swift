public import ChangeLog

/// What devices have said of one entry, or are still to say. Routes of which the same is said at once share it.
///
/// Status, not identity: it is not hashed, not stored, and gone with the entry.
public final class HardwareStatus: Sendable {
    /// One device's.
    public struct Answer: Hashable, Sendable {
        /// Which device; see `Device.line`.
        public let line: ChangeSequence
        /// The device's generation when it answered.
        public let generation: ChangeSequence
        public let state: HardwareState
        /// In the device's words, for a failure above all.
        public let reason: String?

        public init(line: ChangeSequence, generation: ChangeSequence, state: HardwareState, reason: String? = nil) {
            self.line = line
            self.generation = generation
            self.state = state
            self.reason = reason
        }
    }

    /// At least one, in the order of their lines.
    public let answers: [Answer]
    /// When it became so, in milliseconds since 1970.
    public let since: UInt64

    public init(_ answers: [Answer], since: UInt64) {
        precondition(!answers.isEmpty, "a status that says nothing")
        self.answers = answers.sorted { $0.line < $1.line }
        self.since = since
    }

    /// Whether the device is still to answer.
    public func isPending(of line: ChangeSequence) -> Bool {
        answers.contains { $0.line == line && $0.state == .pending }
    }
}
