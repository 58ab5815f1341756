/// What stands at the same place in two sorted lists, in their order.
func pairs<Item>(
    _ old: [Item], _ new: [Item], comesBefore: (Item, Item) -> Bool
) -> [(old: Item?, new: Item?)] {
    var (old, new) = (old[...], new[...])
    var result: [(old: Item?, new: Item?)] = []
    result.reserveCapacity(max(old.count, new.count))
    while !old.isEmpty || !new.isEmpty {
        let isOld = old.first.map { old in new.first.map { !comesBefore($0, old) } ?? true } ?? false
        let isNew = new.first.map { new in old.first.map { !comesBefore($0, new) } ?? true } ?? false
        result.append((isOld ? old.popFirst() : nil, isNew ? new.popFirst() : nil))
    }
    return result
}
