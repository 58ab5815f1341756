import Addressing
import ChangeLog
import ControlPlane
import Routing
import Testing

@Suite struct LargestKeyTests {
    @Test("The largest key there is, at the end of its list, can be written and removed like any other")
    func cornerOfTheKeySpace() throws {
        let plane = ControlPlane(limits: .init(logBytes: 1 << 20))
        let table = try plane.table("default", .inet, .main)
        let writer = EntryWriter()
        func route(_ number: Int) throws -> Route {
            var fields = RouteInfo.Fields()
            fields.nextHops = [NextHop(device: "d\(number)")]
            return try Route.validated(prefix: .default(.inet), tos: 0, metric: .max, fields: fields)
        }
        _ = try plane.write(.append, RouteWrite(table, try route(0), writer))
        // Pushes the list to the end of its positions, one route behind the other.
        for number in 1...33_000 {
            _ = try plane.write(.append, RouteWrite(table, try route(number), writer))
            _ = try plane.delete("default", .main, RouteSelector(prefix: .default(.inet)))
        }
        let left = try plane.routes("default", .main, .default(.inet), limit: 10).routes
        #expect(left.map { $0.value.info.nextHops.map(\.device) } == [["d33000"]])
        var selection = RouteSelection()
        selection.destination = .default(.inet)
        #expect(try plane.flush(selection).count == 1)
    }
}
