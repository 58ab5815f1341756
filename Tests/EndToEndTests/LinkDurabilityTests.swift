import Glibc
import TestSupport
import Testing

/// What a restart leaves of links, neighbours, and what follows from them.
@Suite struct LinkDurabilityTests {
    private let directory = TemporaryDirectory()

    private func server() throws -> RunningServer { try RunningServer("--data-dir", directory.path + "/data") }

    private static let listings = ["/v1/links", "/v1/neighbors", "/v1/routes"]

    private func listings(_ server: RunningServer) throws -> [String] {
        try Self.listings.map { try server.get($0).text }
    }

    @Test("A restart keeps links, carrier and neighbours, and a cursor from before resumes", arguments: [false, true])
    func restart(isKilled: Bool) throws {
        let first = try server()
        _ = try first.request("PUT", "/v1/links/eth0", #"{"addresses":["192.0.2.1/24"],"mtu":9000}"#)
        _ = try first.request(
            "PUT", "/v1/links/eth1",
            #"{"offload":false,"disable_ipv6":true,"ignore_routes_with_linkdown":true,"group":9}"#)
        _ = try first.request("PUT", "/v1/neighbors/eth1/192.0.2.9", #"{"lladdr":"02:00:00:00:00:09"}"#)
        let hops = #"[{"dev":"eth0","gateway":"192.0.2.9"},{"dev":"eth1","gateway":"192.0.2.8"}]"#
        _ = try first.post("/v1/routes", #"{"dst":"10.0.0.0/8","nexthops":\#(hops)}"#)
        let follower = Follower(try first.follow("?hw_flags=0"))
        try follower.followToSync()
        #expect(try first.request("PUT", "/v1/links/eth1/carrier", #"{"carrier":false}"#).status == 200)
        #expect(try first.request("PUT", "/v1/links/eth0", #"{"operstate":"DOWN"}"#).status == 200)
        let before = try listings(first)
        #expect(before[2].contains(#""flags":["dead","linkdown"]"#) && before[2].contains(#""flags":["linkdown"]"#))
        first.process.signal(isKilled ? SIGKILL : SIGTERM)
        #expect(first.process.waitForExit() != nil)

        let second = try server()
        #expect(try listings(second) == before)
        let resumed = Follower(
            try second.follow("?hw_flags=0", headers: ["Last-Event-ID: \(follower.cursor ?? "")"]),
            resumingFrom: follower)
        let frames = try resumed.reader.frames(through: "sync")
        #expect(try frames[0].json()["mode"]?.string == "resume")
        for frame in frames { try resumed.take(frame) }
        let fresh = Follower(try second.follow("?hw_flags=0&until=sync"))
        try fresh.followToSync()
        #expect(fresh.entries == resumed.entries && fresh.statuses == resumed.statuses)
        // What is down comes up, and its routes with it.
        #expect(try second.request("PUT", "/v1/links/eth0", #"{"operstate":"UP"}"#).status == 200)
        #expect(try second.get("/v1/routes/192.0.2.0/24").status == 200)
        #expect(second.stop() == 0)
    }

    @Test("A kill in the middle of a cascade of many routes: the next start finishes it", arguments: 0..<4)
    func cascade(step: Int) throws {
        let first = try server()
        _ = try first.request("PUT", "/v1/links/eth0", #"{"addresses":["192.0.2.1/24"]}"#)
        _ = try first.request("PUT", "/v1/neighbors/eth0/192.0.2.9", "{}")
        _ = try first.request("PUT", "/v1/links/eth1", "{}")
        let rows = (0..<20_000).map { number in
            let prefix = "10.\(number / 62_500).\(number / 250 % 250).\(number % 250)/32"
            let legs = "[{\"dev\":\"eth0\",\"gateway\":\"192.0.2.9\"},{\"dev\":\"eth1\",\"gateway\":\"192.0.2.8\"}]"
            return number % 2 == 0
                ? "{\"dst\":\"\(prefix)\",\"dev\":\"eth0\"}\n" : "{\"dst\":\"\(prefix)\",\"nexthops\":\(legs)}\n"
        }
        let ndjson = ["Content-Type: application/x-ndjson"]
        #expect(try first.post("/v1/routes", rows.joined(), headers: ndjson).status == 200)
        let follower = Follower(try first.follow("?hw_flags=0"))
        try follower.followToSync()
        let client = try first.client()
        try client.sendRequest(
            "PUT", "/v1/links/eth0?ack=applied", headers: ["Content-Type: application/json"],
            body: Array(#"{"operstate":"DOWN"}"#.utf8))
        // Once the link's own change and what it takes with it at once, or that many changes more, are on disk.
        try follower.followDeltas(4 + step * 1_500)
        first.process.signal(SIGKILL)
        #expect(first.process.waitForExit() != nil)

        let second = try server()
        // The local route of the address stays.
        #expect(try second.get("/v1/links/eth0").json()["operstate"]?.string == "DOWN")
        #expect(try second.get("/v1/routes?limit=1").header("Fibd-Count") == "10001")
        let resumed = Follower(
            try second.follow("?hw_flags=0", headers: ["Last-Event-ID: \(follower.cursor ?? "")"]),
            resumingFrom: follower)
        try resumed.followToSync()
        let fresh = Follower(try second.follow("?hw_flags=0&until=sync"))
        try fresh.followToSync()
        #expect(fresh.entries == resumed.entries && fresh.statuses == resumed.statuses)
        #expect(fresh.statuses.values.count { $0.contains(#""dead""#) } == 10_000)
        #expect(second.stop() == 0)
        // It is through: a third start has nothing to add.
        let third = try server()
        #expect(try third.get("/v1/routes?limit=1").header("Fibd-Count") == "10001")
        #expect(third.stop() == 0)
    }
}
