import TestSupport
import Testing

/// What followers are told of links, neighbours, and what follows from them for routes.
@Suite struct LinkEventTests {
    let server: RunningServer

    init() throws { server = try RunningServer() }

    private func put(_ target: String, _ body: String) throws {
        let response = try server.request("PUT", "/v1/\(target)", body)
        #expect([200, 201].contains(response.status), "\(target): \(response.text)")
    }

    private func add(_ route: String, _ query: String = "") throws {
        let response = try server.post("/v1/routes\(query)", route)
        #expect([200, 201].contains(response.status), "\(route): \(response.text)")
    }

    /// Two links with addresses, neighbours, and routes over one of them, both, and none.
    private func setUp() throws {
        try put("links/eth0", #"{"addresses":["192.0.2.1/24","2001:db8::1/64"]}"#)
        try put("links/eth1", #"{"addresses":["198.51.100.1/24"]}"#)
        try put("neighbors/eth0/192.0.2.9", #"{"state":"REACHABLE"}"#)
        try put("neighbors/eth0/2001:db8::9", #"{"state":"PERMANENT"}"#)
        try add(#"{"dst":"10.0.0.0/8","gateway":"192.0.2.9","dev":"eth0"}"#)
        try add(#"{"dst":"10.0.0.0/8","gateway":"198.51.100.9","dev":"eth1","metric":10}"#)
        let hops = #"[{"gateway":"192.0.2.9","dev":"eth0"},{"gateway":"198.51.100.9","dev":"eth1"}]"#
        try add(#"{"dst":"10.1.0.0/16","nexthops":\#(hops)}"#)
        try add(#"{"dst":"10.2.0.0/16","dev":"eth9"}"#)
        let hops6 = #"[{"gateway":"2001:db8::9","dev":"eth0"},{"gateway":"fe80::1","dev":"eth1"}]"#
        try add(#"{"dst":"2001:db8:1::/48","nexthops":\#(hops6)}"#)
        try add(#"{"dst":"2001:db8:2::/48","gateway":"2001:db8::9","dev":"eth0"}"#)
        try add(#"{"type":"blackhole","dst":"10.3.0.0/16"}"#)
    }

    /// Frames of the next change and what it brought about, up to a mark that follows.
    private func told(_ follower: Follower, _ change: () throws -> Void) throws -> [String] {
        try change()
        let mark = "/v1/namespaces/mark-\(follower.operations.count)"
        #expect(try server.request("PUT", mark, "{}").status == 201)
        var told: [String] = []
        var first: UInt64?
        while true {
            let frame = try follower.reader.next()
            try follower.take(frame)
            if frame.event == "namespace" {
                // The mark's rules come with it.
                #expect(try follower.followDeltas(5) == ["add", "add", "add", "add", "add"])
                return told
            }
            let data = try frame.json()
            first = first ?? data["seq"]?.number
            let entry = try #require(data["entry"])
            let name = entry["ifname"]?.string ?? entry["dst"]?.string ?? ""
            let cause = data["cause"]
            // Every cause is the change that was made.
            #expect(cause == nil || cause?["seq"]?.number == first)
            told.append(
                [frame.event, data["op"]?.string, name, cause?["reason"]?.string].compactMap(\.self)
                    .joined(separator: " "))
        }
    }

    private func flags(_ destination: String) throws -> String? {
        let row = try server.get("/v1/routes/\(destination)").json()
        return row["flags"]?.canonical
            ?? row["nexthops"]?.array.map { $0.map { $0["flags"]?.canonical ?? "[]" }.joined() }
    }

    @Test(
        "Through down, carrier and removal a follower has the state that a fresh replay shows, statuses included",
        arguments: ["", "?view=best", "?family=inet6", "?kinds=link,neigh,namespace", "?kinds=route,namespace"])
    func follows(query: String) throws {
        try setUp()
        let follower = Follower(try server.follow(query))
        try follower.followToSync()
        let steps: [(String, String, String?)] = [
            ("PUT", "links/eth0/carrier", #"{"carrier":false}"#), ("PUT", "links/eth0/carrier", #"{"carrier":true}"#),
            ("PUT", "links/eth0", #"{"operstate":"DOWN"}"#), ("PUT", "links/eth0/carrier", #"{"carrier":false}"#),
            ("PUT", "links/eth0", #"{"operstate":"UP"}"#),
            ("PUT", "links/eth1", #"{"addresses":["198.51.100.2/24"],"mtu":9000}"#),
            ("PUT", "links/eth9", #"{"operstate":"DOWN"}"#), ("PUT", "links/eth9", #"{"operstate":"UP"}"#),
            ("PUT", "neighbors/eth1/198.51.100.9", #"{"state":"STALE"}"#),
            ("PUT", "neighbors/eth1/198.51.100.9", #"{"state":"REACHABLE"}"#),
            ("PUT", "links/eth1", #"{"disable_ipv6":true}"#), ("PUT", "links/eth1", #"{"disable_ipv6":false}"#),
            ("PUT", "links/eth1/carrier", #"{"carrier":false}"#), ("DELETE", "links/eth0", nil),
            ("DELETE", "links/eth1", nil), ("DELETE", "links/eth9", nil),
        ]
        for (method, target, body) in steps {
            #expect([200, 201, 204].contains(try server.request(method, "/v1/\(target)", body).status), "\(target)")
            let fresh = Follower(try server.follow("\(query)\(query.isEmpty ? "?" : "&")until=sync"))
            try fresh.followToSync()
            while follower.entries != fresh.entries || follower.statuses != fresh.statuses {
                try #require(follower.position < fresh.position, "\(target): another state than a replay shows")
                _ = try follower.take(follower.reader.next())
            }
            // From the state it had, a cursor leads to the same.
            let resumed = Follower(
                try server.follow(query, headers: ["Last-Event-ID: \(follower.cursor ?? "")"]), resumingFrom: follower)
            try resumed.followToSync()
            #expect(resumed.entries == fresh.entries && resumed.statuses == fresh.statuses, "\(target)")
        }
    }

    @Test("Without carrier: the link's status, its neighbours, then routes in order, all with the cause")
    func carrier() throws {
        try setUp()
        let follower = Follower(try server.follow("?hw_flags=0"))
        try follower.followToSync()
        let lost = try told(follower) { try put("links/eth0/carrier", #"{"carrier":false}"#) }
        #expect(
            lost == [
                "link status eth0", "neigh delete 192.0.2.9 carrier-lost", "route status 10.0.0.0/8 carrier-lost",
                "route status 10.1.0.0/16 carrier-lost", "route status 192.0.2.0/24 carrier-lost",
                "route status 192.0.2.255/32 carrier-lost", "route status 2001:db8::/64 carrier-lost",
                "route status 2001:db8:1::/48 carrier-lost", "route status 2001:db8:2::/48 carrier-lost",
            ])
        #expect(try flags("10.1.0.0/16") == #"["linkdown"][]"#)
        #expect(try flags("10.0.0.0/8?metric=0") == #"["linkdown"]"#)
        #expect(try flags("10.0.0.0/8?metric=10") == nil)
        #expect(try flags("192.0.2.1/32?table=local") == nil)
        let found = try told(follower) { try put("links/eth0/carrier", #"{"carrier":true}"#) }
        #expect(found.count == 8 && found.dropFirst().allSatisfy { $0.hasSuffix(" carrier-found") }, "\(found)")
        #expect(try flags("10.1.0.0/16") == "[][]")
        #expect(try told(follower) { try put("links/eth0/carrier", #"{"carrier":true}"#) } == [])
    }

    @Test("Down: neighbours and routes of addresses go with the link, then what leads only over it; the rest is marked")
    func down() throws {
        try setUp()
        let follower = Follower(try server.follow("?hw_flags=0"))
        try follower.followToSync()
        let down = try told(follower) { try put("links/eth0", #"{"operstate":"DOWN"}"#) }
        #expect(
            down == [
                "link replace eth0", "neigh delete 192.0.2.9 link-down", "neigh delete 2001:db8::9 link-down",
                "route delete 192.0.2.0/24 link-down", "route delete 192.0.2.255/32 link-down",
                "route delete 2001:db8::1/128 link-down", "route delete 2001:db8::/64 link-down",
                "route delete 10.0.0.0/8 link-down", "route status 10.1.0.0/16 link-down",
                "route status 2001:db8:1::/48 link-down", "route delete 2001:db8:2::/48 link-down",
            ])
        #expect(try flags("10.1.0.0/16") == #"["dead","linkdown"][]"#)
        // What the flags say is ignored where it comes back.
        let row = try server.get("/v1/routes/10.1.0.0/16")
        #expect(try server.request("PUT", "/v1/routes/10.1.0.0/16", row.text).header("ETag") == row.header("ETag"))
        let lines = try server.get("/v1/routes?dst=10.1.0.0/16", headers: ["Accept: application/x-ndjson"])
        #expect(lines.text.contains(#""flags":["dead","linkdown"]"#), "\(lines.text)")
        let replay = try server.follow("?within=10.1.0.0/16&until=sync").frames(through: "sync")
        #expect(
            try replay[1].json()["status"]?.canonical == #"{"nexthops":[{"flags":["dead","linkdown"]},{"flags":[]}]}"#)
    }

    @Test("To followers of the first routes the prefix gets its next route when the first one goes with its link")
    func best() throws {
        try setUp()
        let reader = try server.follow("?view=best&within=10.0.0.0/8&hw_flags=0")
        _ = try reader.frames(through: "sync")
        try put("links/eth0", #"{"operstate":"DOWN"}"#)
        let frames = try reader.frames(2).map { try $0.json() }
        #expect(frames.map { $0["op"]?.string } == ["replace", "status"])
        #expect(frames[0]["entry"]?["metric"]?.number == 10)
        #expect(frames[0]["cause"]?["reason"]?.string == "link-down" && frames[0]["status"] == nil)
    }

    @Test("Routes that were there before a link that is down from its beginning are marked, and followers are told")
    func downFromTheBeginning() throws {
        try add(#"{"dst":"10.2.0.0/16","dev":"eth9"}"#)
        let follower = Follower(try server.follow("?hw_flags=0"))
        try follower.followToSync()
        let down = try told(follower) { try put("links/eth9", #"{"operstate":"DOWN"}"#) }
        #expect(down == ["link add eth9", "route status 10.2.0.0/16 link-added"])
        #expect(try flags("10.2.0.0/16") == #"["dead","linkdown"]"#)
        let up = try told(follower) { try put("links/eth9", #"{"operstate":"UP"}"#) }
        #expect(up == ["link replace eth9", "route status 10.2.0.0/16 link-up"])
    }

    @Test("A stream of links and neighbours tells of nothing else; family selects neighbours and leaves links out")
    func kinds() throws {
        try setUp()
        for (query, before, after) in [
            ("?kinds=link,neigh", ["link", "link", "neigh", "neigh"], ["link", "neigh", "neigh"]),
            ("?kinds=link,neigh&family=inet", ["neigh"], ["neigh"]),
            ("?kinds=link,neigh&family=inet6", ["neigh"], ["neigh"]),
            ("?kinds=neigh&namespace=default", ["neigh", "neigh"], ["neigh", "neigh"]),
            ("?kinds=link,neigh&table=main", [], []),
        ] {
            try put("links/eth0", #"{"operstate":"UP"}"#)
            try put("neighbors/eth0/192.0.2.9", #"{"state":"REACHABLE"}"#)
            try put("neighbors/eth0/2001:db8::9", #"{"state":"PERMANENT"}"#)
            let follower = Follower(try server.follow("\(query)&hw_flags=0"))
            let replay = try follower.reader.frames(through: "sync")
            for frame in replay { try follower.take(frame) }
            #expect(replay.dropFirst().dropLast().map(\.event) == before, "\(query)")
            try put("links/eth0", #"{"operstate":"DOWN"}"#)
            let frames = try follower.reader.frames(after.count)
            for frame in frames { try follower.take(frame) }
            #expect(frames.map(\.event) == after, "\(query)")
            let fresh = Follower(try server.follow("\(query)&hw_flags=0&until=sync"))
            try fresh.followToSync()
            #expect(fresh.entries == follower.entries, "\(query)")
        }
    }

    @Test("A cascade of many routes is told in transactions of at most 1,024 changes with one cause")
    func runs() throws {
        try put("links/eth0", "{}")
        let rows = (0..<2_500).map { "{\"dst\":\"10.0.\($0 / 250).\($0 % 250)/32\",\"dev\":\"eth0\"}\n" }.joined()
        #expect(try server.post("/v1/routes", rows, headers: ["Content-Type: application/x-ndjson"]).status == 200)
        let follower = Follower(try server.follow("?kinds=link,route&hw_flags=0"))
        try follower.followToSync()
        let answer = try server.request("PUT", "/v1/links/eth0", #"{"operstate":"DOWN"}"#)
        var sizes: [UInt64: Int] = [:]
        var causes: Set<String> = []
        while follower.count > 1 {
            let frame = try follower.reader.next()
            try follower.take(frame)
            guard frame.event == "route" else { continue }
            sizes[try #require(try frame.json()["tx"]?.number), default: 0] += 1
            causes.insert(try #require(try frame.json()["cause"]).canonical)
        }
        #expect(sizes.values.sorted() == [452, 1_024, 1_024] && causes.count == 1)
        #expect(answer.header("Fibd-Seq") == "\(follower.position)")
    }
}
