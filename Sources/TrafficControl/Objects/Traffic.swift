public import ChangeLog
internal import Routing
internal import Threads

/// Filters of one namespace: changes them, as many at once as their kinds allow.
///
/// Lock order: gate, global lock, chain, block, protos being destroyed, proto, actions (R4-60). A request that must begin anew gives
/// all of them up, the gate too.
public final class Traffic: Sendable {
    /// The one lock of all namespaces that classifiers take who can't do without (R4-61).
    public final class GlobalLock: Sendable {
        fileprivate let lock = Locked((), rank: .global)
        public init() {}
    }

    public let actions: ActionTables
    let host: any TrafficHost
    let kinds: ClassifierKinds
    private let gate: Gate
    private let global: GlobalLock
    /// Whether every request takes the global lock, as all did before: for who compares.
    private let isSerial: Bool

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

    public func block(_ identity: BlockIdentity) -> Block { Block(identity, host) }

    /// Makes a request, as often as something is in its way that is just going (R4-68). The lock is taken and given back here and
    /// nowhere else (R4-62).
    ///
    /// - Parameters:
    ///   - block: nil if it is about none, and so never in the way of one.
    ///   - isUnlocked: whether it may do without the global lock.
    func request<Result>(
        in block: Block?, isUnlocked: Bool, _ attempt: () throws(Refusal) -> Result
    ) throws(FIBError) -> Result {
        var isUnlocked = isUnlocked && !isSerial
        while true {
            let departures = block?.departures.withLock { $0 }
            do throws(Refusal) {
                return try gate.withShared { () throws(Refusal) in
                    if isUnlocked { return try attempt() }
                    return try global.lock.withLock { (_) throws(Refusal) in try attempt() }
                }
            } catch {
                switch error {
                case .error(let error): throw error
                case .again: break
                // What is in the way goes without anyone's help.
                case .leaving: _ = block?.departures.wait(seconds: 1) { $0 == departures ? nil : $0 }
                }
            }
            isUnlocked = false
        }
    }
}
