public import ChangeLog
public import Routing

/// A filter as a request says it.
public struct FilterWrite: Sendable {
    public enum Verb: String, CaseIterable, Sendable {
        /// It must not be there.
        case add
        /// Made if it isn't there.
        case replace
        /// It must be there.
        case change

        var isCreating: Bool { self != .change }
    }

    public var verb = Verb.add
    public var chain: UInt32 = 0
    /// Nil for one that is found (R4-40).
    public var priority: UInt16?
    public var `protocol`: EtherType?
    public var kind: String?
    /// Nil for the first that is free.
    public var handle: UInt32?
    /// What is under `options`, but for what all kinds have; nil if nothing is said.
    public var options: FlowMembers?
    public var flags: FilterFlags = []
    public var classID: UInt32 = 0
    public var actions: [ActionDraft] = []
    /// Throws if what is there, or that nothing is, isn't as the request wants it.
    public var check: @Sendable (StoredFilter?) throws(FIBError) -> Void = { _ in }

    public init() {}

    /// Links that packets must have come in by.
    public var inputDevices: [String] {
        var named = [options?["indev"]?.text]
        if case .object(let keys)? = options?["keys"] { named.append(keys["indev"]?.text) }
        return named.compactMap(\.self)
    }
}

/// What a request for a filter came to.
public struct FilterResult: Sendable {
    public let proto: ProtoIdentity
    public let old: StoredFilter?
    public let new: StoredFilter
    /// Names of keys that don't count, since packets that agree with the others have no such field (R4-92).
    public let ignored: [String]
    /// The number of the last change that it brought about.
    public let last: ChangeSequence
}
