import Glibc
import TestSupport
import Testing

/// `/v1/lookup`, as a client sees it.
@Suite struct LookupTests {
    private let server: RunningServer

    init() throws {
        server = try RunningServer()
        _ = try server.request("PUT", "/v1/links/eth0", #"{"addresses":["198.51.100.1/24","2001:db8:1::1/64"]}"#)
        let routes = #"""
            [{"dst":"10.0.0.0/8","gateway":"198.51.100.2","dev":"eth0","protocol":"bgp"},
             {"dst":"10.1.0.0/16","via":{"family":"inet6","host":"2001:db8:1::9"},"dev":"eth0","metric":5},
             {"dst":"10.2.0.0/16","type":"blackhole"},{"dst":"10.3.0.0/16","type":"prohibit"},
             {"dst":"10.4.0.0/16","type":"unreachable"},{"dst":"10.5.0.0/16","type":"throw"},
             {"dst":"10.6.0.0/16","gateway":"198.51.100.3","dev":"eth0","prefsrc":"198.51.100.7"},
             {"dst":"2001:db8:200::/48","gateway":"2001:db8:1::2","dev":"eth0","metric":7}]
            """#
        #expect(try server.post("/v1/routes", routes).status == 200)
    }

    private func get(_ query: String) throws -> String {
        let response = try server.get("/v1/lookup?dst=" + query)
        #expect(response.status == 200 && response.header("Fibd-Seq") != nil, "\(query): \(response.text)")
        return response.text
    }

    @Test(
        "An answer is what `ip -json route get` prints, with every key",
        arguments: [
            (
                "10.9.0.1",
                #""dev":"eth0","dst":"10.9.0.1","family":"inet","flags":[],"gateway":"198.51.100.2","metric":0,"#
                    + #""namespace":"default","prefsrc":"198.51.100.1","protocol":"bgp","route":"10.0.0.0/8","#
                    + #""table":"main","type":"unicast""#
            ),
            (
                "10.1.0.1&src=192.0.2.7&tos=8",
                #""dev":"eth0","dst":"10.1.0.1","family":"inet","flags":[],"from":"192.0.2.7","metric":5,"#
                    + #""namespace":"default","protocol":"boot","route":"10.1.0.0/16","table":"main","tos":8,"#
                    + #""type":"unicast","via":{"family":"inet6","host":"2001:db8:1::9"}"#
            ),
            (
                "10.6.0.1",
                #""dev":"eth0","dst":"10.6.0.1","family":"inet","flags":[],"gateway":"198.51.100.3","metric":0,"#
                    + #""namespace":"default","prefsrc":"198.51.100.7","protocol":"boot","route":"10.6.0.0/16","#
                    + #""table":"main","type":"unicast""#
            ),
            (
                "198.51.100.1",
                #""dev":"lo","dst":"198.51.100.1","family":"inet","flags":[],"metric":0,"namespace":"default","#
                    + #""prefsrc":"198.51.100.1","protocol":"kernel","route":"198.51.100.1/32","table":"local","#
                    + #""type":"local""#
            ),
            (
                "2001:db8:200::1",
                #""dev":"eth0","dst":"2001:db8:200::1","family":"inet6","flags":[],"gateway":"2001:db8:1::2","#
                    + #""metric":7,"namespace":"default","pref":"medium","prefsrc":"2001:db8:1::1","#
                    + #""protocol":"boot","route":"2001:db8:200::/48","table":"main","type":"unicast""#
            ),
            (
                "9.9.9.9",
                #""code":"ENETUNREACH","dst":"9.9.9.9","family":"inet","namespace":"default","result":"no-route""#
            ),
        ])
    func answers(query: String, members: String) throws { #expect(try get(query) == "{\(members)}\n") }

    @Test(
        "That nothing is found is an answer",
        arguments: [
            ("10.2.0.1", "blackhole"), ("10.3.0.1", "prohibit"), ("10.4.0.1", "unreachable"), ("10.5.0.1", "no-route"),
            ("10.9.0.1&oif=eth9", "no-route"), ("2001:db8:ffff::1", "no-route"), ("10.2.0.1&fibmatch=1", "blackhole"),
        ])
    func nothing(query: String, result: String) throws {
        #expect(try get(query).contains(#""result":"\#(result)""#))
    }

    @Test("fibmatch answers with the route, as a listing shows it")
    func fibmatch() throws {
        let row = try server.get("/v1/routes/10.0.0.0/8").text
        #expect(try get("10.9.0.1&fibmatch=1") == row)
    }

    @Test("explain says which rules were asked, what came of it, and which routes were passed over")
    func explain() throws {
        #expect(
            try get("10.5.0.1&explain=1").contains(
                #""explain":[{"found":null,"outcome":"asked","passed_over":[],"priority":0,"table":"local"},"#
                    + #"{"found":{"dst":"10.5.0.0/16","type":"throw"},"outcome":"asked","passed_over":[],"#
                    + #""priority":32766,"table":"main"},"#
                    + #"{"found":null,"outcome":"no-table","passed_over":[],"priority":32767,"table":"default"}]"#))
        #expect(
            try get("10.1.0.1&explain=1&oif=eth9").contains(
                #"{"dst":"10.1.0.0/16","metric":5,"reason":"device"},{"dst":"10.0.0.0/8","metric":0,"reason":"device"}"#
            ))
    }

    @Test("Many are answered from one state, in order, by POST and by QUERY", arguments: ["POST", "QUERY"])
    func many(method: String) throws {
        let body = #"{"dsts":["10.9.0.1","2001:db8:200::1","9.9.9.9"]}"#
        let response = try server.request(method, "/v1/lookup", body)
        #expect(response.status == 200 && response.header("Fibd-Count") == "3")
        let parts = try ["10.9.0.1", "2001:db8:200::1", "9.9.9.9"].map { try get($0).dropLast() }
        #expect(response.text == "[\(parts.joined(separator: ","))]\n")
        #expect(try server.request(method, "/v1/lookup", #"{"dsts":[]}"#).text == "[]\n")
    }

    @Test(
        "What can't be asked is refused, and says why",
        arguments: [
            ("", 400), ("?dst=10.0.0.0/8", 400), ("?dst=x", 400), ("?dst=10.0.0.1&src=::1", 422),
            ("?dst=10.0.0.1&tos=256", 400), ("?dst=10.0.0.1&oif=a/b", 400), ("?dst=10.0.0.1&explain=1&fibmatch=1", 422),
            ("?dst=10.0.0.1&dst=10.0.0.2", 400), ("?dst=10.0.0.1&namespace=nosuch", 404),
            ("?dst=10.0.0.1&iif=a/b", 400), ("?dst=10.0.0.1&via=eth0", 400),
        ])
    func refusals(query: String, status: Int) throws {
        let response = try server.get("/v1/lookup" + query)
        #expect(response.status == status, "\(response.text)")
        #expect(try !(response.problem()["detail"]?.string ?? "").isEmpty)
    }

    @Test(
        "Bodies that are none are refused",
        arguments: [#"{}"#, #"{"dsts":["x"]}"#, #"{"dsts":"10.0.0.1"}"#, "[", #"{"x":1}"#])
    func badBodies(body: String) throws {
        let response = try server.post("/v1/lookup", body)
        #expect((400...422).contains(response.status), "\(response.text)")
    }

    @Test("Ten thousand are asked at most in one request")
    func limit() throws {
        func body(_ count: Int) -> String {
            #"{"dsts":[\#(repeatElement(#""::1""#, count: count).joined(separator: ","))]}"#
        }
        #expect(try server.post("/v1/lookup", body(10_000)).header("Fibd-Count") == "10000")
        let refused = try server.post("/v1/lookup", body(10_001))
        #expect(refused.status == 422)
        #expect(try refused.problem()["reason"] == .string("too-many-destinations"))
    }

    @Test("Of an IPv4 packet it is udp that is looked up unless something else is said, as by `ip route get`")
    func ipProtocol() throws {
        for family in ["inet", "inet6"] {
            let rule = #"{"family":"\#(family)","priority":5,"ipproto":"udp","action":"prohibit"}"#
            #expect(try server.post("/v1/rules", rule).status == 201)
        }
        func result(_ query: String) throws -> String? {
            try server.get("/v1/lookup?dst=\(query)").json()["result"]?.string
        }
        #expect(try result("203.0.113.99") == "prohibit" && result("203.0.113.99&ipproto=tcp") != "prohibit")
        #expect(try result("2001:db8:99::1") != "prohibit" && result("2001:db8:99::1&ipproto=udp") == "prohibit")
    }

    @Test("R1-53: with hash policy 1 the flows of one pair of addresses spread, and the setting survives a restart")
    func hashPolicy() throws {
        let directory = TemporaryDirectory()
        let first = try RunningServer(arguments: ["--data-dir", directory.path])
        let hops = #"[{"gateway":"192.0.2.1","dev":"a"},{"gateway":"192.0.2.2","dev":"b"}]"#
        _ = try first.post("/v1/routes", #"{"dst":"10.0.0.0/8","nexthops":\#(hops)}"#)
        func devices(_ server: RunningServer) throws -> Set<String> {
            try Set(
                (1...60).compactMap { port in
                    try server.get("/v1/lookup?dst=10.0.0.1&ipproto=tcp&sport=\(port)").json()["dev"]?.string
                })
        }
        #expect(try devices(first).count == 1)
        let setting = #"{"ipv4":{"fib_multipath_hash_policy":1}}"#
        let patched = try first.request("PATCH", "/v1/namespaces/default", setting)
        #expect(patched.text.contains(#""ipv4":{"fib_multipath_hash_policy":1,"fib_notify_on_flag_change":0}"#))
        #expect(try devices(first) == ["a", "b"])
        let refused = try first.request("PATCH", "/v1/namespaces/default", #"{"ipv4":{"fib_multipath_hash_policy":2}}"#)
        #expect(try refused.refusal() == "422 EINVAL setting-invalid")
        first.process.signal(SIGTERM)
        #expect(first.process.waitForExit() == 0)
        let second = try RunningServer(arguments: ["--data-dir", directory.path])
        #expect(try second.get("/v1/namespaces/default").text == patched.text)
        #expect(try devices(second) == ["a", "b"])
    }
}
