import Addressing
import Routing
import Testing

@testable import ControlPlane

@Suite struct SharedInfoTests {
    private static func info(_ gateway: UInt32, metric: UInt32 = 0) -> RouteInfo {
        var fields = RouteInfo.Fields()
        fields.nextHops = [NextHop(gateway: IPAddress(inet: gateway))]
        fields.metric = metric
        return RouteInfo(fields)
    }

    @Test("R1-22: routes that agree in their info have one object, those of another metric another one")
    func shares() {
        let infos = SharedInfos()
        let first = infos.shared(Self.info(1))
        #expect(infos.shared(Self.info(1)) === first && infos.shared(first) === first)
        #expect(infos.shared(Self.info(2)) !== first && infos.shared(Self.info(1, metric: 5)) !== first)
        #expect(infos.count == 3)
    }

    @Test("R1-22: infos that no one holds any more go, and those that a reader holds stay")
    func forgets() {
        let infos = SharedInfos()
        let held = infos.shared(Self.info(0))
        for number in UInt32(1)...5_000 { _ = infos.shared(Self.info(number)) }
        infos.released(10_000)
        #expect(infos.count < 1_100, "\(infos.count) are left")
        #expect(infos.shared(Self.info(0)) === held)
    }
}
