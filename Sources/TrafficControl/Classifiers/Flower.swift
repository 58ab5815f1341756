public import ChangeLog
public import Routing
internal import Threads

/// Filters by the fields of packets, as many at once as are changed: it needs no global lock.
///
/// Source: kernel net/sched/cls_flower.c; R4-43, R4-53, R4-90…R4-93.
public final class Flower: Classifier {
    /// What is under `options` of a filter of flower.
    struct Options: FilterOptions {
        let match: FlowMatch

        var values: [String: FlowValue] {
            var keys = match.values
            var values: [String: FlowValue] = [:]
            for name in Flower.besideKeys { values[name] = keys.removeValue(forKey: name) }
            values["keys"] = .object(keys)
            return values
        }
    }

    /// The same as it is kept, with less room.
    struct KeptOptions: FilterOptions {
        let packed: PackedMatch
        var options: Options { Options(match: packed.match) }
        var values: [String: FlowValue] { options.values }
    }

    /// A filter in its table.
    final class Entry: FlowEntry {
        let filter: StoredFilter
        let packed: PackedMatch
        var place: FilterPlace { filter.place }
        var isPassedOver: Bool { filter.content.flags.contains(.skipSW) }

        init(_ filter: StoredFilter, _ packed: PackedMatch) {
            self.filter = filter
            self.packed = packed
        }
    }

    private struct State {
        var store = FilterStore(last: UInt32(Int32.max))
        var entries: [UInt32: Entry] = [:]
        var table = FlowTable<Entry>()
    }

    public static let kind = "flower"
    public static let isUnlocked = true
    public static let hasTemplates = true

    /// L4 (R4-60).
    private let state = Locked(State(), rank: .proto)
    /// The table as packets meet it.
    private let published = Published<FlowTable<Entry>>()

    public init(_ proto: ProtoIdentity, _ host: any TrafficHost) {}

    public static func options(
        _ values: [String: FlowValue], _ protocol: EtherType
    ) throws(FIBError) -> any FilterOptions {
        guard case .object(var keys) = values["keys"] ?? .object([:]) else {
            throw FlowMatch.invalid("keys are an object")
        }
        for (name, value) in values where name != "keys" {
            guard besideKeys.contains(name) else { throw FlowMatch.invalid("flower has no option '\(name)'") }
            guard keys.updateValue(value, forKey: name) ?? value == value else {
                throw FlowMatch.invalid("\(name) is another one than that of keys")
            }
        }
        return Options(match: try FlowMatch(keys, protocol: `protocol`))
    }

    /// Keys that `tc -json` has beside the others.
    private static let besideKeys = ["indev", "l2_miss"]

    public static func fits(_ options: any FilterOptions, _ template: any FilterOptions) -> Bool {
        guard let options = options as? Options, let template = template as? Options else { return false }
        return options.match.isWithin(template.match)
    }

    public func filter(_ handle: UInt32) -> StoredFilter? { state.withLock { $0.store[handle] } }

    public func change(
        _ content: FilterContent, handle: UInt32?, from old: StoredFilter?,
        _ commit: (_ handle: UInt32, _ group: ChangeSequence?, _ content: FilterContent) -> StoredFilter
    ) throws(Refusal) -> StoredFilter {
        // Those that were kept come back where a change is made anew.
        guard let options = content.options as? Options ?? (content.options as? KeptOptions)?.options else {
            preconditionFailure("options of another kind")
        }
        return try state.withLock { (state) throws(Refusal) in
            try state.store.check(handle, from: old)
            let mask = state.table.mask(of: options.match)
            let packed = PackedMatch(options.match, mask)
            let former = old.flatMap { state.entries[$0.handle] }
            if let former, former.packed.mask != mask {
                throw .error(FlowMatch.invalid("an update can't compare other bits than before", rule: "R4-91"))
            }
            if let other = state.table.entry(sameAs: packed), other !== former {
                let message = "filter \(other.filter.handle) of this priority is for the same packets"
                throw .error(FIBError(.eexist, .filterExists, message, rule: "R4-90"))
            }
            let handle = try state.store.handle(handle, from: old)
            let filter = commit(handle, state.table.group(mask), content.with(KeptOptions(packed: packed)))
            let entry = Entry(filter, packed)
            state.store.put(filter)
            state.entries[filter.handle] = entry
            if let former { state.table.replace(former, with: entry) } else { state.table.insert(entry) }
            published.change()
            return filter
        }
    }

    public func delete(_ filter: StoredFilter, _ commit: () -> Void) throws(Refusal) -> Bool {
        try state.withLock { (state) throws(Refusal) in
            try state.store.remove(filter)
            guard let entry = state.entries.removeValue(forKey: filter.handle) else {
                preconditionFailure("filter \(filter.handle) without an entry")
            }
            state.table.remove(entry)
            commit()
            published.change()
            return state.table.isEmpty
        }
    }

    public func endIfEmpty() -> Bool {
        state.withLock { state in
            if state.table.isEmpty { state.store.end() }
            return state.table.isEmpty
        }
    }

    public func end() { state.withLock { $0.store.end() } }

    public func classify(_ packet: Packet) -> StoredFilter? {
        let table = published.value { state.withLock { state in published.publish(state.table) } }
        return table.first(packet.fields, packet.options)?.filter
    }

    public func differences(_ filter: StoredFilter, _ packet: Packet) -> [String] {
        (filter.content.options as? KeptOptions)?.options.match.differences(packet) ?? []
    }

    public var image: Image<UInt64, StoredFilter> { state.withLock { $0.store.image } }

    /// Stops the process if its filters aren't the same by handle and by what they compare.
    public func _checkInvariants() {
        state.withLock { state in
            state.table._checkInvariants()
            precondition(state.table.count == state.store.image.count, "\(state.table.count) filters in the table")
            precondition(state.entries.count == state.store.image.count, "\(state.entries.count) entries")
            for (handle, entry) in state.entries {
                precondition(state.store[handle] === entry.filter, "filter \(handle)")
            }
        }
    }
}
