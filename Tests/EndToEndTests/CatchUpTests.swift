import ChangeLog
import TestSupport
import Testing

/// A replay that takes longer than the log remembers.
@Suite struct CatchUpTests {
    private static func table(_ count: Int, gateway: String) -> String {
        (0..<count).map { number in
            "{\"dst\":\"10.\(number >> 8).\(number & 255).0/24\",\"gateway\":\"\(gateway)\",\"dev\":\"eth0\"}\n"
        }.joined()
    }

    @Test(
        "When the log no longer reaches back to the rows, the difference follows, then the sync",
        arguments: ["", "?view=best", "?protocol=boot"])
    func sendsTheDifference(query: String) throws {
        let server = try RunningServer("--ephemeral", "--log-bytes", "65536")
        let ndjson = ["Content-Type: application/x-ndjson"]
        _ = try server.request("POST", "/v1/routes", Self.table(30_000, gateway: "192.0.2.1"), headers: ndjson)
        // Reads nothing behind the hello, so that most rows wait in the server until the log has moved on.
        let follower = Follower(try server.follow(query, receiveBuffer: 4_096))
        try follower.take(follower.reader.next())
        let changed = Self.table(3_000, gateway: "192.0.2.2")
        _ = try server.request("POST", "/v1/routes?mode=replace", changed, headers: ndjson)
        _ = try server.delete("/v1/routes?within=10.100.0.0/16")
        _ = try server.request("PUT", "/v1/namespaces/blue", "{}")
        _ = try server.post("/v1/routes?namespace=blue", "{\"dst\":\"10.0.0.0/8\",\"dev\":\"eth9\"}")
        try follower.followToSync()
        // 3,000 replaced, 256 gone, one new; and the namespace with its five rules, where the filter has those.
        #expect(follower.caughtUp == (query == "?protocol=boot" ? 3_257 : 3_263))
        #expect(follower.operations.isEmpty)
        _ = try server.request("PUT", "/v1/routes/10.0.0.0/24", "{\"dev\":\"eth1\"}")
        #expect(try follower.followDeltas(1) == ["replace"])
    }
}
