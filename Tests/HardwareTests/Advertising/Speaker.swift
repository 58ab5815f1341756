import ChangeLog
import Routing

/// `Speaker` of `examples/advertise.py` once more: what to announce to a peer, decided from the frames of a stream.
struct Speaker {
    /// What of a frame it looks at.
    enum Frame {
        case hello(isReplay: Bool, devices: [String])
        /// The first route of the prefix is this one, or there is none any more.
        case route(ObjectName, Route?)
        case device(String, generation: ChangeSequence?)
        case sync
    }

    struct Route {
        let version: ChangeSequence
        /// What devices have said of this version, or are still to say, by their names.
        var states: [String: HardwareState]
    }

    /// A mistake that it could make; by these the simulation shows that it finds such.
    enum Mistake: CaseIterable {
        /// What was announced stays so, whatever takes its place.
        case ignoresVersions
        case ignoresRestarts
        /// Believes what a device has said that has gone.
        case ignoresRemovals
        /// Announces what is still pending as well.
        case isHasty
        /// One device's word is enough.
        case asksOneDevice
        /// After a cut it goes on as if nothing could have happened meanwhile.
        case trustsAcrossCuts
        /// A replay adds to what it knows.
        case keepsOldRows
        /// Withdraws a route that has failed only when it goes.
        case ignoresFailures
    }

    private(set) var announced: [ObjectName: ChangeSequence] = [:]
    private var routes: [ObjectName: Route] = [:]
    private var isWhole = false
    private let mistake: Mistake?

    init(_ mistake: Mistake? = nil) { self.mistake = mistake }

    mutating func take(_ frame: Frame) {
        switch frame {
        case .hello(let isReplay, let devices): greet(isReplay, devices)
        case .route(let name, let route):
            routes[name] = route
            settle(name)
        case .device(let name, let generation): begin(name, generation)
        case .sync:
            if isWhole { return }
            isWhole = true
            for name in routes.keys { settle(name) }
        }
    }

    /// The stream has ended.
    mutating func cut() {
        if mistake == .trustsAcrossCuts { return }
        isWhole = false
        announced = [:]
    }

    private mutating func greet(_ isReplay: Bool, _ devices: [String]) {
        cut()
        if isReplay {
            announced = [:]
            if mistake != .keepsOldRows { routes = [:] }
            isWhole = false
        }
        for name in Set(routes.values.flatMap(\.states.keys)).subtracting(devices) { begin(name, nil) }
    }

    private mutating func begin(_ device: String, _ generation: ChangeSequence?) {
        if mistake == (generation == nil ? .ignoresRemovals : .ignoresRestarts) { return }
        for name in routes.keys where routes[name]?.states[device] != nil {
            routes[name]?.states[device] = generation == nil ? nil : .pending
            settle(name)
        }
    }

    private mutating func settle(_ name: ObjectName) {
        let route = routes[name]
        let isReady = isWhole && (route.map { isInHardware($0.states.values.filter { $0 != .none }) } ?? false)
        if let version = announced[name] {
            let holds = isReady && version == route?.version
            let isOverlooked =
                mistake == .ignoresVersions && route != nil
                || mistake == .ignoresFailures && route?.version == version
                    && (route?.states.values.contains(.failed) ?? false)
            if !holds, !isOverlooked { announced[name] = nil }
        }
        if isReady, announced[name] == nil { announced[name] = route?.version }
    }

    private func isInHardware(_ states: [HardwareState]) -> Bool {
        func isThere(_ state: HardwareState) -> Bool {
            switch state {
            case .offload, .trap, .offloadAndTrap: true
            case .pending: mistake == .isHasty
            case .none, .failed: false
            }
        }
        if mistake == .asksOneDevice { return states.contains(where: isThere) }
        return !states.isEmpty && states.allSatisfy(isThere)
    }
}
