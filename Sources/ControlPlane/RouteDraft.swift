public import ChangeLog
public import Routing

/// Changes that are being made up, on copies: a transaction before it is committed, or a dry run that never is.
public struct RouteDraft {
    private var untouched: [String: (Namespace, Namespace.State)]
    private(set) var touched: [(Namespace, Namespace.State)] = []
    private var places: [String: Int] = [:]
    private(set) var changes: [Change] = []
    /// The number as of which it was made; those of its changes are made up until it is committed.
    public let start: ChangeSequence
    /// The number of its first change.
    private let first: ChangeSequence
    private let batch: ChangeBatch
    /// What members of the chain have agreed to; they hear it if nothing comes of it.
    let admissions = Admissions()

    init(_ states: [String: (Namespace, Namespace.State)], after head: ChangeSequence, first: ChangeSequence) {
        untouched = states
        start = head
        self.first = first
        batch = ChangeBatch(transaction: first)
    }

    private var upcoming: ChangeSequence { first.advanced(by: UInt64(changes.count)) }

    /// As if the draft had been committed.
    private var head: ChangeSequence { changes.last?.sequence ?? start }

    public mutating func apply(_ operations: [RouteOperation]) throws(TransactionError) -> [WriteResult] {
        var results: [WriteResult] = []
        results.reserveCapacity(operations.count)
        changes.reserveCapacity(operations.count)
        for (index, operation) in operations.enumerated() {
            do {
                results.append(try apply(operation))
            } catch {
                throw TransactionError(index: index, error: error)
            }
        }
        return results
    }

    /// What the operation would come to after those before it. The draft is as it was if it throws.
    public mutating func apply(_ operation: RouteOperation) throws(FIBError) -> WriteResult {
        let place = try place(of: operation.namespace)
        switch operation {
        case .write(let verb, let write):
            let index = try touched[place].1.indexCreating(write.table)
            switch try touched[place].1.decide(verb, write.route, write.hash, write.condition, at: index) {
            case .edit(let edit, let hash): return try make(edit, hash, at: place, index)
            case .unchanged(let key, let stored):
                return WriteResult(
                    outcome: .unchanged, table: touched[place].1.tables[index].identity, key: key, stored: stored,
                    sequence: head)
            }
        case .delete(_, let id, let selector):
            let (index, edit, hash) = try touched[place].1.decideDelete(id, selector)
            return try make(edit, hash, at: place, index)
        }
    }

    private mutating func place(of name: String) throws(FIBError) -> Int {
        if let place = places[name] { return place }
        guard let entry = untouched[name], !entry.1.isClosing else { throw ControlPlane.namespaceNotFound(name) }
        untouched[name] = nil
        touched.append(entry)
        places[name] = touched.count - 1
        return touched.count - 1
    }

    private mutating func make(
        _ decided: RouteEdit, _ hash: EntryHash, at place: Int, _ index: Int
    ) throws(FIBError) -> WriteResult {
        var edit = decided
        let sequence = upcoming
        let identity = touched[place].1.tables[index].identity
        let best = touched[place].1.tables[index].table.effect(of: edit)
        if let admission = try touched[place].1.chain.call(edit, identity, best, hash) { admissions.add(admission) }
        touched[place].1.begin(&edit, best, at: index)
        changes.append(Change(edit, identity, best, hash, sequence: sequence, batch: batch))
        touched[place].1.tables[index].table.apply(edit, version: sequence, hash: hash)
        if let neighbour = touched[place].1.hardwareOfNeighbour(best, at: index) {
            changes.append(touched[place].1.change(neighbour, upcoming, batch))
            touched[place].1.apply(neighbour, at: index)
        }
        return WriteResult(edit, identity, hash, sequence)
    }
}
