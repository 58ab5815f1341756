internal import ChangeLog
internal import Routing

extension StoredObject {
    /// The rules that a namespace begins with (R1-05), each a change of its own.
    static func defaultRules(of namespace: String, from first: ChangeSequence) -> [StoredObject] {
        PolicyRule.defaults.enumerated().map { index, rule in
            StoredObject(
                .rule(PlacedRule(rule, position: 0)), in: namespace, version: first.advanced(by: UInt64(index)))
        }
    }
}

extension Change {
    /// They come together, as many changes in a row as there are objects, each at its version.
    static func additions(of objects: [StoredObject]) -> [Change] {
        guard let first = objects.first else { return [] }
        let batch = ChangeBatch(transaction: first.version)
        return objects.map { object in
            Change(
                sequence: object.version, operation: .add, object: .object(ObjectChange(old: nil, new: object)),
                batch: batch)
        }
    }
}
