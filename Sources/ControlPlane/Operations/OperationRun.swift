internal import ChangeLog
internal import Routing
internal import Threads

/// Some of the changes of a flush or a cascade: of one namespace, made together, with one transaction number.
struct OperationRun {
    /// A change but for its number.
    private enum Step {
        case edit(RouteEdit, EntryHash, BestChange)
        case status(RouteStatusChange)
    }

    private var steps: [(table: Int, step: Step)] = []
    /// What moves up by that, to be told beforehand.
    private(set) var promoted: [HardwareEdit] = []

    var count: Int { steps.count }

    /// Under the namespace's lock: makes them in the tables, but for the versions of new entries, which they get with their
    /// numbers. Routes that aren't at their version any more stay.
    init(
        _ routes: [(TableIdentity, PlacedRoute)], _ cascade: LinkCascade?, _ state: inout Namespace.State
    ) {
        let impairments = state.impairments
        for (identity, route) in routes {
            guard let index = state.index(of: identity.family, identity.id),
                let present = state.tables[index].table.image[route.key], present.version == route.value.version
            else { continue }
            switch cascade?.fate(present.info, identity, impairments) ?? .removed {
            case .stays: break
            case .removed: edit(.delete, (route.key, present), nil, at: index, &state)
            case .replaced(let info): edit(.replace, (route.key, present), info, at: index, &state)
            case .status(let was, let now):
                let isFirst = state.tables[index].table.first(of: route.key)?.key == route.key
                let change = RouteStatusChange(identity, (route.key, present), isFirst: isFirst, was: was, legs: now)
                if change.concernsChain { state.chain.count(.own(.other), identity.family) }
                steps.append((index, .status(change)))
            }
        }
    }

    private mutating func edit(
        _ operation: ChangeOperation, _ route: PlacedRoute, _ info: RouteInfo?, at index: Int,
        _ state: inout Namespace.State
    ) {
        let identity = state.tables[index].identity
        var edit = RouteEdit(
            operation: operation, key: route.key, old: route.value, info: info,
            first: state.tables[index].table.first(of: route.key))
        if let info, info.hopCount < route.value.info.hopCount { edit.nextHops = .left }
        var best = state.tables[index].table.effect(of: edit)
        state.chain.count(best, identity.family)
        state.begin(&edit, best, at: index)
        if let next = state.promote(&best, at: index) {
            // Routes come in order, so none has been changed by the run before it moves up.
            assert(next.route.value.version != .zero)
            state.apply(next, at: index)
            promoted.append(next)
        }
        let hash = info.map { RouteEntry.hash(identity, route.key, $0) } ?? EntryHash(high: 0, low: 0)
        state.tables[index].table.apply(edit, version: .zero, hash: hash)
        state.infos.released(1)
        steps.append((index, .edit(edit, hash, best)))
    }

    /// Under the namespace's lock: gives them their numbers. `batch` makes what they have in common of the first of them.
    ///
    /// - Returns: the last number.
    func append(
        to log: Log<Change>, _ state: inout Namespace.State, _ batch: (ChangeSequence) -> ChangeBatch
    ) -> ChangeSequence {
        var common: ChangeBatch?
        var numbers: [ChangeSequence] = []
        log.append(count: steps.count) { index, sequence in
            let batch = common ?? batch(sequence)
            common = batch
            numbers.append(sequence)
            let table = state.tables[steps[index].table].identity
            switch steps[index].step {
            case .edit(let edit, let hash, let best):
                return Change(edit, table, best, hash, sequence: sequence, batch: batch)
            case .status(let change):
                return Change(sequence: sequence, operation: .status, object: .status(change), batch: batch)
            }
        }
        for (index, step) in steps.enumerated() {
            guard case .edit(let edit, let hash, _) = step.step, edit.info != nil else { continue }
            state.tables[step.table].table.apply(edit, version: numbers[index], hash: hash)
        }
        return numbers.last ?? .zero
    }
}
