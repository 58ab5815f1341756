import Addressing
import ChangeLog
import ControlPlane
import Routing
import TestSupport
import Testing

/// Rows of an import take a shorter way where a prefix has no route yet.
@Suite struct RowTests {
    @Test("Rows written together come to what the same writes come to one by one", arguments: UInt64(1)...12)
    func rowsAgreeWithSingleWrites(seed: UInt64) throws {
        var random = SeededGenerator(seed: seed)
        let (together, single) = (plane(), plane())
        for _ in 0..<60 {
            let verb = RouteVerb.allCases.randomElement(using: &random) ?? .add
            let routes = try (0..<40).map { _ in try route(&random) }
            var outcomes: [String] = []
            together.write(verb, rows: try writes(routes, together)) { _, result in
                outcomes.append(text(result.map { $0 }))
                return true
            }
            let expected = try writes(routes, single).map { write in
                text(Result { () throws(FIBError) in try single.write(verb, write)?.row })
            }
            #expect(outcomes == expected)
        }
        let (a, b) = (together.snapshot(), single.snapshot())
        a._checkInvariants()
        #expect(a.sequence == b.sequence)
        #expect(EventFilter().summaries(of: a) == EventFilter().summaries(of: b))
    }

    private func plane() -> ControlPlane { ControlPlane(limits: .init(logBytes: 64 << 20)) }

    private func text(_ result: Result<RowResult?, FIBError>) -> String {
        switch result {
        case .success(let row): row.map { "\($0.outcome) \($0.sequence.rawValue)" } ?? "nothing"
        case .failure(let error): "\(error)"
        }
    }

    private func writes(_ routes: [Route], _ plane: ControlPlane) throws -> [RouteWrite] {
        let writer = EntryWriter()
        return try routes.map { RouteWrite(try plane.table("default", $0.prefix.family, .main), $0, writer) }
    }

    /// Few enough prefixes that they meet, enough that a table has many nodes; some lie within others.
    private func route(_ random: inout SeededGenerator) throws -> Route {
        let bits = UInt32.random(in: 0..<1_500, using: &random) << 8
        let length = UInt8.random(in: 22...24, using: &random)
        let address = IPAddress(inet: 10 << 24 | bits).masked(to: length)
        var fields = RouteInfo.Fields()
        fields.nextHops = [NextHop(gateway: IPAddress(inet: 0xc000_0200 + UInt32.random(in: 1...3, using: &random)))]
        let metric = UInt32.random(in: 0..<2, using: &random)
        return try Route.validated(
            prefix: try Prefix(address: address, length: length), tos: 0, metric: metric, fields: fields)
    }
}
