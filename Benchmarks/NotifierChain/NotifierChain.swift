import ControlPlane
import Routing

/// The notifier chain in this process, with memory as the only store: how long a registration takes, how it fares beside
/// changes, and what a device's feedback costs who writes.
///
///     swift run -c release --package-path Benchmarks notifier-chain [dump | changes | reports | feedback]
///
/// All of it without a word.
@main
struct NotifierChain {
    static func main() throws {
        let wanted = CommandLine.arguments.dropFirst().first
        let parts: [(name: String, measure: () throws -> Void)] = [
            ("dump", Registrations.measureDump), ("changes", Registrations.measureBesideChanges),
            ("reports", Feedback.measureReports), ("feedback", Feedback.measure),
        ]
        guard wanted == nil || parts.contains(where: { $0.name == wanted }) else {
            return print("usage: notifier-chain [\(parts.map(\.name).joined(separator: " | "))]")
        }
        for part in parts where wanted == nil || part.name == wanted { try part.measure() }
    }
}

extension Duration {
    var seconds: Double { self / .seconds(1) }
}

/// The one in the middle, of an odd number.
func median(_ values: [Double]) -> Double { values.sorted()[values.count / 2] }

/// About three digits that count: 1.01 M, 235 k, 9120.
func shown(_ value: Double) -> String {
    if value >= 1_000_000 { return "\((value / 10_000).rounded() / 100) M" }
    return value >= 10_000 ? "\(Int((value / 1_000).rounded())) k" : "\(Int(value.rounded()))"
}
