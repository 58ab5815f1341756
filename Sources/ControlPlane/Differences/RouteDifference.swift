internal import Addressing
internal import ChangeLog
internal import Routing

/// What is different between the routes of two snapshots, as a filter sees them, in list order.
struct RouteDifference: Sendable {
    typealias Table = (identity: TableIdentity, table: RouteTable)
    private typealias Impairments = [String: LinkImpairment]

    private let filter: EventFilter
    private let old: RowContext
    /// By whose devices the states of both are compared: the restarts were told before.
    private let new: RowContext
    /// Namespaces whose links are impaired otherwise than before, which may concern any route.
    private let disturbed: Set<String>
    private let ranges: [AddressFamily: [KeyRange]]
    private var tables: ArraySlice<(old: Table?, new: Table?)> = []
    private var current: TableDifference?
    /// Of the namespace of the current table, if they are other ones than before.
    private var impairments: (old: Impairments, new: Impairments)?

    init(from old: Snapshot, to new: Snapshot, _ filter: EventFilter) {
        self.filter = filter
        (self.old, self.new) = (old.context, new.context)
        disturbed = Self.disturbed(from: old.context.impairments, to: new.context.impairments)
        let families: [AddressFamily] = [.inet, .inet6]
        ranges = Dictionary(uniqueKeysWithValues: families.map { ($0, filter.selection.ranges(in: $0)) })
        guard filter.selectsRoutes else { return }
        let tables = pairs(old.tables(of: filter.selection), new.tables(of: filter.selection)) { first, second in
            (first.identity.namespace, first.identity.order) < (second.identity.namespace, second.identity.order)
        }
        self.tables = tables.filter { mayDiffer($0.old, $0.new) }[...]
    }

    private static func disturbed(from old: [String: Impairments], to new: [String: Impairments]) -> Set<String> {
        Set(old.keys).union(new.keys).filter { old[$0] != new[$0] }
    }

    private func mayDiffer(_ old: Table?, _ new: Table?) -> Bool {
        guard let old, let new else { return true }
        return includesShared(new) || !old.table.image.isIdentical(to: new.table.image)
    }

    /// Whether routes that no one has written since may be others to the filter, or of another status.
    private func includesShared(_ table: Table) -> Bool {
        disturbed.contains(table.identity.namespace) || filter.selection.hardware != nil && old.devices != new.devices
    }

    var isAtEnd: Bool { tables.isEmpty && current?.isAtEnd ?? true }

    /// All differences of the next key that has any; none if `steps` are used up.
    mutating func next(steps: inout Int) -> [SelectedChange] {
        while steps > 0, !isAtEnd {
            if let (old, new) = current?.next(steps: &steps) {
                let changes =
                    SelectedChange.changes(from: old, to: new) + statusChanges(from: old, to: new)
                    + hardwareChanges(from: old, to: new)
                if !changes.isEmpty { return changes }
            } else if current?.isAtEnd ?? true {
                steps -= 1
                enterNextTable()
            }
        }
        return []
    }

    private mutating func enterNextTable() {
        guard let (before, after) = tables.popFirst(), let table = after ?? before else { return }
        let namespace = table.identity.namespace
        impairments =
            disturbed.contains(namespace)
            ? (old.impairments[namespace] ?? [:], new.impairments[namespace] ?? [:]) : nil
        current = TableDifference(
            from: before.map { TableDifference.Side($0, old.devices) },
            to: after.map { TableDifference.Side($0, new.devices) }, filter,
            ranges: ranges[table.identity.family] ?? [], includingShared: includesShared(table))
    }

    /// Of entries that are the same in both: what is wrong with their legs now.
    private func statusChanges(
        from old: [SelectedChange.Entry], to new: [SelectedChange.Entry]
    ) -> [SelectedChange] {
        guard let impairments, old.count == new.count else { return [] }
        return zip(old, new).compactMap { old, new in
            guard old.version == new.version, case .route(let table, _, let stored) = new else { return nil }
            let was = stored.info.legStatus(table.family, impairments.old)
            let now = stored.info.legStatus(table.family, impairments.new)
            if was == now { return nil }
            let none = Array(repeating: LegStatus(), count: stored.info.hopCount)
            return SelectedChange(operation: .status, old: old, new: new, legs: now ?? none)
        }
    }

    /// Of entries that are the same in both: what hardware makes of them now, if the filter is told of that.
    private func hardwareChanges(
        from old: [SelectedChange.Entry], to new: [SelectedChange.Entry]
    ) -> [SelectedChange] {
        guard filter.hardware != .none, old.count == new.count else { return [] }
        let devices = self.new.devices
        return zip(old, new).compactMap { old, new in
            guard case .route(_, _, let before) = old, case .route(_, _, let after) = new,
                before.version == after.version, before.hardware !== after.hardware
            else { return nil }
            let (from, to) = (devices.state(of: before.hardware), devices.state(of: after.hardware))
            // What each device says, not only what it comes to: the next restart makes void what one of them has said.
            let tells =
                filter.hardware == .all
                ? devices.answers(in: before.hardware).map(\.answer)
                    != devices.answers(in: after.hardware).map(\.answer)
                : filter.hardware.tells(from, to)
            return tells ? SelectedChange(operation: .flags, old: old, new: new) : nil
        }
    }
}
