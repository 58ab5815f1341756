import ChangeLog
import ControlPlane
import Glibc
import Hardware
import Routing
import Threads

/// A member that reports `offload` of every route that it is told of, on its own thread, some at a time; or that only counts
/// them, without a device.
final class ReportingMember: ChainMember {
    private struct State {
        var pending: [HardwareReport] = []
        var heard = 0
        var reported = 0
        var refused = 0
        var isBehind = false
    }

    static let reportsAtOnce = 256

    let name = "asic"
    private let plane: ControlPlane
    private let device: Device?
    private let last: Int
    private let state = Locked(State(), rank: .leaf)

    /// - Parameter last: after so many routes, it reports what it has.
    init(_ plane: ControlPlane, isDevice: Bool, last: Int) throws {
        self.plane = plane
        self.last = last
        device = isDevice ? plane.addDevice(name, RouteSelection()) : nil
        try plane.register(self, scope: .all)
    }

    var heard: Int { state.withLock { $0.heard } }
    var reported: Int { state.withLock { $0.reported } }
    var refused: Int { state.withLock { $0.refused } }
    var isBehind: Bool { state.withLock { $0.isBehind } }

    func replay(_ event: ChainEvent) {}
    func dumpInconsistent() {}
    func fellBehind() { state.withLock { $0.isBehind = true } }

    func deliver(_ event: ChainEvent, _ sequence: ChangeSequence) {
        guard case .route(let event) = event, event.operation != .delete else { return }
        let due: [HardwareReport] = state.withLock { state in
            state.heard += 1
            guard device != nil else { return [] }
            state.pending.append(
                HardwareReport(event.table, event.key, version: event.route.version, state: .offload))
            guard state.pending.count == Self.reportsAtOnce || state.heard == last else { return [] }
            defer { state.pending.removeAll(keepingCapacity: true) }
            return state.pending
        }
        if !due.isEmpty { report(due) }
    }

    private func report(_ reports: [HardwareReport]) {
        guard let device, let outcomes = try? plane.report(reports, by: device.line).outcomes else {
            preconditionFailure("reports are refused")
        }
        state.withLock { state in
            for outcome in outcomes {
                if case .changed = outcome { state.reported += 1 } else { state.refused += 1 }
            }
        }
    }
}

/// What it costs who writes that a device answers for every route, when no one listens to what it says.
enum Feedback {
    enum Audience: String, CaseIterable {
        case none = "no one"
        case member = "a member that counts"
        case device = "a device that reports"
        case simulated = "a simulated switch"
    }

    static let writes = 1_000_000

    static func measure() throws {
        print("one thread makes \(writes) new routes beside | writes/s | of those beside no one | reported by then")
        var rates: [Audience: [Double]] = [:]
        var reported: [Double] = []
        for _ in 1...3 {
            for audience in Audience.allCases {
                let (rate, share) = try measure(audience)
                rates[audience, default: []].append(rate)
                if audience == .device { reported.append(share) }
            }
        }
        let alone = rates[.none] ?? []
        for audience in Audience.allCases {
            let mine = rates[audience] ?? []
            let ratio = median(zip(mine, alone).map { $0 / $1 })
            let share = audience == .device ? "\(Int(median(reported) * 100)) %" : ""
            print("\(audience.rawValue) | \(shown(median(mine))) | \((ratio * 100).rounded() / 100) | \(share)")
        }
    }

    /// Reports of all routes, which are there already, by one thread that does nothing else.
    static func measureReports() throws {
        let rates = try (1...3).map { _ in
            let routes = try Routes(Routes.plane())
            try routes.load(writes)
            let device = routes.plane.addDevice("asic", RouteSelection())
            let reports = routes.reports(writes)
            let time = try ContinuousClock().measure {
                for start in stride(from: 0, to: writes, by: ReportingMember.reportsAtOnce) {
                    let some = reports[start..<min(writes, start + ReportingMember.reportsAtOnce)]
                    let outcomes = try routes.plane.report(Array(some), by: device.line).outcomes
                    precondition(outcomes.allSatisfy { if case .changed = $0 { true } else { false } }, "not taken")
                }
            }
            return Double(writes) / time.seconds
        }
        print("reports of \(writes) routes by one thread | \(shown(median(rates))) a second")
    }

    /// Writes a second, and how many of the routes had been reported at the end.
    private static func measure(_ audience: Audience) throws -> (rate: Double, reported: Double) {
        let routes = try Routes(Routes.plane())
        let asic = audience == .simulated ? SimulatedSwitch("asic0", SwitchSettings(), routes.plane) : nil
        asic?.start()
        while let asic, !asic.status.isUp { usleep(1_000) }
        defer { asic?.stop() }
        let member =
            audience == .none || audience == .simulated
            ? nil : try ReportingMember(routes.plane, isDevice: audience == .device, last: writes)
        let time = try ContinuousClock().measure {
            for number in 0..<writes { _ = try routes.plane.write(.add, routes.write(number)) }
        }
        let reported = member?.reported ?? 0
        if let member {
            while member.heard < writes, !member.isBehind { usleep(1_000) }
            routes.plane.unregister(member)
            precondition(!member.isBehind, "the member fell behind")
            precondition(member.refused == 0 && (audience == .member || member.reported == writes), "reports are lost")
        }
        return (Double(writes) / time.seconds, Double(reported) / Double(writes))
    }
}
