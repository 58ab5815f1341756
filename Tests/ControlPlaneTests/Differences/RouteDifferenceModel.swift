import Addressing
import ChangeLog
import Routing

@testable import ControlPlane

/// What is different between the routes of two snapshots, by a look at all of them: what `SnapshotDifference` is to say.
struct RouteDifferenceModel {
    /// A change in words.
    struct Line: Hashable, CustomStringConvertible {
        let operation: ChangeOperation
        let table: String
        let old: ChangeSequence?
        let new: ChangeSequence?
        let legs: [LegStatus]?

        var description: String {
            "\(operation) \(table) \(old?.rawValue ?? 0) → \(new?.rawValue ?? 0) \(legs.map { "\($0)" } ?? "")"
        }

        /// Nil of changes of something else.
        init?(_ change: SelectedChange) {
            guard case .route(let table, let key, _) = change.new ?? change.old else { return nil }
            self.init(change.operation, (table, key), change.old?.version, change.new?.version, change.legs)
        }

        init(
            _ operation: ChangeOperation, _ place: (table: TableIdentity, key: RouteKey), _ old: ChangeSequence?,
            _ new: ChangeSequence?, _ legs: [LegStatus]? = nil
        ) {
            self.operation = operation
            table = "\(place.table.namespace) \(place.table.id) \(place.key.prefix(place.table.family))"
            (self.old, self.new, self.legs) = (old, new, legs)
        }
    }

    /// Where the routes of a key stand, or of a prefix.
    private struct Place: Hashable, Comparable {
        let namespace: String
        let family: AddressFamily
        let table: TableID
        let key: RouteKey

        static func < (a: Place, b: Place) -> Bool {
            (a.namespace, a.family, a.table, a.key) < (b.namespace, b.family, b.table, b.key)
        }
    }

    private typealias Row = (table: TableIdentity, key: RouteKey, route: StoredRoute)

    private let filter: EventFilter
    private let old: Snapshot
    private let new: Snapshot

    init(from old: Snapshot, to new: Snapshot, _ filter: EventFilter) {
        (self.old, self.new, self.filter) = (old, new, filter)
    }

    var lines: [Line] {
        let (former, latter) = (lists(old), lists(new))
        return Set(former.keys).union(latter.keys).sorted().flatMap { place in
            lines(from: former[place] ?? [], to: latter[place] ?? [])
        }
    }

    private func lists(_ snapshot: Snapshot) -> [Place: [Row]] {
        guard filter.selectsRoutes else { return [:] }
        var walk = RouteWalk(snapshot, filter.selection, firstsOnly: filter.view == .best)
        var lists: [Place: [Row]] = [:]
        while let (table, (key, route)) = walk.next() {
            let start = filter.view == .best ? key.startOfPrefix : key.startOfList
            let place = Place(namespace: table.namespace, family: table.family, table: table.id, key: start)
            lists[place, default: []].append((table, key, route))
        }
        return lists
    }

    private func lines(from old: [Row], to new: [Row]) -> [Line] {
        if old.map(\.route.version) == new.map(\.route.version) {
            let pairs = Array(zip(old, new))
            return pairs.compactMap(statusLine) + pairs.compactMap(hardwareLine)
        }
        if let before = old.first, let after = new.first, old.count == 1, new.count == 1 {
            return [Line(.replace, (after.table, after.key), before.route.version, after.route.version)]
        }
        return old.map { Line(.delete, ($0.table, $0.key), $0.route.version, nil) }
            + new.enumerated().map { Line($0 == 0 ? .add : .append, ($1.table, $1.key), nil, $1.route.version) }
    }

    private func statusLine(_ was: Row, _ row: Row) -> Line? {
        let states = [old, new].map { snapshot in
            snapshot.context.impairments[row.table.namespace].flatMap { row.route.info.legStatus(row.table.family, $0) }
                ?? Array(repeating: LegStatus(), count: row.route.info.hopCount)
        }
        if states[0] == states[1] { return nil }
        return Line(.status, (row.table, row.key), was.route.version, row.route.version, states[1])
    }

    private func hardwareLine(_ was: Row, _ row: Row) -> Line? {
        let devices = new.devices
        let answers = [was, row].map { devices.answers(in: $0.route.hardware).map(\.answer) }
        let states = [was, row].map { devices.state(of: $0.route.hardware) }
        let tells = filter.hardware == .all ? answers[0] != answers[1] : filter.hardware.tells(states[0], states[1])
        return tells ? Line(.flags, (row.table, row.key), was.route.version, row.route.version) : nil
    }
}
