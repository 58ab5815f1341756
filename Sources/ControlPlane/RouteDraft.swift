public import ChangeLog
public import Routing

/// Changes that are being made up, on copies: a transaction before it is committed, or a dry run that never is.
public struct RouteDraft {
    private var untouched: [String: (Namespace, Namespace.State)]
    var touched: [(Namespace, Namespace.State)] = []
    private var places: [String: Int] = [:]
    private(set) var changes: [Change] = []
    /// Whether the gate is held exclusively for as long as it lives.
    let isWithinGate: Bool
    /// The number as of which it was made; those of its changes are made up until it is committed.
    public let start: ChangeSequence
    /// The number of its first change.
    private let first: ChangeSequence
    private let batch: ChangeBatch
    /// Those that have the latest cause in common.
    private var latestOfCause: ChangeBatch?
    /// What the changes bring about that isn't done here.
    private(set) var operations: [UnfinishedOperation] = []
    /// Links that are gone and had a qdisc, with their namespaces and the numbers with which they went.
    private(set) var endedLinks: [(device: String, namespace: Namespace, removal: ChangeSequence)] = []
    /// Of these, by namespace, the one that removes users of nexthops.
    private var userRemovals: [String: Int] = [:]
    /// What members of the chain have agreed to; they hear it if nothing comes of it.
    let admissions = Admissions()

    init(
        _ states: [String: (Namespace, Namespace.State)], after head: ChangeSequence, first: ChangeSequence,
        isWithinGate: Bool
    ) {
        untouched = states
        self.isWithinGate = isWithinGate
        start = head
        self.first = first
        batch = ChangeBatch(transaction: first)
    }

    /// Those that are not being removed, by name.
    var namespaces: [String] {
        let others = untouched.filter { !$1.1.isClosing }.keys
        return (others + touched.map(\.0.name)).sorted()
    }

    var upcoming: ChangeSequence { first.advanced(by: UInt64(changes.count)) }

    /// As if the draft had been committed.
    var head: ChangeSequence { changes.last?.sequence ?? start }

    public mutating func apply(_ operations: [TransactionOperation]) throws(TransactionError) -> [TransactionResult] {
        var results: [TransactionResult] = []
        results.reserveCapacity(operations.count)
        changes.reserveCapacity(operations.count)
        for (index, operation) in operations.enumerated() {
            do throws(FIBError) {
                switch operation {
                case .route(let operation): results.append(.route(try apply(operation)))
                case .object(let operation): results.append(.object(try apply(operation)))
                case .traffic(let operation): results.append(.traffic(try apply(operation)))
                }
            } catch {
                throw TransactionError(index: index, error: error)
            }
        }
        return results
    }

    /// What an operation on a route would come to after those before it. The draft is as it was if it throws.
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

    mutating func place(of name: String) throws(FIBError) -> Int {
        if let place = places[name] { return place }
        guard let entry = untouched[name], !entry.1.isClosing else { throw ControlPlane.namespaceNotFound(name) }
        untouched[name] = nil
        touched.append(entry)
        places[name] = touched.count - 1
        return touched.count - 1
    }

    /// Also of one that is being removed; nil if there is none.
    mutating func placeOfAny(_ name: String) throws(FIBError) -> Int? {
        if let place = places[name] { return place }
        guard let entry = untouched.removeValue(forKey: name) else { return nil }
        touched.append(entry)
        places[name] = touched.count - 1
        return touched.count - 1
    }

    mutating func make(
        _ decided: RouteEdit, _ hash: EntryHash, at place: Int, _ index: Int, _ cause: ChangeBatch.Cause? = nil
    ) throws(FIBError) -> WriteResult {
        var edit = decided
        let identity = touched[place].1.tables[index].identity
        var best = touched[place].1.tables[index].table.effect(of: edit)
        if let admission = try touched[place].1.chain.call(edit, identity, best, hash) { admissions.add(admission) }
        touched[place].1.begin(&edit, best, at: index)
        if let promoted = touched[place].1.promote(&best, at: index) { add(promoted, at: place, index, cause) }
        let sequence = upcoming
        changes.append(Change(edit, identity, best, hash, sequence: sequence, batch: batch(cause)))
        touched[place].1.tables[index].table.apply(edit, version: sequence, hash: hash)
        if let displaced = touched[place].1.displace(best, at: index) { add(displaced, at: place, index, cause) }
        return WriteResult(edit, identity, hash, sequence)
    }

    private mutating func add(_ edit: HardwareEdit, at place: Int, _ index: Int, _ cause: ChangeBatch.Cause?) {
        changes.append(touched[place].1.change(edit, upcoming, batch(cause)))
        touched[place].1.apply(edit, at: index)
    }

    /// Adds a change; the number it has.
    mutating func add(
        _ operation: ChangeOperation, _ object: ChangedObject, _ cause: ChangeBatch.Cause?
    ) -> ChangeSequence {
        let sequence = upcoming
        changes.append(Change(sequence: sequence, operation: operation, object: object, batch: batch(cause)))
        return sequence
    }

    /// Takes in changes that have the numbers that follow.
    mutating func add(_ changes: [Change]) { self.changes += changes }

    mutating func begin(_ operation: UnfinishedOperation) { operations.append(operation) }

    mutating func end(_ device: String, in namespace: Namespace, with removal: ChangeSequence) {
        endedLinks.append((device, namespace, removal))
    }

    /// The routes that use the nexthop are to go: all of one namespace in one operation, which walks over its routes once.
    mutating func begin(removingUsersOf id: UInt32, in namespace: String, _ removal: ChangeSequence) {
        if let index = userRemovals[namespace] {
            operations[index] = operations[index].joined(by: id, removal)
        } else {
            userRemovals[namespace] = operations.count
            begin(UnfinishedOperation(removingUsersOf: id, in: namespace, removal))
        }
    }

    mutating func batch(_ cause: ChangeBatch.Cause?) -> ChangeBatch {
        guard let cause else { return batch }
        if let latest = latestOfCause, latest.cause == cause { return latest }
        let made = ChangeBatch(transaction: batch.transaction, cause: cause)
        latestOfCause = made
        return made
    }
}
