internal import ControlPlane

extension Tally {
    mutating func count(_ result: RowResult) {
        accepted += 1
        switch result.outcome {
        case .created: created += 1
        case .replaced: replaced += 1
        case .deleted: deleted += 1
        case .unchanged: unchanged += 1
        }
        sequence = max(sequence, result.sequence)
    }
}
