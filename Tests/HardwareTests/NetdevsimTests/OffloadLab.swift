import Addressing
import ChangeLog
import Routing
import TestSupport
import Testing

@testable import ControlPlane
@testable import Hardware

/// `fib_offload_lib.sh`: a switch of the profile `netdevsim`, and which routes show `trap`.
struct OffloadLab {
    let lab: SwitchLab

    /// - Parameter marks: the family that isn't under test.
    init(marks: AddressFamily = .inet6, _ change: (inout SwitchSettings) -> Void = { _ in }) throws {
        lab = try SwitchLab(marks: marks) { settings in
            settings.profile = .netdevsim
            change(&settings)
        }
    }

    /// Metrics, or other keys, of routes in hardware.
    func inHardware() throws -> [String] {
        try lab.settledStates().filter { $0.hasSuffix(" trap") }.map { String($0.dropLast(5)) }
    }

    /// Whether a route could be added.
    func adds(_ text: String) throws -> Bool {
        do {
            try lab.add(text)
            return true
        } catch let error as FIBError where error.reason == .notAdmitted && error.errno == .enospc {
            return false
        }
    }
}
