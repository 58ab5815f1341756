import Addressing
import ChangeLog
import Routing
import TestSupport
import Threads

@testable import ControlPlane

/// A member that keeps what the chain tells it, as a device would, and notices what must not happen.
final class ChainMirror: AdmittingMember {
    /// The first route of a prefix, as far as a member can know it.
    struct First: Equatable {
        var metric: UInt32
        var tos: UInt8
        var type: RouteType
        var hops: [NextHop]
        var nextHopID: UInt32 = 0
    }

    struct Place: Hashable {
        let namespace: String
        let table: TableID
        let prefix: Prefix
    }

    struct State {
        var firsts: [Place: First] = [:]
        var rules: Set<String> = []
        /// By namespace and id.
        var nextHops: [String: NextHopObject] = [:]
        var latest = ChangeSequence.zero
        var dumpsInconsistent = 0
        var isBehind = false
        var complaints: [String] = []
        /// How many prefixes it has agreed to and not heard of since.
        var replayedRoutes = 0
        var admitted = 0
        var withdrawn = 0

        mutating func take(_ old: PolicyRule?, _ new: PolicyRule?, of namespace: String) {
            if let old, rules.remove("\(namespace) \(old)") == nil { complaints.append("\(old) went and wasn't there") }
            if let new, !rules.insert("\(namespace) \(new)").inserted { complaints.append("\(new) came twice") }
        }
    }

    let name: String
    let scope: ChainScope
    private let state = Locked(State(), rank: .leaf)
    private let refuses: @Sendable (RouteEvent) -> Bool
    private let whileReplaying: @Sendable () throws(FIBError) -> Void
    private let door: WorkQueue<Void>?

    /// - Parameter door: deliveries wait for what is put there, one each; once it is closed they don't.
    init(
        _ name: String, _ scope: ChainScope, door: WorkQueue<Void>?,
        refuses: @escaping @Sendable (RouteEvent) -> Bool,
        whileReplaying: @escaping @Sendable () throws(FIBError) -> Void
    ) {
        self.name = name
        self.scope = scope
        self.door = door
        self.refuses = refuses
        self.whileReplaying = whileReplaying
    }

    var now: State { state.withLock { $0 } }

    func forget() {
        state.withLock { state in
            state.firsts = [:]
            state.rules = []
            state.nextHops = [:]
            state.isBehind = false
        }
    }

    func replay(_ event: ChainEvent) throws(FIBError) {
        state.withLock { state in
            switch event {
            case .namespace, .link, .neighbour, .nextHops: break
            case .rule(let namespace, let old, let new): state.take(old, new, of: namespace)
            case .nextHopObject(let namespace, let id, let object): state.nextHops["\(namespace) \(id)"] = object
            case .route(let event):
                let place = Place(event)
                if state.firsts[place] != nil { state.complaints.append("\(place) came twice in a replay") }
                if event.operation != .replace { state.complaints.append("a replay with \(event.operation)") }
                state.take(event, place)
            }
        }
        try whileReplaying()
    }

    func dumpInconsistent() {
        forget()
        state.withLock { $0.dumpsInconsistent += 1 }
    }

    func deliver(_ event: ChainEvent, _ sequence: ChangeSequence) {
        if let door { _ = door.take() }
        if case .rule(let namespace, let old, let new) = event {
            state.withLock { $0.take(old, new, of: namespace) }
        }
        if case .nextHopObject(let namespace, let id, let object) = event {
            state.withLock { $0.nextHops["\(namespace) \(id)"] = object }
        }
        guard case .route(let event) = event else { return }
        state.withLock { state in
            if sequence <= state.latest { state.complaints.append("\(sequence) after \(state.latest)") }
            if !scope.includes(event.table.namespace) { state.complaints.append("of \(event.table.namespace)") }
            state.latest = sequence
            state.take(event, Place(event))
        }
    }

    func fellBehind() { state.withLock { $0.isBehind = true } }

    func admit(_ event: RouteEvent) throws(ChainVeto) {
        if refuses(event) { throw ChainVeto("it doesn't like \(event.short)") }
        state.withLock { $0.admitted += 1 }
    }

    func withdraw(_ event: RouteEvent) { state.withLock { $0.withdrawn += 1 } }
}

extension ChainMirror.State {
    mutating func take(_ event: RouteEvent, _ place: ChainMirror.Place) {
        let first = ChainMirror.First(
            metric: event.key.metric, tos: event.key.tos, type: event.route.info.type,
            hops: event.route.info.nextHops, nextHopID: event.route.info.fields.nextHopID)
        switch event.operation {
        case .replace: firsts[place] = first
        case .append:
            let before = first.hops.dropLast(event.nextHops.count)
            if firsts[place]?.hops != Array(before) { complaints.append("\(event.short) after \(before)") }
            firsts[place] = first
        case .delete:
            if firsts[place] != first { complaints.append("\(event.short) of something else") }
            firsts[place]?.hops.removeAll { event.nextHops.contains($0) }
            if event.nextHops == event.route.info.nextHops { firsts[place] = nil }
        }
    }
}

extension ChainMirror.Place {
    init(_ event: RouteEvent) {
        namespace = event.table.namespace
        table = event.table.id
        prefix = event.key.prefix(event.table.family)
    }
}
