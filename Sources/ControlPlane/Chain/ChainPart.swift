internal import Addressing
internal import ChangeLog
internal import Routing
internal import Threads

/// How often the chain was called for one namespace, by family (R2-20). Only compared for equality (R2-21).
///
/// Moved under the namespace's lock within the shared gate, and read within the exclusive one: the release of each shared hold
/// happens before the acquisition of the exclusive one, so who reads it sees every call of every write that had begun, and
/// none of one that is half done (R2-23). That is what makes the comparison sound that registration rests on; in the kernel
/// the RTNL mutex gives the same guarantee.
struct ChainCounters: Hashable {
    private var inet: UInt64 = 0
    private var inet6: UInt64 = 0
    private var objects: UInt64 = 0

    mutating func count(_ family: AddressFamily) {
        if family == .inet { inet += 1 } else { inet6 += 1 }
    }

    /// Of a link, a neighbour, or the namespace's settings.
    mutating func countObject() { objects += 1 }

    var sum: UInt64 { inet + inet6 + objects }
}

/// What the notifier chain has to do with one namespace. Under the namespace's lock.
struct ChainPart {
    var calls = ChainCounters()
    /// In the order of their registration (R2-52). They change within the exclusive gate only.
    var guards: [any AdmittingMember] = []

    /// Calls the chain for a change that is about to be made: counts, and asks who may refuse.
    ///
    /// - Returns: what has been admitted, if anyone was asked; who then doesn't make the change withdraws it.
    @discardableResult
    mutating func call(
        _ edit: RouteEdit, _ table: TableIdentity, _ best: BestChange, _ hash: EntryHash
    ) throws(FIBError) -> Admission? {
        // Refused or not (R2-20).
        count(best, table.family)
        guard !guards.isEmpty, edit.info != nil else { return nil }
        let change = Change(edit, table, best, hash, sequence: .zero, batch: nil)
        guard case .route(let route) = change.object, let event = RouteEvent(route) else { return nil }
        return try ask(.route(event))
    }

    /// The same for a rule that is about to be added (R2-57).
    mutating func call(_ rule: PolicyRule) throws(FIBError) -> Admission? {
        countObject()
        return guards.isEmpty ? nil : try ask(.rule(rule))
    }

    /// The same for a nexthop that is about to come, or to take the place of another one.
    mutating func call(_ object: NextHopObject) throws(FIBError) -> Admission? {
        countObject()
        return guards.isEmpty ? nil : try ask(.nextHop(object))
    }

    /// A call that no one is asked about; none if the first of the prefix stays as it is (R2-22).
    mutating func count(_ best: BestChange, _ family: AddressFamily) {
        if case .none = best { return }
        calls.count(family)
    }

    mutating func countObject() { calls.countObject() }

    private func ask(_ subject: Admission.Subject) throws(FIBError) -> Admission {
        var admission = Admission(subject: subject)
        for member in guards {
            do throws(ChainVeto) {
                switch subject {
                case .route(let event): try member.admit(event)
                case .rule(let rule): try member.admit(rule)
                case .nextHop(let object): try member.admit(object)
                }
            } catch {
                admission.withdraw()
                throw FIBError(.enospc, .notAdmitted, "\(member.name) refuses: \(error.message)", rule: "R2-58")
            }
            admission.members.append(member)
        }
        return admission
    }
}

/// What members have agreed to.
struct Admission {
    fileprivate enum Subject {
        case route(RouteEvent)
        case rule(PolicyRule)
        case nextHop(NextHopObject)
    }

    fileprivate let subject: Subject
    fileprivate var members: [any AdmittingMember] = []

    func withdraw() {
        for member in members.reversed() {
            switch subject {
            case .route(let event): member.withdraw(event)
            case .rule(let rule): member.withdraw(rule)
            case .nextHop(let object): member.withdraw(object)
            }
        }
    }
}

/// What members have agreed to of a draft. It is withdrawn with the last copy of the draft, unless that was committed.
final class Admissions: Sendable {
    private let all = Locked<[Admission]>([], rank: .leaf)

    func add(_ admission: Admission) { all.withLock { $0.append(admission) } }
    func commit() { all.withLock { $0 = [] } }

    deinit {
        for admission in all.withLock({ $0 }).reversed() { admission.withdraw() }
    }
}
