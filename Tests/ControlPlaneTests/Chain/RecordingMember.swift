import Addressing
import ChangeLog
import Routing
import TestSupport
import Threads

@testable import ControlPlane

/// A member of the chain that writes down what it hears, refuses what it is told to refuse, and can disturb its own dump.
final class RecordingMember: AdmittingMember {
    struct State {
        /// Of the replay that counts; in short, as `ChainEvent.short` says.
        var replayed: [String] = []
        var heard: [(text: String, sequence: ChangeSequence)] = []
        var dumpsInconsistent = 0
        var isBehind = false
        /// What it agreed to, less what was withdrawn.
        var admitted: [String] = []
    }

    let name: String
    private let state = Locked(State(), rank: .leaf)
    private let veto: @Sendable (RouteEvent) -> String?
    private let whileReplaying: @Sendable (_ entry: Int) throws(FIBError) -> Void
    /// Deliveries wait for it while it is closed.
    let door = WorkQueue<Void>(capacity: .max)
    private let isSlow: Bool

    /// - Parameter whileReplaying: called with each entry of a dump, numbered from 1.
    init(
        _ name: String = "recorder", isSlow: Bool = false,
        veto: @escaping @Sendable (RouteEvent) -> String? = { _ in nil },
        whileReplaying: @escaping @Sendable (Int) throws(FIBError) -> Void = { (_) throws(FIBError) in }
    ) {
        self.name = name
        self.isSlow = isSlow
        self.veto = veto
        self.whileReplaying = whileReplaying
    }

    var now: State { state.withLock { $0 } }
    var heard: [String] { now.heard.map(\.text) }

    func replay(_ event: ChainEvent) throws(FIBError) {
        // There always is one, which says nothing here.
        if case .namespace = event { return }
        let count = state.withLock { state in
            state.replayed.append(event.short)
            return state.replayed.count
        }
        try whileReplaying(count)
    }

    func dumpInconsistent() {
        state.withLock { state in
            state.dumpsInconsistent += 1
            state.replayed = []
        }
    }

    func deliver(_ event: ChainEvent, _ sequence: ChangeSequence) {
        if case .namespace = event { return }
        if isSlow { _ = door.take() }
        state.withLock { $0.heard.append((event.short, sequence)) }
    }

    func fellBehind() { state.withLock { $0.isBehind = true } }

    func admit(_ event: RouteEvent) throws(ChainVeto) {
        if let message = veto(event) { throw ChainVeto(message) }
        state.withLock { $0.admitted.append(event.short) }
    }

    func withdraw(_ event: RouteEvent) {
        state.withLock { state in
            if let index = state.admitted.lastIndex(of: event.short) { state.admitted.remove(at: index) }
        }
    }
}

extension ChainEvent {
    var short: String {
        switch self {
        case .namespace(let name, let settings): "namespace \(name)\(settings == nil ? " gone" : "")"
        case .link(let namespace, let name, let link): "link \(namespace) \(name)\(link == nil ? " gone" : "")"
        case .neighbour(let namespace, let device, let address, let neighbour):
            "neighbour \(namespace) \(device) \(address) \(neighbour?.state.name ?? "gone")"
        case .rule(let namespace, nil, let rule?): "rule \(namespace) \(rule.short)"
        case .rule(let namespace, let old?, let new):
            "rule \(namespace) \(old.short) now \(new?.short ?? "gone")"
        case .rule: "a rule of nothing"
        case .nextHopObject(let namespace, let id, let object):
            "nexthop \(namespace) \(id)\(object == nil ? " gone" : "")"
        case .route(let event): event.short
        case .nextHops(let event):
            "legs(/\(event.key.length) m\(event.key.metric) -\(event.died.map(\.device)) +\(event.revived.map(\.device)))"
        }
    }
}

extension PolicyRule {
    var short: String { "\(family.name) \(priority) \(table?.name ?? "\(action)")" }
}

extension RouteEvent {
    /// As the scenarios are written: R, A or D, and of the route what tells it from others of its prefix.
    var short: String {
        let letter =
            switch operation {
            case .replace: "R"
            case .append: "A"
            case .delete: "D"
            }
        let hops = nextHops.map { hop in hop.gateway.map { "\($0)" } ?? hop.device }.joined(separator: ",")
        let tos = key.tos == 0 ? "" : " tos \(key.tos)"
        return "\(letter)(/\(key.length) m\(key.metric)\(tos) \(hops))"
    }
}
