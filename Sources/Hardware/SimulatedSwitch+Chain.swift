public import ChangeLog
public import ControlPlane
public import Routing
internal import Threads

/// What the chain tells it.
extension SimulatedSwitch {
    public func replay(_ event: ChainEvent) throws(FIBError) {
        do throws(ChainVeto) {
            try account.withLock { (account) throws(ChainVeto) in
                switch event {
                case .route(let route): try account.counting?.admit(route)
                case .rule(_, _, let rule?): try account.counting?.admit(rule)
                case .nextHopObject(let namespace, let id, let object?):
                    try account.counting?.admit(object)
                    account.counting?.settle(namespace, id, object)
                default: break
                }
            }
        } catch {
            throw FIBError(
                .enospc, .notAdmitted,
                "\(name) can't begin with all that there is: \(error.message). Its device is gone until it is restarted "
                    + "with less, or with more capacity", rule: "R3-29")
        }
        take(event, .zero)
    }

    public func deliver(_ event: ChainEvent, _ sequence: ChangeSequence) {
        // What has no room waits in the chain's queue, which has its own bound.
        switch event {
        case .rule(_, let gone?, nil): withdraw(gone)
        case .nextHopObject(let namespace, let id, let object):
            account.withLock { $0.counting?.settle(namespace, id, object) }
        default: break
        }
        while state.withLock({ $0.isUp && $0.model.queueLength >= Self.queueLimit }) { room.wait(milliseconds: 10) }
        take(event, sequence)
    }

    /// Changes that wait in the pipeline, at 64 bytes each.
    private static var queueLimit: Int { 1 << 20 }

    private func take(_ event: ChainEvent, _ sequence: ChangeSequence) {
        let wasIdle = state.withLock { state in
            let wasIdle = state.model.queueLength == 0
            state.model.take(event, sequence, clock())
            return wasIdle
        }
        // What comes behind others is not done before them, and for these its thread is awake, or will be.
        if wasIdle { signal.raise() }
    }

    public func joined(at sequence: ChangeSequence) {
        state.withLock { state in
            state.isUp = true
            state.model.joined(at: sequence)
        }
        signal.raise()
    }

    public func dumpInconsistent() { forget() }

    public func fellBehind() {
        state.withLock { state in
            state.isUp = false
            state.orders.append(Order(.renew))
        }
        signal.raise()
    }

    /// As if it had never been told anything. What it is to count begins anew too, by the capacity of now (R3-25).
    func forget() {
        let settings = state.withLock { state in
            state.model.restart(state.settings)
            return state.settings
        }
        account.withLock { $0.counting = settings.profile == .netdevsim ? SwitchAccount(settings.capacity) : nil }
    }

    // MARK: Its say

    /// Only as the kernel's simulator: in other profiles, what has no room fails afterwards.
    public var isAsked: Bool { account.withLock { $0.counting != nil } }

    public func admit(_ event: RouteEvent) throws(ChainVeto) {
        try ask { (account) throws(ChainVeto) in try account.admit(event) }
    }

    public func admit(_ rule: PolicyRule) throws(ChainVeto) {
        try ask { (account) throws(ChainVeto) in try account.admit(rule) }
    }

    public func admit(_ object: NextHopObject) throws(ChainVeto) {
        try ask { (account) throws(ChainVeto) in try account.admit(object) }
    }

    private func ask(_ body: (inout SwitchAccount) throws(ChainVeto) -> Void) throws(ChainVeto) {
        try account.withLock { (account) throws(ChainVeto) in
            guard var counting = account.counting else { return }
            do throws(ChainVeto) {
                try body(&counting)
            } catch {
                account.vetoed += 1
                throw error
            }
            account.counting = counting
        }
    }

    public func withdraw(_ event: RouteEvent) { account.withLock { $0.counting?.withdraw(event) } }

    public func withdraw(_ object: NextHopObject) { account.withLock { $0.counting?.withdraw(object) } }

    public func withdraw(_ rule: PolicyRule) { account.withLock { $0.counting?.withdraw(rule) } }
}
