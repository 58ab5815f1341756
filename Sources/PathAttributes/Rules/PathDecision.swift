/// What a message about a path comes to, and why.
public struct PathDecision: Sendable {
    public enum Outcome: String, CaseIterable, Sendable {
        /// It is known from now on.
        case accepted
        /// It says nothing that counts.
        case ignored
        /// It is forged, or wrong.
        case rejected
    }

    public let outcome: Outcome
    /// What decided: a number of the specification, such as `R5-21`, or the name of a guard, such as `per-source`.
    public let rule: String
    /// One sentence for a person.
    public let reason: String
    /// What is known of the destination from now on; nil if that stays as it is.
    public var information: PathInformation?
    /// Whether cached routes have to look at their destination once more (R5-12).
    public var bumps = false

    static func accepted(
        _ information: PathInformation, _ rule: String, _ reason: String
    ) -> PathDecision {
        PathDecision(outcome: .accepted, rule: rule, reason: reason, information: information, bumps: true)
    }

    public static func ignored(_ rule: String, _ reason: String, bumps: Bool = false) -> PathDecision {
        PathDecision(outcome: .ignored, rule: rule, reason: reason, bumps: bumps)
    }

    public static func rejected(_ rule: String, _ reason: String) -> PathDecision {
        PathDecision(outcome: .rejected, rule: rule, reason: reason)
    }
}
