import TestSupport
import Testing

/// Many who write and follow at once.
@Suite struct ConcurrencyTests {
    private static let ndjson = ["-H", "Content-Type: application/x-ndjson", "--data-binary", "@-"]

    private func lines(_ count: Int, _ random: inout SeededGenerator) -> [UInt8] {
        let lines = (0..<count).map { _ in
            let namespace = Int.random(in: 0..<3, using: &random) == 0 ? "blue" : "default"
            let hop = Int.random(in: 1..<9, using: &random)
            return Int.random(in: 0..<3, using: &random) == 0
                ? "{\"dst\":\"2001:db8:\(hop % 4)::/48\",\"gateway\":\"2001:db8::\(hop)\",\"namespace\":\"\(namespace)\"}\n"
                : "{\"dst\":\"10.\(hop % 5).0.0/16\",\"dev\":\"d\(hop)\",\"metric\":\(hop % 3),\"namespace\":\"\(namespace)\"}\n"
        }
        return Array(lines.joined().utf8)
    }

    @Test(
        "Writers on the same routes, a namespace that comes and goes: every follower stays exact",
        arguments: 1...2 as ClosedRange<UInt64>)
    func writersAtOnce(seed: UInt64) throws {
        var random = SeededGenerator(seed: seed)
        let server = try RunningServer()
        let queries = ["", "?view=best", "?namespace=blue", "?family=inet6", "?kinds=route&within=10.0.0.0/15"]
        let followers = try queries.map { Follower(try server.follow($0)) }
        for follower in followers { try follower.followToSync() }
        let writers = try ["replace", "append", "prepend", "replace"].map { mode in
            try server.startCurl(Self.ndjson + ["/v1/routes?mode=\(mode)"], input: lines(800, &random))
        }
        while writers.contains(where: { $0.isRunning }) {
            #expect(try server.request("PUT", "/v1/namespaces/blue").status < 300)
            let operations = """
                {"operations":[{"op":"replace","kind":"route","value":{"dst":"10.0.0.0/16","dev":"t"}},
                {"op":"replace","kind":"route","value":{"dst":"2001:db8:1::/48","dev":"t"}},
                {"op":"delete","kind":"route","value":{"dst":"10.0.0.0/16","dev":"t"}}]}
                """
            #expect([200, 404, 409].contains(try server.post("/v1/transactions", operations).status))
            #expect(try server.delete("/v1/routes?dev=d3").status == 200)
            #expect(try server.delete("/v1/namespaces/blue").status == 204)
        }
        for writer in writers { #expect(writer.waitForExit() == 0) }
        for (query, follower) in zip(queries, followers) {
            let fresh = Follower(try server.follow("\(query)\(query.isEmpty ? "?" : "&")until=sync"))
            try fresh.followToSync()
            while follower.entries != fresh.entries { try follower.followDeltas(1) }
        }
    }
}
