public import ChangeLog
public import Routing
internal import Threads

extension ControlPlane {
    /// Changes that one run of a flush or a cascade makes at most.
    static var runLength: Int { 1_024 }

    /// Removes the routes that agree, as they were when the call began; one that was replaced meanwhile stays. They go
    /// in runs, each its own transaction, all with one cause. Nothing goes if `expected` is another number than agrees.
    ///
    /// - Returns: how many routes went, and the number of the last change (the head if none went).
    public func flush(
        _ selection: RouteSelection, expected: Int? = nil, dryRun: Bool = false
    ) throws(FIBError) -> (count: Int, sequence: ChangeSequence) {
        let snapshot = snapshot()
        if expected != nil || dryRun {
            let matching = snapshot.summary(of: selection).count
            if let expected, expected != matching {
                throw FIBError(
                    .estale, .countMismatch, "\(matching) routes match, not \(expected); nothing was removed")
            }
            if dryRun { return (matching, snapshot.sequence) }
        }
        let sequence = remove(RouteWalk(snapshot, selection), cause: nil, reason: "flush")
        return sequence
    }

    /// Removes what the walk yields and is still there unchanged.
    func remove(
        _ walk: consuming RouteWalk, cause: ChangeSequence?, reason: String
    ) -> (count: Int, sequence: ChangeSequence) {
        var removed = 0
        var last = log.head
        var cause = cause
        var pending: [(TableIdentity, PlacedRoute)] = []
        while true {
            let next = walk.next()
            let endsRun = next.map { $0.0.namespace != pending.first?.0.namespace ?? $0.0.namespace } ?? true
            if !pending.isEmpty, endsRun || pending.count == Self.runLength {
                let run = removeRun(pending, cause: cause, reason: reason)
                removed += run.count
                if let first = run.first { cause = cause ?? first }
                last = run.last ?? last
                pending = []
            }
            guard let next else { return (removed, last) }
            pending.append(next)
        }
    }

    private func removeRun(
        _ routes: [(TableIdentity, PlacedRoute)], cause: ChangeSequence?, reason: String
    ) -> (count: Int, first: ChangeSequence?, last: ChangeSequence?) {
        guard let name = routes.first?.0.namespace, let namespace = try? namespace(name) else { return (0, nil, nil) }
        let result = gate.withShared {
            namespace.state.withLock { state in
                let edits = state.takeOut(routes)
                guard !edits.isEmpty else { return (0, ChangeSequence?.none, ChangeSequence?.none) }
                var batch: ChangeBatch?
                var last = ChangeSequence.zero
                log.append(count: edits.count) { index, sequence in
                    let common =
                        batch
                        ?? ChangeBatch(
                            transaction: sequence, cause: .init(reason: reason, sequence: cause ?? sequence))
                    batch = common
                    last = sequence
                    let (table, edit, best) = edits[index]
                    return Change(
                        edit, table, best, EntryHash(high: 0, low: 0), sequence: sequence, batch: common)
                }
                return (edits.count, batch?.transaction, last)
            }
        }
        committed()
        return result
    }
}

extension Namespace.State {
    /// Removes those of the routes that are still at their version, and says what each removal was.
    fileprivate mutating func takeOut(
        _ routes: [(TableIdentity, PlacedRoute)]
    ) -> [(TableIdentity, RouteEdit, BestChange)] {
        var edits: [(TableIdentity, RouteEdit, BestChange)] = []
        for (identity, route) in routes {
            guard let index = index(of: identity.family, identity.id),
                let present = tables[index].table.image[route.key], present.version == route.value.version
            else { continue }
            let edit = RouteEdit(
                operation: .delete, key: route.key, old: present, info: nil,
                first: tables[index].table.first(of: route.key))
            edits.append((identity, edit, tables[index].table.effect(of: edit)))
            tables[index].table.apply(edit, version: .zero, hash: EntryHash(high: 0, low: 0))
        }
        return edits
    }
}
