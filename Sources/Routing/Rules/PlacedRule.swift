/// A rule and its place among those of its priority, which are asked in the order of their positions (R1-06).
public struct PlacedRule: Hashable, Comparable, Sendable {
    public let rule: PolicyRule
    /// No two rules of a priority have the same. It is no part of what the rule says.
    public let position: UInt64

    public init(_ rule: PolicyRule, position: UInt64) {
        self.rule = rule
        self.position = position
    }

    public static func < (a: Self, b: Self) -> Bool {
        (a.rule.priority, a.position) < (b.rule.priority, b.position)
    }
}

/// The rules of one namespace and family, in the order in which they are asked.
public struct PolicyRules: Sendable {
    struct Member: Sendable {
        let placed: PlacedRule
        /// The table that all packets are looked up in, if that is all the rule is about.
        let plainTable: TableID?
    }

    private(set) var members: [Member] = []

    public init() {}

    public var all: some Sequence<PlacedRule> { members.lazy.map(\.placed) }

    /// Puts it in its place, perhaps that of another.
    public mutating func set(_ placed: PlacedRule) {
        let member = Member(placed: placed, plainTable: placed.rule.isPlain ? placed.rule.table : nil)
        let index = firstIndex(from: placed.rule.priority, placed.position)
        if index < members.count, members[index].placed.rule.priority == placed.rule.priority,
            members[index].placed.position == placed.position
        {
            members[index] = member
        } else {
            members.insert(member, at: index)
        }
    }

    public mutating func remove(_ placed: PlacedRule) {
        let index = firstIndex(from: placed.rule.priority, placed.position)
        guard index < members.count, members[index].placed == placed else { return }
        members.remove(at: index)
    }

    /// Where the first rule of a priority stands (R1-10).
    func firstIndex(of priority: UInt32) -> Int? {
        let index = firstIndex(from: priority, 0)
        return index < members.count && members[index].placed.rule.priority == priority ? index : nil
    }

    /// Those of a priority, in order.
    public func all(of priority: UInt32) -> [PlacedRule] {
        members[firstIndex(from: priority, 0)...].prefix { $0.placed.rule.priority == priority }.map(\.placed)
    }

    /// The one that the kernel gives to a rule that doesn't say: before the second (R1-07).
    public var nextPriority: UInt32 {
        guard members.count > 1 else { return 0 }
        let second = members[1].placed.rule.priority
        return second == 0 ? 0 : second - 1
    }

    /// Whether it sends packets on to a rule that isn't there (R1-10).
    public func isUnresolved(_ rule: PolicyRule) -> Bool {
        guard case .goto(let target) = rule.action else { return false }
        return firstIndex(of: target) == nil
    }

    private func firstIndex(from priority: UInt32, _ position: UInt64) -> Int {
        var (low, high) = (0, members.count)
        while low < high {
            let middle = (low + high) / 2
            let placed = members[middle].placed
            if (placed.rule.priority, placed.position) < (priority, position) {
                low = middle + 1
            } else {
                high = middle
            }
        }
        return low
    }
}

extension PolicyRules {
    /// The tables that they ask, one as often as it is asked.
    public var tables: some Sequence<TableID> { members.lazy.compactMap(\.placed.rule.table) }
}
