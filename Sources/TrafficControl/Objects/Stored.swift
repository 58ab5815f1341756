public import ChangeLog

/// A chain as it is kept.
public final class StoredChain: ImageValue {
    public let identity: ChainIdentity
    public let template: ChainTemplate?
    public let version: ChangeSequence
    public let hash: EntryHash

    init(_ identity: ChainIdentity, _ template: ChainTemplate?, version: ChangeSequence, hash: EntryHash) {
        self.identity = identity
        self.template = template
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

    init(_ options: any FilterOptions, _ flags: FilterFlags, classID: UInt32 = 0, _ actions: [Action]) {
        self.options = options
        self.flags = flags
        self.classID = classID
        self.actions = actions
    }

    /// The same with options in another form.
    func with(_ options: any FilterOptions) -> FilterContent {
        FilterContent(options, flags, classID: classID, actions)
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
    /// When it came, among those of its proto; an update keeps that.
    let order: UInt64

    init(_ handle: UInt32, _ content: FilterContent, order: UInt64, version: ChangeSequence, hash: EntryHash) {
        self.handle = handle
        self.content = content
        self.order = order
        self.version = version
        self.hash = hash
    }
}

/// What a classifier compares, as its kind understands it.
public protocol FilterOptions: Sendable {
    /// As `tc -json` has it under `options`, but for what all kinds have.
    var values: [String: FlowValue] { get }
}
