public import ChangeLog

/// Building a table from what a store holds of it.
extension RouteTable {
    /// Puts a route where it was. False if there is one already.
    public mutating func restore(_ stored: StoredRoute, for key: RouteKey) -> Bool {
        insert(stored, for: key) == nil
    }

    /// What stood at the key of a change.
    public struct Restored {
        public let value: StoredRoute?
    }

    /// Makes a change anew that was decided on this very table; nil if it doesn't fit, that is, if at `key` there is not
    /// what `old` says.
    public mutating func restore(
        _ operation: ChangeOperation, _ key: RouteKey, old: EntryHash?, new: StoredRoute?
    ) -> Restored? {
        if operation == .append || operation == .prepend {
            let present = routes(of: key)
            if present.isEmpty { return nil }
            makeRoom(among: present)
        }
        let present = new.map { insert($0, for: key) } ?? remove(key)
        return present?.hash == old ? Restored(value: present) : nil
    }
}
