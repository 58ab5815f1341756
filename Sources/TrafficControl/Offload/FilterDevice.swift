/// Hardware that may take filters. It is asked within the request, as the callbacks of a block are in the kernel.
///
/// Called by many threads at once, with locks held: it may count, and refuse, and nothing else.
///
/// Source: kernel include/net/pkt_cls.h `tc_setup_cb_add`; R4-80…R4-87.
public protocol FilterDevice: AnyObject, Sendable {
    var name: String { get }

    /// It takes the filter from now on.
    func admit(_ filter: OfferedFilter) throws(FilterVeto)

    /// One that it has taken is not to be there any more.
    func remove(_ filter: OfferedFilter)

    /// What the filters of a chain may compare: a hint (R4-18).
    func prepare(_ chain: ChainIdentity, _ template: ChainTemplate)

    /// There will be no such filters any more.
    func forget(_ chain: ChainIdentity, _ template: ChainTemplate)
}

extension FilterDevice {
    public func prepare(_ chain: ChainIdentity, _ template: ChainTemplate) {}
    public func forget(_ chain: ChainIdentity, _ template: ChainTemplate) {}
}

/// A filter as hardware is offered it.
public struct OfferedFilter: Sendable {
    public let proto: ProtoIdentity
    public let content: FilterContent
}

/// Why hardware doesn't take a filter.
public struct FilterVeto: Error, Hashable, Sendable {
    /// One sentence for a person: what there is no room for, and how much there is.
    public let message: String
    public init(_ message: String) { self.message = message }
}

extension FilterContent {
    /// Of its actions, one that no hardware does; nil if there is none (R4-84).
    var unsupportedAction: Action? { actions.first { !$0.stored.content.isForHardware } }
}

extension ActionContent {
    /// R4-84.
    var isForHardware: Bool {
        guard case .gact(let gact) = self else { return true }
        switch gact.control {
        case .continue, .reclassify, .pipe: return false
        default: return gact.random == nil
        }
    }
}
