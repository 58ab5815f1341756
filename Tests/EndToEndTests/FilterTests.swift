import ChangeLog
import TestSupport
import Testing

/// What a filter lets through, and that its numbers and digests are those of what it lets through.
@Suite struct FilterTests {
    let server: RunningServer

    init() throws { server = try RunningServer() }

    @discardableResult
    private func write(_ route: String, _ query: String = "") throws -> UInt64 {
        let response = try server.post("/v1/routes\(query)", route)
        #expect(response.status == 201 || response.status == 200, "\(response.text)")
        return try #require(response.header("Fibd-Seq").flatMap { UInt64($0) })
    }

    private func change(_ frame: EventFrame) throws -> String {
        let data = try frame.json()
        let entry = try #require(data["entry"])
        return "\(data["op"]?.string ?? "") \(entry["dst"]?.string ?? entry["name"]?.string ?? entry.canonical)"
    }

    private static let (defaultRules, blueRules) = (startingRules(of: "default"), startingRules(of: "blue"))
    private static let ipv6Rules = (defaultRules + blueRules).filter { $0.contains("inet6") }

    @Test(
        "Each filter shows its part in the replay and afterwards",
        arguments: [
            ("kinds=namespace", ["default", "blue"], []), ("kinds=link,neigh", [], []),
            ("kinds=link,neigh,rule", defaultRules + blueRules, []), ("kinds=rule&namespace=blue", blueRules, []),
            ("kinds=route&namespace=blue", ["10.2.0.0/16"], ["10.2.1.0/24"]),
            ("namespace=blue", ["blue", "10.2.0.0/16"] + blueRules, ["10.2.1.0/24"]),
            ("family=inet6", ["2001:db8::/32"] + ipv6Rules, ["2001:db8:1::/48"]),
            ("family=6", ["2001:db8::/32"] + ipv6Rules, ["2001:db8:1::/48"]),
            ("table=100", ["10.3.0.0/16"], ["10.3.1.0/24"]),
            ("table=100,101&family=inet", ["10.3.0.0/16"], ["10.3.1.0/24"]),
            ("within=10.1.0.0/16", ["10.1.0.0/16"], ["10.1.1.0/24"]),
            ("within=10.1.0.0/16&within=2001:db8::/40", ["10.1.0.0/16"], ["10.1.1.0/24", "2001:db8:1::/48"]),
            ("protocol=bgp", ["10.4.0.0/16"], ["10.4.1.0/24"]),
            ("protocol=186,static", ["10.4.0.0/16"], ["10.4.1.0/24"]),
            ("protocol=bgp&family=inet6", [], []),
        ] as [(String, [String], [String])])
    func parts(query: String, before: [String], after: [String]) throws {
        _ = try server.request("PUT", "/v1/namespaces/blue")
        func routes(_ third: Int, _ length: Int) -> [String] {
            [
                #"{"dst":"10.1.\#(third).0/\#(length)","dev":"a"}"#,
                #"{"dst":"10.2.\#(third).0/\#(length)","dev":"a","namespace":"blue"}"#,
                #"{"dst":"10.3.\#(third).0/\#(length)","dev":"a","table":"100"}"#,
                #"{"dst":"10.4.\#(third).0/\#(length)","dev":"a","protocol":"bgp"}"#,
            ]
        }
        for route in routes(0, 16) + [#"{"dst":"2001:db8::/32","dev":"a"}"#] { try write(route) }
        let follower = Follower(try server.follow("?\(query)"))
        let replay = try follower.reader.frames(through: "sync")
        for frame in replay { try follower.take(frame) }
        let shown = Set(try replay.dropFirst().dropLast().map { try change($0) })
        #expect(shown == Set(before.map { "replay \($0)" }))
        for route in routes(1, 24) + [#"{"dst":"2001:db8:1::/48","dev":"a"}"#] { try write(route) }
        let changes = try follower.reader.frames(after.count)
        for frame in changes { try follower.take(frame) }
        #expect(Set(try changes.map { try change($0) }) == Set(after.map { "add \($0)" }))
        // Nothing else came: a fresh replay says the same.
        let fresh = Follower(try server.follow("?\(query)&until=sync"))
        try fresh.followToSync()
        #expect(fresh.entries == follower.entries)
    }

    @Test("A replace that moves a route out of the filter arrives as delete, into it as add, within it as replace")
    func moves() throws {
        let follower = Follower(try server.follow("?protocol=bgp&table=100"))
        try follower.followToSync()
        func route(_ protocol: String, _ device: String) -> String {
            #"{"dst":"10.0.0.0/8","dev":"\#(device)","protocol":"\#(`protocol`)","table":"100"}"#
        }
        try write(route("static", "a"))
        try write(route("bgp", "a"), "?mode=replace")
        try write(route("bgp", "b"), "?mode=replace")
        try write(route("static", "b"), "?mode=replace")
        try write(route("bgp", "c"), "?mode=replace")
        #expect(try server.delete("/v1/routes/10.0.0.0/8?table=100").status == 204)
        #expect(try follower.followDeltas(5) == ["add", "replace", "delete", "add", "delete"])
        #expect(follower.entries.isEmpty)
    }

    @Test("prev is exactly the number of the latest earlier change that the filter selects")
    func previous() throws {
        let first = try write(#"{"dst":"2001:db8:1::/48","dev":"a"}"#)
        for number in 0..<300 { try write(#"{"dst":"10.1.\#(number % 256).\#(number / 256)/32","dev":"a"}"#) }
        let readers = [try server.follow("?family=inet6"), try server.follow("?family=inet6&replay=none")]
        for reader in readers { _ = try reader.frames(through: "sync") }
        let second = try write(#"{"dst":"2001:db8:2::/48","dev":"a"}"#)
        try write(#"{"dst":"10.2.0.0/16","dev":"a"}"#)
        let third = try write(#"{"dst":"2001:db8:3::/48","dev":"a"}"#)
        for reader in readers {
            let deltas = try reader.frames(2)
            #expect(try deltas.map { try $0.json()["prev"]?.number } == [first, second])
            let cursor = try #require(deltas[0].id)
            let resumed = try server.follow("?family=inet6&last_event_id=\(cursor)").frames(through: "sync")
            #expect(try resumed[1].json()["prev"]?.number == second)
            #expect(try resumed[1].json()["seq"]?.number == third)
        }
        // With nothing selected before, prev is 0.
        let other = try server.follow("?table=77&replay=none")
        _ = try other.frames(through: "sync")
        try write(#"{"dst":"10.0.0.0/8","dev":"a","table":"77"}"#)
        #expect(try other.next().json()["prev"]?.number == 0)
    }

    private static let filters = [
        "", "?family=inet", "?table=100", "?within=10.0.0.0/14", "?protocol=bgp", "?view=best",
        "?view=best&protocol=bgp", "?view=best&within=10.1.0.0/16&table=main", "?kinds=namespace", "?namespace=blue",
    ]

    @Test(
        "Whatever happens, each filter's digest is that of the state it selects, computed anew",
        arguments: 1...4 as ClosedRange<UInt64>)
    func digests(seed: UInt64) throws {
        var random = SeededGenerator(seed: seed)
        let client = try server.client()
        var followers: [(query: String, follower: Follower)] = []
        for round in 0..<4 {
            for _ in 0..<50 { try step(client, &random) }
            // One of each at the start, and latecomers, some of whom resume.
            for query in Self.filters where round == 0 || Int.random(in: 0..<3, using: &random) == 0 {
                let known = followers.last { $0.query == query }?.follower
                let headers = known?.cursor.map { ["Last-Event-ID: \($0)"] } ?? []
                let follower = Follower(try server.follow(query, headers: headers), resumingFrom: known)
                try follower.followToSync()
                followers.append((query, follower))
            }
        }
        for query in Self.filters {
            let fresh = Follower(try server.follow("\(query)\(query.isEmpty ? "?" : "&")until=sync"))
            try fresh.followToSync()
            for (_, follower) in followers where follower.reader.client !== fresh.reader.client {
                guard followers.contains(where: { $0.query == query && $0.follower === follower }) else { continue }
                while follower.entries != fresh.entries { try follower.followDeltas(1) }
            }
        }
        try expectListingsAgree()
    }

    /// Sums of what lists show, by hand.
    private func expectListingsAgree() throws {
        for query in ["", "?family=inet", "?table=100", "?within=10.0.0.0/14", "?protocol=bgp", "?namespace=blue"] {
            let rows = try #require(try server.get("/v1/routes\(query)").json().array)
            var summary = Summary()
            for row in rows {
                guard case .object(var members) = row else { continue }
                for name in ["h", "seq", "version"] { members[name] = nil }
                let hash = entryHash(JSONValue.object(members).canonical)
                #expect(row["h"]?.string == hash.text)
                summary.add(hash)
            }
            let separator = query.isEmpty ? "?" : "&"
            let sync = try #require(
                try server.follow("\(query)\(separator)kinds=route&until=sync").frames(through: "sync").last)
            #expect(try sync.json()["digest"]?.string == summary.digest.text, "\(query)")
            #expect(try sync.json()["count"]?.number == UInt64(summary.count))
        }
    }

    /// One random change; many are refused, as random changes are.
    private func step(_ client: TestClient, _ random: inout SeededGenerator) throws {
        func pick<Value>(_ values: [Value]) -> Value { values[Int.random(in: values.indices, using: &random)] }
        let isIPv6 = Int.random(in: 0..<4, using: &random) == 0
        let destination = isIPv6 ? "2001:db8:\(pick([1, 2]))::/48" : "10.\(pick([0, 1, 4])).0.0/\(pick([16, 17]))"
        let table = pick(["main", "main", "100"])
        let namespace = pick(["default", "default", "blue"])
        let metric = pick([10, 20])
        let device = "\"dev\":\"\(pick(["a", "b", "c"]))\""
        let gateway = "\"gateway\":\"\(isIPv6 ? "2001:db8::" : "192.0.2.")\(pick([1, 2, 3]))\""
        let hop = pick([device, gateway, "\(device),\(gateway)"])
        let value = """
            {"dst":"\(destination)","metric":\(metric),"protocol":"\(pick(["bgp", "static"]))","table":"\(table)",\
            "namespace":"\(namespace)",\(hop)}
            """
        let key = "namespace=\(namespace)&table=\(table)"
        let response =
            switch Int.random(in: 0..<12, using: &random) {
            case 0: try client.request("DELETE", "/v1/routes?dev=a&\(key)")
            case 1..<4: try client.request("DELETE", "/v1/routes/\(destination)?\(key)&metric=\(metric)")
            case 4: try client.request(pick(["PUT", "PUT", "PUT", "DELETE"]), "/v1/namespaces/blue")
            case 5: try post(client, "/v1/routes", "[\(value)]")
            default:
                try post(
                    client, "/v1/routes?mode=\(pick(["add", "replace", "replace", "append", "prepend", "change"]))",
                    value)
            }
        #expect(response.status < 500, "\(value): \(response.text)")
    }

    private func post(_ client: TestClient, _ target: String, _ body: String) throws -> TestResponse {
        try client.request("POST", target, headers: ["Content-Type: application/json"], body: Array(body.utf8))
    }

    @Test("Whoever comes while a table goes in sees it whole in the end, and nothing torn on the way")
    func subscribingDuringAnImport() throws {
        let rows = (0..<5_000).map { "{\"dst\":\"10.0.\($0 / 250).\($0 % 250)/32\",\"dev\":\"a\"}\n" }.joined()
        let curl = try server.startCurl(
            ["-H", "Content-Type: application/x-ndjson", "--data-binary", "@-", "/v1/routes?mode=replace"],
            input: Array(rows.utf8))
        var followers: [Follower] = []
        repeat {
            let follower = Follower(try server.follow(["", "?view=best", "?within=10.0.0.0/18"][followers.count % 3]))
            try follower.followToSync()
            followers.append(follower)
        } while curl.isRunning && followers.count < 9
        #expect(curl.waitForExit() == 0)
        for (index, follower) in followers.enumerated() {
            // Beside the routes a namespace and its five rules.
            let expected = index % 3 == 2 ? 5_000 : 5_006
            while follower.count < expected { try follower.followDeltas(1) }
            #expect(follower.count == expected)
        }
    }
}
