import ChangeLog
import Glibc
import TestSupport
import Testing

/// What the manual shows, typed as a user would, with the answers to the letter.
@Suite struct CurlTests {
    let server: RunningServer

    init() throws { server = try RunningServer() }

    private static let first = """
        {"dev":"eth0","dst":"192.0.2.0/24","family":"inet","gateway":"198.51.100.1","h":"H","metric":0,\
        "namespace":"default","protocol":"boot","seq":7,"table":"main","type":"unicast","version":7}

        """

    private func add(_ route: String) throws {
        let response = try server.post("/v1/routes", route)
        #expect(response.status == 201, "\(response.text)")
    }

    @Test("A route is added: 201, where it is, its version, its row")
    func add() throws {
        let response = try server.curl(
            "--json", #"{"dst":"192.0.2.0/24","gateway":"198.51.100.1","dev":"eth0"}"#, "/v1/routes")
        #expect(response.status == 201)
        #expect(response.header("Location") == "/v1/routes/192.0.2.0/24?table=main&metric=0")
        #expect(response.header("Content-Type") == "application/json")
        #expect(response.header("Fibd-Seq") == "7")
        #expect(response.header("ETag") == "\"7\"")
        #expect(response.text.withoutHashes == Self.first)
        let found = try server.get(response.header("Location") ?? "")
        #expect(found.text == response.text)
        #expect(found.header("ETag") == "\"7\"")
    }

    @Test("Adding it again is refused with the kernel's words, and changes nothing")
    func addTwice() throws {
        let route = #"{"dst":"192.0.2.0/24","gateway":"198.51.100.1","dev":"eth0"}"#
        try add(route)
        let before = try server.state()
        let response = try server.curl("--json", route, "/v1/routes")
        #expect(response.status == 409)
        let problem = try response.problem()
        #expect(problem["code"] == .string("EEXIST"))
        #expect(problem["reason"] == .string("route-exists"))
        #expect(problem["rule"] == .string("R1-62"))
        #expect(try server.state() == before)
    }

    @Test(
        "A route is replaced by PUT and by mode=replace alike",
        arguments: [
            ["-X", "PUT", "--json", #"{"gateway":"198.51.100.2"}"#, "/v1/routes/192.0.2.0/24"],
            ["--json", #"{"dst":"192.0.2.0/24","gateway":"198.51.100.2"}"#, "/v1/routes?mode=replace"],
        ])
    func replace(arguments: [String]) throws {
        try add(#"{"dst":"192.0.2.0/24","gateway":"198.51.100.1","dev":"eth0"}"#)
        let process = try server.startCurl(["-w", "%{http_code} %header{fibd-seq} %header{etag}"] + arguments)
        #expect(process.waitForExit() == 0)
        #expect(
            process.output.withoutHashes == """
                {"dst":"192.0.2.0/24","family":"inet","gateway":"198.51.100.2","h":"H","metric":0,\
                "namespace":"default","protocol":"boot","seq":8,"table":"main","type":"unicast","version":8}
                200 8 "8"
                """)
        // Once more: the table already says so.
        let again = try server.startCurl(["-f"] + arguments)
        #expect(again.waitForExit() == 0)
        #expect(try server.state()["seq"]?.number == 8)
    }

    @Test("Lists: all, one family, all within a prefix, in the table's order")
    func list() throws {
        try add(#"{"dst":"2001:db8:1::/48","gateway":"fe80::1","dev":"eth0"}"#)
        try add(#"{"dst":"192.0.2.128/25","dev":"eth1"}"#)
        try add(#"{"dst":"192.0.2.0/24","dev":"eth0"}"#)
        try add(#"{"dst":"192.0.2.0/25","dev":"eth1"}"#)
        try add(#"{"dst":"203.0.113.0/24","dev":"eth0"}"#)
        func list(_ target: String) throws -> [String] {
            let response = try server.curl(target)
            #expect(response.status == 200)
            #expect(response.header("Content-Type") == "application/json")
            #expect(response.header("Fibd-Seq") == "11")
            let rows = try #require(try response.json().array)
            #expect(response.header("Fibd-Count") == String(rows.count))
            return rows.compactMap { $0["dst"]?.string }
        }
        let within = ["192.0.2.0/25", "192.0.2.0/24", "192.0.2.128/25"]
        #expect(try list("/v1/routes") == within + ["203.0.113.0/24", "2001:db8:1::/48"])
        #expect(try list("/v1/routes?family=inet") == within + ["203.0.113.0/24"])
        #expect(try list("/v1/routes?family=inet6") == ["2001:db8:1::/48"])
        #expect(try list("/v1/routes?within=192.0.2.0/24") == within)
        #expect(try list("/v1/routes?covers=192.0.2.1/32") == ["192.0.2.0/25", "192.0.2.0/24"])
        #expect(try list("/v1/routes?dev=eth1") == ["192.0.2.0/25", "192.0.2.128/25"])
        #expect(try list("/v1/routes?within=198.18.0.0/15") == [])
    }

    @Test("A row of a list, to the letter")
    func row() throws {
        try add(#"{"dst":"192.0.2.0/24","gateway":"198.51.100.1","dev":"eth0"}"#)
        let response = try server.curl("/v1/routes")
        #expect(response.text.withoutHashes == "[\(Self.first.dropLast())]\n")
        let lines = try server.curl("-H", "Accept: application/x-ndjson", "/v1/routes")
        #expect(lines.header("Content-Type") == "application/x-ndjson")
        #expect(lines.text.withoutHashes == Self.first)
    }

    @Test("Default routes of both families go in by name and are found by it")
    func defaultRoutes() throws {
        #expect(
            try server.curl("--json", #"{"dst":"default","gateway":"198.51.100.1"}"#, "/v1/routes")
                .header("Location") == "/v1/routes/0.0.0.0/0?table=main&metric=0")
        #expect(
            try server.curl("--json", #"{"dst":"default","gateway":"2001:db8::1"}"#, "/v1/routes")
                .header("Location") == "/v1/routes/::/0?table=main&metric=1024")
        #expect(
            try server.curl("/v1/routes/default").text.withoutHashes == """
                {"dst":"0.0.0.0/0","family":"inet","gateway":"198.51.100.1","h":"H","metric":0,"namespace":"default",\
                "protocol":"boot","seq":7,"table":"main","type":"unicast","version":7}

                """)
        #expect(
            try server.curl("/v1/routes/default?family=inet6").text.withoutHashes == """
                {"dst":"::/0","family":"inet6","gateway":"2001:db8::1","h":"H","metric":1024,"namespace":"default",\
                "protocol":"boot","seq":8,"table":"main","type":"unicast","version":8}

                """)
        #expect(try server.curl("-X", "DELETE", "/v1/routes/default").status == 204)
        #expect(try server.curl("/v1/routes/default").status == 404)
        #expect(try server.curl("/v1/routes/default?family=inet6").status == 200)
    }

    @Test("A route is deleted once: 204, then 404")
    func delete() throws {
        try add(#"{"dst":"192.0.2.0/24","dev":"eth0"}"#)
        let response = try server.curl("-X", "DELETE", "/v1/routes/192.0.2.0/24")
        #expect(response.status == 204)
        #expect(response.header("Fibd-Seq") == "8")
        #expect(response.body.isEmpty)
        let again = try server.curl("-X", "DELETE", "/v1/routes/192.0.2.0/24")
        #expect(again.status == 404)
        #expect(try again.problem()["code"] == .string("ESRCH"))
    }

    @Test("A flush needs to be told what, and takes the number that one expects")
    func flush() throws {
        try add(#"{"dst":"192.0.2.0/25","dev":"eth0"}"#)
        try add(#"{"dst":"192.0.2.128/25","dev":"eth0"}"#)
        try add(#"{"dst":"203.0.113.0/24","dev":"eth0"}"#)
        try add(#"{"dst":"192.0.2.64/26","dev":"eth0","protocol":"kernel"}"#)
        let before = try server.state()
        let unbounded = try server.curl("-X", "DELETE", "/v1/routes")
        #expect(unbounded.status == 400)
        #expect(try unbounded.problem()["reason"] == .string("flush-unbounded"))
        // A namespace or family alone doesn't narrow it enough.
        #expect(try server.curl("-X", "DELETE", "/v1/routes?namespace=default&family=inet").status == 400)
        let mismatch = try server.curl("-X", "DELETE", "/v1/routes?within=192.0.2.0/24&expect=3")
        #expect(mismatch.status == 409)
        #expect(try mismatch.problem()["reason"] == .string("count-mismatch"))
        #expect(try server.state() == before)
        let flushed = try server.curl("-X", "DELETE", "/v1/routes?within=192.0.2.0/24&expect=2")
        #expect(flushed.status == 200)
        #expect(flushed.header("Fibd-Seq") == "12")
        #expect(flushed.text == "{\"deleted\":2,\"seq\":12}\n")
        // What the kernel put there goes only by name.
        #expect(try server.curl("-X", "DELETE", "/v1/routes?all=1").text == "{\"deleted\":1,\"seq\":13}\n")
        #expect(try server.curl("-X", "DELETE", "/v1/routes?protocol=kernel").text == "{\"deleted\":1,\"seq\":14}\n")
        #expect(try server.curl("/v1/routes").text == "[]\n")
    }

    @Test("curl -N shows the state, then each change as it happens")
    func follow() throws {
        let curl = try server.startCurl(["-N", "/v1/events"])
        #expect(eventually { curl.output.contains("event: sync\n") })
        try add(#"{"dst":"192.0.2.0/24","dev":"eth0"}"#)
        #expect(eventually { curl.output.contains("192.0.2.0/24") && curl.output.hasSuffix("\n\n") })
        let epoch = try #require(text(of: curl.output, between: "\"epoch\":\"", and: "\""))
        let entry = """
            {"dev":"eth0","dst":"192.0.2.0/24","family":"inet","metric":0,"namespace":"default","protocol":"boot",\
            "table":"main","type":"unicast"}
            """
        let namespace = """
            {"ipv4":{"fib_notify_on_flag_change":0},"ipv6":{"fib_notify_on_flag_change":0},"name":"default",\
            "nexthop_check":"open"}
            """
        let rules = startingRules(of: "default")
        let digests = (
            namespace: entryHash(namespace).text, rules: digest(rules), all: digest([namespace] + rules)
        )
        let replayed = zip(rules, 2...).map { rule, number in
            """
            event: rule
            data: {"op":"replay","seq":\(number),"version":\(number),"entry":\(rule),"h":"\(entryHash(rule).text)"}


            """
        }
        #expect(
            curl.output == """
                retry: 1000
                id: 
                event: hello
                data: {"epoch":"\(epoch)","mode":"replay","seq":6,"heartbeat":15,"devices":{}}

                event: namespace
                data: {"op":"replay","seq":1,"version":1,"entry":\(namespace),"h":"\(digests.namespace)"}

                \(replayed.joined())id: \(epoch)-6-0
                event: sync
                data: {"seq":6,"count":6,"digest":"\(digests.all)",\
                "counts":{"action":0,"block":0,"chain":0,"filter":0,"link":0,"namespace":1,"neigh":0,"nexthop":0,"qdisc":0,\
                "route":0,"rule":5},"digests":{"action":"\(zero)","block":"\(zero)","chain":"\(zero)","filter":"\(zero)",\
                "link":"\(zero)","namespace":"\(digests.namespace)","neigh":"\(zero)","nexthop":"\(zero)",\
                "qdisc":"\(zero)","route":"\(zero)","rule":"\(digests.rules)"}}

                id: \(epoch)-7-0
                event: route
                data: {"op":"add","seq":7,"version":7,"prev":6,"entry":\(entry),"h":"\(entryHash(entry).text)"}


                """)
    }

    private func digest(_ entries: [String]) -> String {
        entries.reduce(into: Summary()) { $0.add(entryHash($1)) }.digest.text
    }

    private let zero = String(repeating: "0", count: 32)

    @Test("A follower that comes back with its last id gets what it missed")
    func resume() throws {
        try add(#"{"dst":"192.0.2.0/24","dev":"eth0"}"#)
        let first = try server.startCurl(["/v1/events?until=sync"])
        #expect(first.waitForExit() == 0)
        let cursor =
            try #require(text(of: first.output, between: "\nid: ", and: "\nevent: sync"))
            .split(separator: "id: ").last.map(String.init) ?? ""
        #expect(try server.delete("/v1/routes/192.0.2.0/24").status == 204)
        try add(#"{"dst":"203.0.113.0/24","dev":"eth0"}"#)
        let second = try server.startCurl(["-H", "Last-Event-ID: \(cursor)", "/v1/events?until=sync"])
        #expect(second.waitForExit() == 0)
        let events = second.output.split(separator: "\n").filter { $0.hasPrefix("event: ") || $0.hasPrefix("id: ") }
        let epoch = cursor.prefix { $0 != "-" }
        #expect(
            events == [
                "event: hello", "id: \(epoch)-8-0", "event: route", "id: \(epoch)-9-0", "event: route",
                "id: \(epoch)-9-0", "event: sync",
            ])
        #expect(second.output.contains(#""mode":"resume""#))
    }

    @Test("A transaction does all or nothing")
    func transaction() throws {
        try add(#"{"dst":"192.0.2.0/24","dev":"eth0"}"#)
        let before = try server.state()
        let refused = try server.curl(
            "--json",
            """
            {"operations":[{"op":"add","kind":"route","value":{"dst":"10.1.0.0/16","dev":"eth1"}},
            {"op":"delete","kind":"route","value":{"dst":"10.9.0.0/16"}}]}
            """, "/v1/transactions")
        #expect(refused.status == 404)
        #expect(try refused.problem()["errors"]?[0]?["pointer"] == .string("/operations/1"))
        #expect(try server.state() == before)
        let done = try server.curl(
            "--json",
            """
            {"operations":[{"op":"add","kind":"route","value":{"dst":"10.1.0.0/16","dev":"eth1"}},
            {"op":"delete","kind":"route","value":{"dst":"192.0.2.0/24"}}]}
            """, "/v1/transactions")
        #expect(done.status == 200)
        #expect(done.header("Fibd-Seq") == "9")
        #expect(
            done.text == """
                {"accepted":2,"created":1,"replaced":0,"deleted":1,"unchanged":0,"rejected_count":0,"rejected":[],\
                "tx":8,"seq":9}

                """)
    }

    @Test("A dry run answers as the real thing would and changes nothing")
    func dryRun() throws {
        try add(#"{"dst":"192.0.2.0/24","dev":"eth0"}"#)
        let before = try server.state()
        let route = #"{"dst":"10.2.0.0/16","dev":"eth1"}"#
        let add = try server.curl("--json", route, "/v1/routes?dry_run=1")
        #expect(add.status == 200)
        #expect(
            add.text == """
                {"dry_run":true,"outcome":"created","entry":{"dev":"eth1","dst":"10.2.0.0/16","family":"inet",\
                "metric":0,"namespace":"default","protocol":"boot","table":"main","type":"unicast"}}

                """)
        let commands = [
            ["--json", "[\(route)]", "/v1/routes?dry_run=1"],
            ["-H", "Content-Type: application/x-ndjson", "--data-binary", "\(route)\n", "/v1/routes?dry_run=1"],
            ["-X", "PUT", "--json", "{\"dev\":\"eth9\"}", "/v1/routes/192.0.2.0/24?dry_run=1"],
            ["-X", "DELETE", "/v1/routes/192.0.2.0/24?dry_run=1"],
            ["-X", "DELETE", "/v1/routes?all=1&dry_run=1"],
            ["-X", "PUT", "/v1/namespaces/blue?dry_run=1"],
            [
                "--json", #"{"operations":[{"op":"add","kind":"route","value":\#(route)}]}"#,
                "/v1/transactions?dry_run=1",
            ],
        ]
        for command in commands {
            let curl = try server.startCurl(["-f"] + command)
            #expect(curl.waitForExit() == 0, "\(command): \(curl.errorOutput)")
        }
        #expect(try server.state() == before)
        #expect(
            try server.curl("--json", #"{"dst":"192.0.2.0/24","dev":"eth1"}"#, "/v1/routes?dry_run=1").status == 409)
    }

    @Test("A namespace comes, is changed, and goes with its rules and routes, itself first")
    func namespace() throws {
        let created = try server.curl("-X", "PUT", "/v1/namespaces/blue")
        #expect(created.status == 201)
        #expect(created.header("Location") == "/v1/namespaces/blue")
        #expect(
            created.text.withoutHashes == """
                {"h":"H","ipv4":{"fib_notify_on_flag_change":0},"ipv6":{"fib_notify_on_flag_change":0},\
                "name":"blue","nexthop_check":"open","seq":7,"version":7}

                """)
        let patched = try server.curl(
            "-X", "PATCH", "--json", #"{"ipv4":{"fib_notify_on_flag_change":2}}"#, "/v1/namespaces/blue")
        #expect(patched.status == 200)
        #expect(try patched.json()["ipv4"]?["fib_notify_on_flag_change"]?.number == 2)
        #expect(try patched.json()["ipv6"]?["fib_notify_on_flag_change"]?.number == 0)
        let routes = #"[{"dst":"10.2.0.0/16","dev":"eth1"},{"dst":"10.3.0.0/16","dev":"eth1"}]"#
        #expect(try server.curl("--json", routes, "/v1/routes?namespace=blue").status == 200)
        let follower = Follower(try server.follow())
        try follower.followToSync()
        #expect(try server.curl("-X", "DELETE", "/v1/namespaces/blue").header("Fibd-Seq") == "23")
        let frames = try follower.reader.frames(8)
        for frame in frames { try follower.take(frame) }
        #expect(frames.map(\.event) == ["namespace", "rule", "rule", "rule", "rule", "rule", "route", "route"])
        let changes = try frames.map { try $0.json() }
        #expect(changes[0]["tx"] == nil)
        for change in changes.dropFirst() {
            #expect(change["cause"]?.canonical == #"{"reason":"namespace-deleted","seq":16}"#)
        }
        #expect(changes.dropFirst().map { $0["tx"]?.number } == [17, 17, 17, 17, 17, 22, 22])
        #expect(try server.curl("/v1/routes?namespace=blue").text == "[]\n")
        #expect(try server.curl("/v1/namespaces/blue").status == 404)
        #expect(try server.curl("-X", "DELETE", "/v1/namespaces/default").status == 423)
    }
}
