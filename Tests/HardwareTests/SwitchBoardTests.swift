import ChangeLog
import ControlPlane
import Hardware
import Routing
import TestSupport
import Testing

@Suite struct SwitchBoardTests {
    private let plane = ControlPlane(limits: ControlPlane.Limits(logBytes: 1 << 20))

    private func reason(_ body: () throws -> Void) -> FIBError.Reason? {
        do { try body() } catch { return (error as? FIBError)?.reason }
        return nil
    }

    @Test("A name is a name, no device has it yet, and there are 16 switches at most")
    func names() throws {
        let board = SwitchBoard(plane, simulatesFaults: true)
        defer { board.stop() }
        _ = plane.addDevice("driver", RouteSelection())
        #expect(reason { try board.add("driver", SwitchSettings()) } == .deviceExists)
        #expect(reason { try board.add("-x", SwitchSettings()) } == .deviceNameInvalid)
        for index in 0..<16 { try board.add("asic\(index)", SwitchSettings()) }
        #expect(reason { try board.add("asic3", SwitchSettings()) } == .deviceExists)
        #expect(reason { try board.add("more", SwitchSettings()) } == .tooManyDevices)
        #expect(board.all.map(\.name) == board.all.map(\.name).sorted() && board.all.count == 16)
    }

    @Test("What is removed makes room, and its name can be given again")
    func removal() throws {
        let board = SwitchBoard(plane, simulatesFaults: true)
        defer { board.stop() }
        try board.add("asic0", SwitchSettings())
        #expect(board.remove("asic0") != nil && board["asic0"] == nil && board.remove("asic0") == nil)
        #expect(plane.presentDevices.isEmpty)
        try board.add("asic0", SwitchSettings())
        #expect(plane.presentDevices.all.map(\.name) == ["asic0"])
    }

    @Test("Removing one that is idle makes no change, and takes no other change's number for its own")
    func idleRemoval() throws {
        let board = SwitchBoard(plane, simulatesFaults: true)
        defer { board.stop() }
        try board.add("asic0", SwitchSettings(), begins: false)
        _ = plane.addDevice("driver", RouteSelection())
        let head = plane.log.head
        #expect(board.remove("asic0") == nil && board["asic0"] == nil)
        #expect(plane.log.head == head)
    }
}
