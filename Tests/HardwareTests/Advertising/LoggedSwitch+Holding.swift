import ChangeLog
import Routing

@testable import ControlPlane
@testable import Hardware

/// What is in the switch's hardware, beside what the control plane says of it.
extension LoggedSwitch {
    /// Once it is quiet: where the flags of a first route don't say what hardware holds, or it holds what no route is for. Of a
    /// switch that has lost results, no one can know.
    func contradiction(_ plane: ControlPlane) -> String? {
        if hasLostResults { return nil }
        let snapshot = plane.snapshot()
        var walk = RouteWalk(snapshot, RouteSelection(), firstsOnly: true)
        var held = model.inHardware
        while let (table, route) = walk.next() {
            let place = ObjectName(table, route.key)
            let answers = snapshot.devices.answers(in: route.value.hardware)
            let said = answers.first { $0.device.name == name }?.answer.state ?? HardwareState.none
            let held = held.removeValue(forKey: place)
            switch said {
            case .offload, .trap, .offloadAndTrap:
                if let held, !held.isFormer, held.version == route.value.version, held.state == said { continue }
            case .failed:
                // What can't be programmed leaves what was there before: another route, or this one as it was.
                if held.map({ $0.isFormer || $0.state == .failed }) ?? true { continue }
            case .none:
                if held == nil { continue }
            case .pending: break
            }
            return "\(name) is said to have \(place) at version \(route.value.version.rawValue) as \(said.name), but "
                + "holds " + (held.map { "version \($0.version.rawValue) as \($0.state.name)" } ?? "nothing")
        }
        return held.first { !$0.value.isGone }.map { "\(name) holds \($0.key), of which there is no route" }
    }
}

extension SwitchModel {
    fileprivate struct Holding {
        let version: ChangeSequence
        let state: HardwareState
        /// What it was before; the present route could not take its place.
        let isFormer: Bool
        /// There is no route any more, and its deletion has failed.
        let isGone: Bool
    }

    fileprivate var inHardware: [ObjectName: Holding] {
        var result: [ObjectName: Holding] = [:]
        for number in 0..<entries.end where entries[number].marks.isSuperset(of: [.inUse, .programmed]) {
            let entry = entries[number]
            result[ObjectName(tables.identity(entry.table), entry.key)] = Holding(
                version: ChangeSequence(rawValue: former[number]?.version ?? entry.version), state: entry.state,
                isFormer: former[number] != nil, isGone: entry.marks.contains(.gone))
        }
        return result
    }
}
