internal import Addressing
internal import ControlPlane
internal import Routing

/// Tables that entries and jobs speak of, as numbers. One that none of these speaks of any more is forgotten.
struct TableNames {
    fileprivate struct Name: Hashable {
        let namespace: String
        let family: AddressFamily
        let id: TableID
    }

    private var tables: [(identity: TableIdentity, uses: Int)?] = []
    private var numbers: [Name: UInt32] = [:]
    private var free: [UInt32] = []
    /// Most events are of the same table as the one before.
    private var latest: (identity: TableIdentity, number: UInt32)?

    func identity(_ number: UInt32) -> TableIdentity {
        guard let table = tables[Int(number)] else { preconditionFailure("table \(number) is not in use") }
        return table.identity
    }

    func known(_ identity: TableIdentity) -> UInt32? {
        if let latest, latest.identity === identity { return latest.number }
        return numbers[Name(identity)]
    }

    /// One use more.
    mutating func retain(_ identity: TableIdentity) -> UInt32 {
        if let number = known(identity) {
            latest = (identity, number)
            retain(number)
            return number
        }
        let number = free.popLast() ?? UInt32(tables.count)
        if Int(number) == tables.count { tables.append(nil) }
        tables[Int(number)] = (identity.copy(), 1)
        numbers[Name(identity)] = number
        latest = (identity, number)
        return number
    }

    mutating func retain(_ number: UInt32) { tables[Int(number)]?.uses += 1 }

    mutating func release(_ number: UInt32) {
        guard let table = tables[Int(number)] else { preconditionFailure("table \(number) is not in use") }
        guard table.uses == 1 else { return tables[Int(number)] = (table.identity, table.uses - 1) }
        numbers[Name(table.identity)] = nil
        tables[Int(number)] = nil
        free.append(number)
        if latest?.number == number { latest = nil }
    }

    var count: Int { numbers.count }
}

extension TableNames.Name {
    fileprivate init(_ identity: TableIdentity) {
        self.init(namespace: identity.namespace, family: identity.family, id: identity.id)
    }
}
