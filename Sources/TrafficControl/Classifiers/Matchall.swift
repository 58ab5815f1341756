public import ChangeLog
public import Routing
internal import Threads

/// A filter for all packets of a protocol. It can't do without the global lock.
///
/// Source: kernel net/sched/cls_matchall.c; R4-44, R4-94.
public final class Matchall: Classifier {
    struct Options: FilterOptions {
        /// R4-94.
        let hits: HitCounter? = HitCounter()
        var values: FlowMembers { [:] }
    }

    public static let kind = "matchall"
    public static let isUnlocked = false
    public static let hasTemplates = false

    /// For who looks at it without the global lock.
    private let state = Locked(FilterStore(last: 1), rank: .proto)

    public init(_ proto: ProtoIdentity, _ host: any TrafficHost) {}

    public static func options(
        _ values: FlowMembers, _ protocol: EtherType
    ) throws(FIBError) -> any FilterOptions {
        if let unknown = values.names.first { throw FlowMatch.invalid("matchall has no option '\(unknown)'") }
        return Options()
    }

    public static func fits(_ options: any FilterOptions, _ template: any FilterOptions) -> Bool { false }

    public func filter(_ handle: UInt32) -> StoredFilter? { state.withLock { $0[handle] } }

    public func kept(_ options: any FilterOptions) -> any FilterOptions { options }

    public func reserve() -> UInt32 { 1 }
    public func giveBack(_ handle: UInt32) {}

    public func change(
        _ content: FilterContent, handle: UInt32, from old: StoredFilter?,
        _ commit: (_ group: ChangeSequence?) -> StoredFilter
    ) throws(Refusal) -> StoredFilter {
        try state.withLock { (store) throws(Refusal) in
            guard store.image.isEmpty else {
                throw .error(
                    FIBError(
                        .eexist, .filterExists, "a priority has one filter of matchall, and no update of it",
                        rule: "R4-94"))
            }
            try store.check(handle, from: old)
            let filter = commit(nil)
            store.put(filter)
            return filter
        }
    }

    public func delete(_ filter: StoredFilter, _ commit: () -> Void) throws(Refusal) -> Bool {
        try state.withLock { (store) throws(Refusal) in
            try store.remove(filter)
            commit()
            return true
        }
    }

    public func endIfEmpty() -> Bool {
        state.withLock { store in
            if store.image.isEmpty { store.end() }
            return store.image.isEmpty
        }
    }

    public func end() { state.withLock { $0.end() } }

    public func classify(_ packet: Packet) -> StoredFilter? {
        state.withLock { store in
            guard let filter = store.image.first(from: 0)?.value else { return nil }
            return filter.content.flags.contains(.skipSW) ? nil : filter
        }
    }

    public func differences(_ filter: StoredFilter, _ packet: Packet) -> [String] { [] }

    public var image: Image<UInt64, StoredFilter> { state.withLock { $0.image } }
}
