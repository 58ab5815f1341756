public import ChangeLog
public import Routing

/// A kind of filter: what the filters of one proto compare, and how they are found.
///
/// One object a proto. It guards its filters by a lock of rank `proto` and commits each change within it, so that the numbers of
/// changes of one filter are in its order. A filter that someone has found stays as it is for as long as he holds it: what the
/// kernel's `put` is for, a reference count does here.
///
/// Source: kernel include/net/sch_generic.h `struct tcf_proto_ops`; seed R4-60…R4-67.
public protocol Classifier: AnyObject, Sendable {
    static var kind: String { get }
    /// Whether its filters may be changed by several at once. If not, all of its calls but `classify` and `image` are made with the
    /// global lock held (R4-61).
    static var isUnlocked: Bool { get }
    /// Whether a chain may demand of its filters that they compare no more than a template (R4-16).
    static var hasTemplates: Bool { get }

    /// What is under `options`, read before any lock is taken. Throws EINVAL.
    static func options(_ values: FlowMembers, _ protocol: EtherType) throws(FIBError) -> any FilterOptions

    /// Whether these options compare no more than a template's (R4-17).
    static func fits(_ options: any FilterOptions, _ template: any FilterOptions) -> Bool

    init(_ proto: ProtoIdentity, _ host: any TrafficHost)

    func filter(_ handle: UInt32) -> StoredFilter?

    /// Options in the form in which they are kept: what others have as well is shared with them.
    func kept(_ options: any FilterOptions) -> any FilterOptions

    /// A handle that no one else is given until `change` takes it or `giveBack` gives it back. Throws ENOSPC if there is none.
    func reserve() throws(Refusal) -> UInt32
    func giveBack(_ handle: UInt32)

    /// Adds a filter, or changes one.
    ///
    /// - Parameters:
    ///   - content: with its options as `kept` has them.
    ///   - old: the one that is to be changed. If it is no longer there, or there is one and none was expected, all begins anew.
    ///   - commit: numbers the change. Called once, under the lock, after nothing can fail any more, with the group that the filter
    ///     joins (`FilterPlace.group`; nil if it begins one).
    /// - Returns: as it is then.
    func change(
        _ content: FilterContent, handle: UInt32, from old: StoredFilter?,
        _ commit: (_ group: ChangeSequence?) -> StoredFilter
    ) throws(Refusal) -> StoredFilter

    /// Removes a filter. Throws ENOENT if someone else was first.
    ///
    /// - Returns: whether it was the last one.
    func delete(_ filter: StoredFilter, _ commit: () -> Void) throws(Refusal) -> Bool

    /// If it has no filters, it takes none from now on: who comes to add one begins anew (R4-66).
    func endIfEmpty() -> Bool

    /// Takes none from now on.
    func end()

    /// What a packet comes upon first; without a lock unless filters have just changed.
    func classify(_ packet: Packet) -> StoredFilter?

    /// In what a packet differs from what a filter is for, by the names of `options.keys`; empty if in nothing.
    func differences(_ filter: StoredFilter, _ packet: Packet) -> [String]

    /// All filters, in order of their handles.
    var image: Image<UInt64, StoredFilter> { get }
}

/// Why a request doesn't go on.
public enum Refusal: Error, Sendable {
    case error(FIBError)
    /// Another request was faster: it begins anew, with the global lock (the kernel's EAGAIN, R4-68). No one outside sees it.
    case again
    /// The same, as soon as something has gone that is in the way.
    case leaving

    static func of<Result>(_ body: () throws(FIBError) -> Result) throws(Refusal) -> Result {
        do throws(FIBError) {
            return try body()
        } catch {
            throw .error(error)
        }
    }
}
