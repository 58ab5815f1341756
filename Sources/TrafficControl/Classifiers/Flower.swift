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
        var ignored: [String] { match.ignored }

        var values: FlowMembers { Flower.values(match.values) }
    }

    /// The same as it is kept, with less room.
    final class KeptOptions: FilterOptions {
        let packed: PackedMatch
        var values: FlowMembers { Flower.values(packed.values) }

        init(_ packed: PackedMatch) { self.packed = packed }
    }

    /// A filter in its table.
    struct Entry: FlowEntry {
        let filter: StoredFilter
        let options: KeptOptions
        var packed: PackedMatch { options.packed }
        var place: FilterPlace { filter.place }
        var hash: EntryHash { filter.hash }
        var isPassedOver: Bool { filter.content.flags.contains(.skipSW) }

        init(_ filter: StoredFilter) {
            guard let options = filter.content.options as? KeptOptions else {
                preconditionFailure("options of another kind, or not as they are kept")
            }
            (self.filter, self.options) = (filter, options)
        }

        static func === (a: Entry, b: Entry) -> Bool { a.filter === b.filter }
    }

    private struct State {
        var store = FilterStore(last: UInt32(Int32.max))
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
        _ values: FlowMembers, _ protocol: EtherType
    ) throws(FIBError) -> any FilterOptions {
        guard case .object(var keys) = values["keys"] ?? .object([:]) else {
            throw FlowMatch.invalid("keys are an object")
        }
        for member in values where member.name != "keys" {
            let name = member.name
            guard besideKeys.contains(name) else { throw FlowMatch.invalid("flower has no option '\(name)'") }
            guard keys[name] ?? member.value == member.value else {
                throw FlowMatch.invalid("\(name) is another one than that of keys")
            }
            keys[name] = member.value
        }
        return Options(match: try FlowMatch(keys, protocol: `protocol`))
    }

    /// Keys that `tc -json` has beside the others.
    private static let besideKeys = ["indev", "l2_miss"]

    private static func values(_ all: FlowMembers) -> FlowMembers {
        var keys = all
        var values: FlowMembers = [:]
        for name in besideKeys {
            guard let value = keys[name] else { continue }
            (values[name], keys[name]) = (value, nil)
        }
        values["keys"] = .object(keys)
        return values
    }

    public static func fits(_ options: any FilterOptions, _ template: any FilterOptions) -> Bool {
        guard let options = options as? Options, let template = template as? Options else { return false }
        return options.match.isWithin(template.match)
    }

    public func filter(_ handle: UInt32) -> StoredFilter? { state.withLock { $0.store[handle] } }

    public func kept(_ options: any FilterOptions) -> any FilterOptions {
        switch options {
        case let options as Options:
            let mask = state.withLock { $0.table.mask(of: options.match) }
            return KeptOptions(PackedMatch(options.match, mask))
        // Those that were kept come back where a change is made anew.
        case let kept as KeptOptions: return self.kept(Options(match: kept.packed.match))
        default: preconditionFailure("options of another kind")
        }
    }

    public func reserve() throws(Refusal) -> UInt32 {
        try state.withLock { (state) throws(Refusal) in try state.store.reserve() }
    }

    public func giveBack(_ handle: UInt32) { state.withLock { $0.store.giveBack(handle) } }

    public func change(
        _ content: FilterContent, handle: UInt32, from old: StoredFilter?,
        _ commit: (_ group: ChangeSequence?) -> StoredFilter
    ) throws(Refusal) -> StoredFilter {
        guard let packed = (content.options as? KeptOptions)?.packed else {
            preconditionFailure("options of another kind, or not as they are kept")
        }
        let former = old.map { Entry($0) }
        return try state.withLock { (state) throws(Refusal) in
            try state.store.check(handle, from: old)
            if let former, former.packed.mask != packed.mask {
                throw .error(FlowMatch.invalid("an update can't compare other bits than before", rule: "R4-91"))
            }
            if let other = state.table.entry(sameAs: packed), other.filter !== old {
                let message = "filter \(other.filter.handle) of this priority is for the same packets"
                throw .error(FIBError(.eexist, .filterExists, message, rule: "R4-90"))
            }
            let filter = commit(state.table.group(packed.mask))
            state.store.put(filter)
            if let former {
                state.table.replace(former, with: Entry(filter))
            } else {
                state.table.insert(Entry(filter))
            }
            published.change()
            return filter
        }
    }

    public func delete(_ filter: StoredFilter, _ commit: () -> Void) throws(Refusal) -> Bool {
        try state.withLock { (state) throws(Refusal) in
            try state.store.remove(filter)
            state.table.remove(Entry(filter))
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
        Entry(filter).packed.match.differences(packet)
    }

    public var image: Image<UInt64, StoredFilter> { state.withLock { $0.store.image } }

    /// Stops the process if its filters aren't the same by handle and by what they compare.
    public func _checkInvariants() {
        state.withLock { state in
            state.table._checkInvariants()
            precondition(state.table.count == state.store.image.count, "\(state.table.count) filters in the table")
            var filters = state.store.image.cursor()
            while let (_, filter) = filters.next() {
                precondition(
                    state.table.entry(sameAs: Entry(filter).packed)?.filter === filter, "filter \(filter.handle)")
            }
        }
    }
}
