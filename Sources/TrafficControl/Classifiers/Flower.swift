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
        var values: [String: FlowValue] { ["keys": .object(match.values)] }
    }

    /// The same as it is kept, with less room.
    struct KeptOptions: FilterOptions {
        let packed: PackedMatch
        var values: [String: FlowValue] { Options(match: packed.match).values }
    }

    /// A filter in its table.
    final class Entry: FlowEntry {
        let filter: StoredFilter
        let packed: PackedMatch
        var order: UInt64 { filter.order }
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
        if let unknown = values.keys.sorted().first(where: { $0 != "keys" }) {
            throw FlowMatch.invalid("flower has no option '\(unknown)'")
        }
        guard let keys = values["keys"] else { return Options(match: try FlowMatch([:], protocol: `protocol`)) }
        guard case .object(let keys) = keys else { throw FlowMatch.invalid("keys are an object") }
        return Options(match: try FlowMatch(keys, protocol: `protocol`))
    }

    public static func fits(_ options: any FilterOptions, _ template: any FilterOptions) -> Bool {
        guard let options = options as? Options, let template = template as? Options else { return false }
        let (match, most) = (options.match, template.match)
        return match.mask.isWithin(most.mask) && (match.dstPorts == nil || most.dstPorts != nil)
            && (match.srcPorts == nil || most.srcPorts != nil)
    }

    public func filter(_ handle: UInt32) -> StoredFilter? { state.withLock { $0.store[handle] } }

    public func change(
        _ content: FilterContent, handle: UInt32?, from old: StoredFilter?,
        _ commit: (_ handle: UInt32, _ order: UInt64, _ content: FilterContent) -> StoredFilter
    ) throws(Refusal) -> StoredFilter {
        guard let options = content.options as? Options else { preconditionFailure("options of another kind") }
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
            let place = try state.store.place(handle, from: old)
            let filter = commit(place.handle, place.order, content.with(KeptOptions(packed: packed)))
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

    public func classify(_ packet: FlowBits) -> StoredFilter? {
        published.value { state.withLock { state in published.publish(state.table) } }.first(packet)?.filter
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
