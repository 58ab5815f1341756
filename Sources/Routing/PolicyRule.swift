public import Addressing

/// A policy rule: which table a lookup asks, and when. Rules are asked in the order of their priorities.
///
/// So far every namespace has the ones that the kernel begins with (R1-05), and no others.
public struct PolicyRule: Hashable, Sendable {
    public let family: AddressFamily
    /// The lowest is asked first.
    public let priority: UInt32
    public let table: TableID

    public init(family: AddressFamily, priority: UInt32, table: TableID) {
        self.family = family
        self.priority = priority
        self.table = table
    }

    /// What a namespace begins with, in list order (R1-05).
    public static func defaults(_ family: AddressFamily) -> [PolicyRule] { family == .inet ? inet : inet6 }

    private static let inet = rules(.inet, [(0, .local), (32_766, .main), (32_767, .default)])
    private static let inet6 = rules(.inet6, [(0, .local), (32_766, .main)])

    private static func rules(_ family: AddressFamily, _ all: [(UInt32, TableID)]) -> [PolicyRule] {
        all.map { PolicyRule(family: family, priority: $0, table: $1) }
    }
}
