public import ChangeLog
internal import Routing
internal import Synchronization
internal import Threads

/// Filters of one namespace: changes them, as many at once as their kinds allow.
///
/// Lock order: gate, global lock, chain, block, protos being destroyed, proto, actions, which blocks there are (R4-60). A request that
/// must begin anew gives all of them up, the gate too.
public final class Traffic: Sendable {
    /// The one lock of all namespaces that classifiers take who can't do without (R4-61).
    public final class GlobalLock: Sendable {
        fileprivate let lock = Locked((), rank: .global)
        public init() {}
    }

    /// What of a request is otherwise than mostly.
    public struct Access: OptionSet, Sendable {
        public let rawValue: UInt8
        public init(rawValue: UInt8) { self.rawValue = rawValue }
        /// The caller holds the gate exclusively, and has seen that all blocks concerned are quiet.
        public static let exclusive = Access(rawValue: 1)
        /// It is a part of the end of its block, which others take for gone.
        public static let ending = Access(rawValue: 2)
    }

    public let actions: ActionTables
    let host: any TrafficHost
    let kinds: ClassifierKinds
    private let gate: Gate
    private let global: GlobalLock
    /// Whether every request takes the global lock, as all did before: for who compares.
    private let isSerial: Bool
    /// Whether all of it is going.
    let isClosed = Atomic<Bool>(false)
    let surroundings = Locked(Surroundings(), rank: .surroundings)
    let blocks = Locked(Blocks(), rank: .blocks)

    struct Blocks {
        var there: [BlockIdentity.Place: Block] = [:]
        /// Those that a draft has removed, which come back if nothing comes of it.
        var parted: [BlockIdentity.Place: Block] = [:]
    }

    public init(
        _ host: any TrafficHost, gate: Gate, global: GlobalLock, kinds: ClassifierKinds = ClassifierKinds(),
        isSerial: Bool = false
    ) {
        self.host = host
        self.gate = gate
        self.global = global
        self.kinds = kinds
        self.isSerial = isSerial
        actions = ActionTables(host)
    }

    /// What is still there holds each other: blocks their chains, these their protos, and the other way round.
    deinit {
        for block in blocks.withLock({ Array($0.there.values) }) { block.dismantle() }
        actions.dismantle()
    }

    /// Makes a request, as often as something is in its way that is just going (R4-68). The lock is taken and given back here and
    /// nowhere else (R4-62).
    ///
    /// - Parameters:
    ///   - block: nil if it is about none, and so never in the way of one.
    ///   - isUnlocked: whether it may do without the global lock.
    func request<Result>(
        in block: Block?, isUnlocked: Bool, _ access: Access, _ attempt: () throws(Refusal) -> Result
    ) throws(FIBError) -> Result {
        var isUnlocked = isUnlocked && !isSerial
        while true {
            let departures = block?.departures.withLock { $0 }
            do throws(Refusal) {
                if access.contains(.exclusive) {
                    try checkIsThere(block, access)
                    return try attempt()
                }
                return try gate.withShared { () throws(Refusal) in
                    try checkIsThere(block, access)
                    if isUnlocked { return try attempt() }
                    return try global.lock.withLock { (_) throws(Refusal) in try attempt() }
                }
            } catch {
                switch error {
                case .error(let error): throw error
                case .again: break
                // What is in the way goes without anyone's help.
                case .leaving:
                    precondition(!access.contains(.exclusive), "something is on its way out of a block that is quiet")
                    _ = block?.departures.wait(seconds: 1) { $0 == departures ? nil : $0 }
                }
            }
            isUnlocked = false
        }
    }

    /// The block as it is while no draft is at work; nil if there is none. May wait for one.
    public func settledBlock(_ place: BlockIdentity.Place) -> Block? { gate.withShared { block(place) } }

    private func checkIsThere(_ block: Block?, _ access: Access) throws(Refusal) {
        if access.contains(.ending) { return }
        if let block, block.isOnItsWayOut { throw .error(Self.blockMissing(block.identity)) }
        guard isClosed.load(ordering: .relaxed) else { return }
        throw .error(FIBError(.enoent, .namespaceNotFound, "the namespace is being removed"))
    }

    static func blockMissing(_ block: BlockIdentity) -> FIBError {
        FIBError(
            .einval, .blockNotFound, "there is no block \(block.place) in \(block.namespace)", rule: "R4-04")
    }
}
