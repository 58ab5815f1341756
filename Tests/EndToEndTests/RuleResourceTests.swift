import Glibc
import TestSupport
import Testing

/// `/v1/rules` and what is below it.
@Suite struct RuleResourceTests {
    let server: RunningServer

    init() throws { server = try RunningServer() }

    private func rows(_ target: String) throws -> [JSONValue] {
        try #require(try server.get(target).json().array, "\(target)")
    }

    /// Priorities and what they lead to.
    private func list(_ query: String = "?family=inet") throws -> [String] {
        try rows("/v1/rules\(query)").map { row in
            let action = row["table"] ?? row["action"] ?? row["goto"]
            return "\(row["priority"]?.number ?? 0) \(action?.canonical ?? "")"
        }
    }

    @Test("A rule is added, read, replaced by PUT, and removed")
    func life() throws {
        #expect(try list() == [#"0 "local""#, #"32766 "main""#, #"32767 "default""#])
        let added = try server.post("/v1/rules", #"{"src":"198.51.100.0/24","table":"100"}"#)
        #expect(added.status == 201 && added.header("Location") == "/v1/rules/32765")
        let number = try #require(added.header("Fibd-Seq"))
        #expect(added.header("ETag") == "\"\(number)\"")
        #expect(
            added.text.withoutHashes == """
                {"family":"inet","h":"H","namespace":"default","priority":32765,"protocol":"unspec","seq":\(number),\
                "src":"198.51.100.0/24","table":"100","version":\(number)}

                """)
        #expect(try server.get("/v1/rules/32765").text == added.text)
        let put = try server.request("PUT", "/v1/rules/32765", #"{"action":"prohibit","fwmark":"0x10/0xff"}"#)
        #expect(put.status == 200 && put.text.contains(#""fwmark":"0x10","fwmask":"0xff""#), "\(put.text)")
        #expect(try server.request("PUT", "/v1/rules/32765", put.text).header("Fibd-Seq") == put.header("Fibd-Seq"))
        #expect(try server.request("PUT", "/v1/rules/77", #"{"goto":100}"#).status == 201)
        #expect(try server.get("/v1/rules/77").json()["unresolved"] == .bool(true))
        #expect(try server.delete("/v1/rules/77").status == 204 && server.delete("/v1/rules/32765").status == 204)
        #expect(try server.delete("/v1/rules/0").status == 204)
        #expect(try server.get("/v1/rules/77").refusal() == "404 ENOENT rule-not-found")
        #expect(try list() == [#"32766 "main""#, #"32767 "default""#])
    }

    @Test("Several rules of a priority are a list, each is found by what it says or by its hash")
    func several() throws {
        for table in ["1", "2", "3"] {
            #expect(try server.post("/v1/rules", #"{"priority":50,"table":"\#(table)"}"#).status == 201)
        }
        let all = try rows("/v1/rules/50")
        #expect(all.map { $0["table"]?.string } == ["1", "2", "3"])
        #expect(try server.get("/v1/rules/50?table=2").json()["table"] == .string("2"))
        #expect(try rows("/v1/rules/50?table=2&all=1").count == 1)
        let hash = try #require(all[2]["h"]?.string)
        #expect(try server.get("/v1/rules/50?h=\(hash)").json() == all[2])
        // As any list: page by page.
        let page = try server.get("/v1/rules?priority=50&limit=2")
        #expect(page.header("Fibd-Count") == "3")
        let next = try #require(page.header("Link").flatMap { text(of: $0, between: "<", and: ">") })
        #expect(try rows(next) == [all[2]])
        #expect(try server.delete("/v1/rules/50?h=\(hash)").status == 204)
        #expect(try server.delete("/v1/rules/50?h=\(hash)").refusal() == "404 ENOENT rule-not-found")
        #expect(try server.delete("/v1/rules/50").status == 204)
        #expect(try server.get("/v1/rules/50").json()["table"] == .string("2"))
    }

    @Test("What `ip -json rule` prints is taken, and so is our own list")
    func roundTrip() throws {
        // As iproute2 6.1 prints them with -details.
        let printed = """
            [{"priority":100,"not":null,"src":"10.0.0.0","srclen":8,"dst":"192.0.2.1","tos":"0x08","fwmark":"0x10",\
            "fwmask":"0xff","iif":"eth9","iif_detached":null,"oif":"lo","table":"50","protocol":"unspec"},\
            {"priority":110,"src":"all","fwmark":"0x10","goto":200,"unresolved":null,"protocol":"unspec"},\
            {"priority":120,"src":"all","nop":null},{"priority":130,"src":"all","action":"unreachable"},\
            {"priority":140,"src":"all","uid_start":0,"uid_end":100,"ipproto":"tcp","sport_start":100,"sport_end":200,\
            "dport":80,"table":"1000","suppress_prefixlen":0,"protocol":"static"},\
            {"priority":150,"src":"all","tun_id":55,"table":"252","suppress_ifgroup":"4"}]
            """
        let taken = try server.post("/v1/rules", printed)
        #expect(try taken.json()["created"]?.number == 6, "\(taken.text)")
        #expect(
            try server.post("/v1/rules?family=inet6", #"[{"priority":1,"src":"all","tos":"CS1","table":"5"}]"#).status
                == 200)
        let ours = try server.get("/v1/rules?family=inet")
        #expect(try ours.json().array?[1]["src"] == .string("10.0.0.0/8"))
        let again = try server.post("/v1/rules?mode=replace", ours.text)
        #expect(try again.json()["unchanged"]?.number == 9, "\(again.text)")
        let other = try RunningServer()
        #expect(try other.delete("/v1/rules?all=1&protocol=kernel").status == 200)
        #expect(try other.post("/v1/rules", try server.get("/v1/rules").text).json()["created"]?.number == 12)
        func hashes(_ server: RunningServer) throws -> [JSONValue?] {
            try #require(try server.get("/v1/rules").json().array).map { $0["h"] }
        }
        #expect(try hashes(other) == hashes(server))
    }

    @Test(
        "Rules of a real kernel are taken as it prints them, and printed the same",
        .enabled(if: NetworkNamespace.isPossible))
    func kernel() throws {
        let kernel = try NetworkNamespace()
        let rules = [
            "pref 10 from 10.0.0.0/8 table 5", "pref 11 not to 192.0.2.0/24 fwmark 7 prohibit",
            "pref 12 iif lo goto 20",
            "pref 12 tos 8 nop", "pref 20 ipproto udp dport 53 table main suppress_prefixlength 0", "table 77",
        ]
        for rule in rules { try kernel.ip(["rule", "add"] + rule.split(separator: " ").map(String.init)) }
        try kernel.ip("-6", "rule", "add", "pref", "9", "from", "2001:db8::/32", "unreachable")
        _ = try server.delete("/v1/rules?all=1&protocol=kernel")
        for family in ["-4", "-6"] {
            let printed = try kernel.ip(family, "-details", "-json", "rule")
            let answer = try server.post("/v1/rules?family=\(family == "-4" ? "inet" : "inet6")", printed)
            #expect(answer.status == 200, "\(answer.text)")
        }
        func outline(_ row: JSONValue) -> String {
            var source = row["src"]?.string ?? ""
            if let length = row["srclen"]?.number { source += "/\(length)" }
            let names = [
                "priority", "table", "goto", "fwmark", "dport", "iif", "suppress_prefixlen", "ipproto", "protocol",
            ]
            return source + names.map { " \(row[$0]?.canonical ?? "-")" }.joined()
        }
        let theirs = try ["-4", "-6"].flatMap { family in
            try #require(try JSONValue(kernel.ip(family, "-details", "-json", "rule")).array)
        }
        #expect(try rows("/v1/rules").map(outline) == theirs.map(outline))
    }

    @Test("A flush says what goes, and takes the number that one expects")
    func flush() throws {
        for number in 1...4 {
            _ = try server.post("/v1/rules", #"{"priority":\#(number),"table":"\#(number % 2 + 1)"}"#)
        }
        try server.expectRefusal("DELETE", "/v1/rules", nil, "400 EINVAL flush-unbounded")
        try server.expectRefusal("DELETE", "/v1/rules?family=inet", nil, "400 EINVAL flush-unbounded")
        try server.expectRefusal("DELETE", "/v1/rules?table=1&expect=3", nil, "409 ESTALE count-mismatch")
        #expect(try server.delete("/v1/rules?table=1&dry_run=1").json()["deleted"]?.number == 2)
        #expect(try server.delete("/v1/rules?table=1&expect=2").json()["deleted"]?.number == 2)
        #expect(try server.delete("/v1/rules?all=1").json()["deleted"]?.number == 2)
        #expect(try server.delete("/v1/rules?all=1&namespace=nowhere").json()["deleted"]?.number == 0)
        #expect(try list("").count == 5)
        #expect(try server.delete("/v1/rules?protocol=kernel&family=inet6").json()["deleted"]?.number == 2)
        #expect(try list("").count == 3)
    }

    @Test(
        "What can't be is refused, with code and reason, and changes nothing",
        arguments: [
            (#"{"priority":200,"goto":100}"#, "422 EINVAL rule-invalid"),
            (#"{"priority":200,"goto":300,"table":"main"}"#, "422 EINVAL rule-invalid"),
            (#"{"priority":32766,"table":"main","protocol":"kernel"}"#, "409 EEXIST rule-exists"),
            (#"{"tos":1}"#, "422 EINVAL tos-invalid"), (#"{"tos":8,"dscp":2}"#, "422 EINVAL tos-invalid"),
            (#"{"dscp":64}"#, "400 EINVAL bad-value"), (#"{"tos":256}"#, "400 EINVAL bad-value"),
            (#"{"uid_start":5,"uid_end":3}"#, "422 EINVAL rule-invalid"),
            (#"{"uid_end":3}"#, "422 EINVAL rule-invalid"),
            (#"{"sport":0}"#, "422 EINVAL rule-invalid"),
            (#"{"dport_start":5,"dport_end":65535}"#, "422 EINVAL rule-invalid"),
            (#"{"dport":7,"dport_end":8}"#, "422 EINVAL rule-invalid"),
            (#"{"src":"10.0.0.1/8"}"#, "422 EINVAL prefix-has-host-bits"), (#"{"src":"x"}"#, "422 EINVAL bad-address"),
            (#"{"src":"10.0.0.0/8","srclen":9}"#, "422 EINVAL rule-invalid"),
            (#"{"srclen":8}"#, "422 EINVAL rule-invalid"),
            (#"{"src":"all","srclen":8}"#, "422 EINVAL rule-invalid"),
            (#"{"src":"10.0.0.0/8","dst":"2001:db8::/32"}"#, "422 EINVAL family-mismatch"),
            (#"{"family":"inet6","src":"10.0.0.0/8"}"#, "422 EINVAL family-mismatch"),
            (#"{"family":"inet","suppress_prefixlen":33}"#, "422 EINVAL rule-invalid"),
            (#"{"l3mdev":true}"#, "422 EOPNOTSUPP unsupported"), (#"{"action":"drop"}"#, "400 EINVAL bad-value"),
            (#"{"fwmark":"0x"}"#, "400 EINVAL bad-value"), (#"{"fwmark":"1/2/3"}"#, "400 EINVAL bad-value"),
            (#"{"iif":"a b"}"#, "422 EINVAL device-missing"), (#"{"ipproto":"ipx"}"#, "400 EINVAL bad-value"),
            (#"{"priority":-1}"#, "400 EINVAL bad-value"), (#"{"pref":1}"#, "400 EINVAL unknown-field"),
            (#"{"namespace":"nowhere"}"#, "404 ENOENT namespace-not-found"), (#"{"not":1}"#, "400 EINVAL wrong-type"),
        ])
    func refused(body: String, expected: String) throws {
        try server.expectRefusal("POST", "/v1/rules", body, expected)
        // In a list, the place is said.
        let before = try server.digest()
        let list = try server.post("/v1/rules", #"[{"priority":1},\#(body)]"#)
        #expect(try list.refusal() == expected && list.text.contains("/1"), "\(list.text)")
        #expect(try server.digest() == before)
    }

    @Test("Paths and queries are strict too")
    func targets() throws {
        try server.expectRefusal("GET", "/v1/rules/-1", nil, "400 EINVAL bad-path")
        try server.expectRefusal("GET", "/v1/rules/x", nil, "400 EINVAL bad-path")
        try server.expectRefusal("GET", "/v1/rules/1?prio=1", nil, "400 EINVAL bad-parameter")
        try server.expectRefusal("GET", "/v1/rules?fwmark=0x", nil, "400 EINVAL bad-parameter")
        try server.expectRefusal("POST", "/v1/rules?mode=append", "{}", "400 EINVAL bad-parameter")
        try server.expectRefusal("PUT", "/v1/rules/5", #"{"priority":6}"#, "422 EINVAL key-mismatch")
        try server.expectRefusal("PUT", "/v1/rules/5?family=inet6", #"{"src":"10.0.0.0/8"}"#, "422 EINVAL key-mismatch")
        try server.expectRefusal("POST", "/v1/rules?mode=change", #"{"priority":6}"#, "404 ENOENT rule-not-found")
        #expect(
            try server.request("PUT", "/v1/rules/5?family=inet6", #"{"table":"7"}"#).header("Location")
                == "/v1/rules/5?family=inet6")
    }

    @Test("Conditions are of the first rule of the priority")
    func conditions() throws {
        func put(_ table: Int, _ condition: String) throws -> TestResponse {
            try server.request("PUT", "/v1/rules/5", #"{"table":"\#(table)"}"#, headers: [condition])
        }
        #expect(try put(1, "If-Match: \"1\"").status == 412)
        let version = try #require(try put(1, "If-None-Match: *").header("ETag"))
        #expect(try put(2, "If-None-Match: *").status == 412)
        let next = try #require(try put(2, "If-Match: \(version)").header("ETag"))
        #expect(try server.delete("/v1/rules/5", headers: ["If-Match: \(version)"]).status == 412)
        #expect(try server.delete("/v1/rules/5", headers: ["If-Match: \(next)"]).status == 204)
    }

    @Test("A stream tells rules in a replay and every change of them, by family, and its digests agree")
    func events() throws {
        let follower = Follower(try server.follow("?kinds=rule&family=inet"))
        try follower.followToSync()
        #expect(follower.count == 3)
        _ = try server.post("/v1/rules", #"[{"priority":5,"table":"1"},{"priority":5,"table":"2"}]"#)
        _ = try server.post("/v1/rules", #"{"family":"inet6","priority":5}"#)
        _ = try server.request("PUT", "/v1/rules/5", #"{"table":"3"}"#)
        _ = try server.delete("/v1/rules?priority=5")
        #expect(try follower.followDeltas(5) == ["add", "append", "replace", "delete", "delete"])
        let fresh = Follower(try server.follow("?kinds=rule&family=inet&until=sync"))
        try fresh.followToSync()
        #expect(fresh.entries == follower.entries)
    }

    @Test("Rules change in transactions with routes, and a removal names what it means")
    func transaction() throws {
        let done = try server.post(
            "/v1/transactions",
            """
            {"operations":[{"op":"add","kind":"rule","value":{"priority":5,"table":"9","fwmark":1}},
            {"op":"add","kind":"route","value":{"dst":"10.0.0.0/8","dev":"eth1","table":"9"}},
            {"op":"replace","kind":"rule","value":{"priority":6,"action":"prohibit"}},
            {"op":"delete","kind":"rule","value":{"action":"prohibit"}}]}
            """)
        #expect(try done.json()["created"]?.number == 3 && done.json()["deleted"]?.number == 1, "\(done.text)")
        #expect(try server.get("/v1/lookup?dst=10.1.1.1&mark=1").json()["dev"] == .string("eth1"))
        #expect(try server.get("/v1/lookup?dst=10.1.1.1").json()["result"] == .string("no-route"))
        for operation in [
            #"{"op":"append","kind":"rule","value":{"priority":5}}"#,
            #"{"op":"delete","kind":"rule","value":{"priority":5,"fwmark":2}}"#,
            #"{"op":"delete","kind":"rule","value":{"priority":5},"if_match":1}"#,
        ] {
            let before = try server.digest()
            let refused = try server.post("/v1/transactions", #"{"operations":[\#(operation)]}"#)
            #expect([404, 412, 422].contains(refused.status), "\(refused.text)")
            #expect(try server.digest() == before)
        }
    }

    @Test("Lookups go by what is said of packets, and say which rule decided")
    func lookups() throws {
        _ = try server.post("/v1/rules", #"{"priority":5,"iif":"eth0","ipproto":"tcp","dport":22,"action":"prohibit"}"#)
        _ = try server.post("/v1/rules", #"{"priority":6,"uid_start":1000,"uid_end":1000,"action":"unreachable"}"#)
        _ = try server.post("/v1/rules", #"{"priority":7,"dscp":"CS1","tun_id":9,"action":"blackhole"}"#)
        func result(_ query: String) throws -> String {
            let answer = try server.get("/v1/lookup?dst=10.0.0.1&\(query)").json()
            return
                "\(answer["result"]?.string ?? "") \(answer["code"]?.string ?? "") \(answer["priority"]?.number ?? 0)"
        }
        #expect(try result("iif=eth0&ipproto=tcp&dport=22") == "prohibit EACCES 5")
        #expect(try result("iif=eth0&ipproto=6&dport=23") == "no-route ENETUNREACH 0")
        #expect(try result("ipproto=tcp&dport=22") == "no-route ENETUNREACH 0")
        #expect(try result("uid=1000") == "unreachable ENETUNREACH 6")
        #expect(try result("tos=CS1&tun_id=9") == "blackhole EINVAL 7")
        let steps = try #require(try server.get("/v1/lookup?dst=10.0.0.1&uid=1000&explain=1").json()["explain"]?.array)
        #expect(
            steps.map(\.canonical) == [
                #"{"found":null,"outcome":"no-table","passed_over":[],"priority":0,"table":"local"}"#,
                #"{"action":"prohibit","outcome":"not-selected","priority":5,"selector":"iif"}"#,
                #"{"action":"unreachable","outcome":"refused","priority":6}"#,
            ])
    }

    @Test("In a strict namespace a rule says which of its links isn't there")
    func detached() throws {
        _ = try server.request("PATCH", "/v1/namespaces/default", #"{"nexthop_check":"strict"}"#)
        let added = try server.post("/v1/rules", #"{"priority":5,"iif":"eth0","oif":"lo"}"#).json()
        #expect(added["iif_detached"] == .bool(true) && added["oif_detached"] == nil)
        _ = try server.request("PUT", "/v1/links/eth0", "{}")
        #expect(try server.get("/v1/rules/5").json()["iif_detached"] == nil)
    }

    @Test("A switch like the kernel's simulator counts rules, refuses one too many, and has room again (R3-25…R3-27)")
    func capacity() throws {
        let server = try RunningServer(arguments: ["--ephemeral"])
        let settings = #"{"profile":"netdevsim","capacity":{"ipv4_rules":5,"ipv6_rules":null}}"#
        #expect(try server.request("PATCH", "/v1/devices/asic0", settings).status == 200)
        #expect(try server.post("/v1/devices/asic0/restart", "{}").status < 300)
        func occupancy(_ name: String) throws -> UInt64? {
            try server.get("/v1/devices/asic0").json()["occupancy"]?[name]?.number
        }
        #expect(try eventually { try occupancy("ipv4_rules") == 3 })
        #expect(try server.post("/v1/rules", #"[{"priority":1},{"priority":2}]"#).status == 200)
        try server.expectRefusal("POST", "/v1/rules", #"{"priority":3}"#, "507 ENOSPC not-admitted")
        // What is taken and then refused by another rule of the list is given back.
        #expect(try server.delete("/v1/rules/2").status == 204)
        #expect(try eventually { try occupancy("ipv4_rules") == 4 })
        try server.expectRefusal("POST", "/v1/rules", #"[{"priority":3},{"priority":3}]"#, "409 EEXIST rule-exists")
        #expect(try occupancy("ipv4_rules") == 4)
        #expect(try server.post("/v1/rules", #"{"priority":3}"#).status == 201)
        #expect(try server.post("/v1/rules", #"{"priority":3,"family":"inet6"}"#).status == 201)
        #expect(try occupancy("ipv4_rules") == 5 && occupancy("ipv6_rules") == 3)
    }

    @Test("Rules survive a restart, with their order and versions", arguments: [true, false])
    func restart(isKilled: Bool) throws {
        let directory = TemporaryDirectory()
        let first = try RunningServer(arguments: ["--data-dir", directory.path])
        _ = try first.delete("/v1/rules/0")
        _ = try first.post(
            "/v1/rules",
            """
            [{"priority":5,"table":"1"},{"priority":5,"not":true,"src":"10.0.0.0/8","dst":"192.0.2.0/24","tos":8,"iif":"a",
            "oif":"b","fwmark":"1/3","tun_id":18446744073709551615,"uid_start":1,"uid_end":2,"ipproto":"tcp","sport":5,
            "dport_start":6,"dport_end":7,"suppress_prefixlen":24,"suppress_ifgroup":3,"protocol":"bgp"},
            {"priority":6,"goto":7,"dscp":5},{"priority":4,"action":"blackhole","family":"inet6","src":"2001:db8::/32"}]
            """)
        _ = try first.request("PUT", "/v1/links/eth0", #"{"group":7}"#)
        let before = try first.get("/v1/rules").text
        first.process.signal(isKilled ? SIGKILL : SIGTERM)
        #expect(first.process.waitForExit() != nil)
        let second = try RunningServer(arguments: ["--data-dir", directory.path])
        #expect(try second.get("/v1/rules").text == before)
        #expect(try second.get("/v1/links/eth0").json()["group"] == .string("7"))
    }

    @Test("With a namespace go its rules, and another one begins with its own")
    func namespaces() throws {
        _ = try server.request("PUT", "/v1/namespaces/blue", "{}")
        _ = try server.post("/v1/rules?namespace=blue", #"{"priority":5}"#)
        #expect(try list("?namespace=blue").count == 6 && list("").count == 11)
        #expect(try server.get("/v1/rules/5").status == 404 && server.get("/v1/rules/5?namespace=blue").status == 200)
        #expect(try server.delete("/v1/namespaces/blue").status == 204)
        #expect(try list("").count == 5)
        _ = try server.request("PUT", "/v1/namespaces/blue", "{}")
        #expect(try list("?namespace=blue").count == 5)
    }
}
