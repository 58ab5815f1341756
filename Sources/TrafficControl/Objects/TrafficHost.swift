public import ChangeLog

/// What filters need of the system that they are part of.
public protocol TrafficHost: AnyObject, Sendable {
    /// Of an entry's canonical bytes.
    func hash(_ entry: TrafficEntry) -> EntryHash

    /// What a filter is under `options`, in the form in which the host tells it: made once, and kept with it.
    func text(of options: any FilterOptions, _ flags: FilterFlags, classID: UInt32, kind: String) -> [UInt8]

    /// Numbers changes, one behind the other and nothing between, each made once its number is known. It is called with the locks
    /// held under which they take effect, so that those of one object are numbered in their order; it must not call back.
    ///
    /// - Parameter removal: the number of the change that brings them about; nil if that is known by the block.
    func commit(
        _ count: Int, because removal: ChangeSequence?,
        _ make: (_ index: Int, _ number: ChangeSequence) -> TrafficChange)

    /// A part of something long is done: others may be told of it, and it may take a while until it goes on. Called with no lock held.
    func pause()

    /// Whether changes are numbered now. While they are made anew from a store, or taken back, they aren't: which chains others were
    /// told of is then told by changes of chains alone.
    var isNumbering: Bool { get }

    /// Now, in milliseconds since 1970.
    var now: UInt64 { get }
}

extension TrafficHost {
    func commit(_ count: Int, _ make: (_ index: Int, _ number: ChangeSequence) -> TrafficChange) {
        commit(count, because: nil, make)
    }
}

/// What is hashed of an object.
public enum TrafficEntry: Sendable {
    case chain(ChainIdentity, ChainTemplate?, isExplicit: Bool)
    case filter(ProtoIdentity, FilterContent, handle: UInt32)
    case action(ActionContent, index: UInt32, ActionMarks)
}

/// Something came, was changed, or went.
public enum TrafficChange: Sendable {
    case chain(old: StoredChain?, new: StoredChain?)
    case filter(ProtoIdentity, old: StoredFilter?, new: StoredFilter?)
    case action(Action, old: StoredAction?, new: StoredAction?)
}
