public import ChangeLog
internal import Synchronization

/// A chain as it is kept.
public final class StoredChain: ImageValue {
    public let identity: ChainIdentity
    public let template: ChainTemplate?
    /// Whether someone made it, so that it stays without filters (R4-11).
    public let isExplicit: Bool
    public let version: ChangeSequence
    public let hash: EntryHash

    public init(
        _ identity: ChainIdentity, _ template: ChainTemplate?, isExplicit: Bool, version: ChangeSequence,
        hash: EntryHash
    ) {
        self.identity = identity
        self.template = template
        self.isExplicit = isExplicit
        self.version = version
        self.hash = hash
    }
}

/// What a filter is, but for where it is.
public final class FilterContent: Sendable {
    public let options: any FilterOptions
    public let flags: FilterFlags
    /// Class that packets are put in; 0 for none.
    public let classID: UInt32
    /// In order; each is held by the filter.
    public let actions: [Action]
    /// All of it but the actions, as the host tells it.
    public let text: [UInt8]

    public init(
        _ options: any FilterOptions, _ flags: FilterFlags, classID: UInt32, _ actions: [Action], text: [UInt8]
    ) {
        self.text = text
        self.options = options
        self.flags = flags
        self.classID = classID
        self.actions = actions
    }

    /// The same with options in another form, and the actions that there are of these kinds and indices.
    func with(_ options: any FilterOptions, _ actions: [Action]) -> FilterContent {
        FilterContent(options, flags, classID: classID, actions, text: text)
    }
}

/// What users say of where a filter belongs. Values are those of `TCA_CLS_FLAGS_…` (R4-80).
public struct FilterFlags: OptionSet, Hashable, Sendable {
    public let rawValue: UInt8
    public init(rawValue: UInt8) { self.rawValue = rawValue }
    /// Not for hardware.
    public static let skipHW = FilterFlags(rawValue: 1)
    /// For hardware alone.
    public static let skipSW = FilterFlags(rawValue: 2)
    /// Hardware's refusals are to be told.
    public static let verbose = FilterFlags(rawValue: 16)
}

/// A filter as it is kept. It never changes: one that is updated is another one with the same handle.
public final class StoredFilter: ImageValue {
    public let handle: UInt32
    public let content: FilterContent
    public let version: ChangeSequence
    public let hash: EntryHash
    public let place: FilterPlace
    /// Who of the hardware of its block has it, as `Offload` knows them. Nobody is told when that changes.
    private let holders = Synchronization.Atomic<UInt64>(0)

    /// How many devices have it (R4-82).
    public var hardwareCount: Int { taken.nonzeroBitCount }
    var taken: UInt64 { holders.load(ordering: .relaxed) }
    func setTaken(_ taken: UInt64) { holders.store(taken, ordering: .relaxed) }

    public init(
        _ handle: UInt32, _ content: FilterContent, _ place: FilterPlace, version: ChangeSequence, hash: EntryHash
    ) {
        self.handle = handle
        self.content = content
        self.place = place
        self.version = version
        self.hash = hash
    }
}

/// Where a filter stands among those of its proto, which is by when it came.
public struct FilterPlace: Hashable, Sendable {
    /// The number of the change that it came with; an update keeps that.
    public var born: ChangeSequence
    /// That of the first filter of its group: those that its kind looks for together, of flower those of one mask (R4-53).
    public var group: ChangeSequence

    public init(born: ChangeSequence, group: ChangeSequence) {
        self.born = born
        self.group = group
    }
}

/// What a classifier compares, as its kind understands it.
public protocol FilterOptions: Sendable {
    /// As `tc -json` has it under `options`, but for what all kinds have.
    var values: FlowMembers { get }
    /// How many packets it has agreed with, for kinds that count that.
    var hits: HitCounter? { get }
    /// Names of what a request gave and what doesn't count (R4-92). Nothing that is kept has any.
    var ignored: [String] { get }
}

extension FilterOptions {
    public var hits: HitCounter? { nil }
    public var ignored: [String] { [] }
}

/// Counts packets.
public final class HitCounter: Sendable {
    private let number = Synchronization.Atomic<UInt64>(0)
    public var count: UInt64 { number.load(ordering: .relaxed) }
    func add() { number.wrappingAdd(1, ordering: .relaxed) }
}
