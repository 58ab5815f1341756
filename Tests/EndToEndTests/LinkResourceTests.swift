import TestSupport
import Testing

/// `/v1/links` and what is below it.
@Suite struct LinkResourceTests {
    let server: RunningServer

    init() throws { server = try RunningServer() }

    @discardableResult
    private func put(_ target: String, _ body: String? = nil, headers: [String] = []) throws -> TestResponse {
        try server.request("PUT", "/v1/links/\(target)", body, headers: headers)
    }

    private func names(_ listing: TestResponse) throws -> [String] {
        try #require(try listing.json().array).compactMap { $0["ifname"]?.string }
    }

    private func routes(_ query: String = "") throws -> [String] {
        try #require(try server.get("/v1/routes\(query)").json().array).compactMap { $0["dst"]?.string }
    }

    @Test("A link is created with its defaults, read, changed by what is named, and removed")
    func life() throws {
        let created = try put("eth0")
        #expect(created.status == 201)
        #expect(created.header("Location") == "/v1/links/eth0")
        #expect(created.header("ETag") == "\"7\"")
        #expect(
            created.text.withoutHashes == """
                {"addresses":[],"carrier":true,"h":"H","ifname":"eth0","mtu":1500,"namespace":"default","offload":true,\
                "operstate":"UP","seq":7,"version":7}

                """)
        let read = try server.get("/v1/links/eth0")
        #expect(read.status == 200 && read.text == created.text && read.header("ETag") == "\"7\"")
        let changed = try put("eth0", #"{"mtu":9000,"addresses":["192.0.2.1/24","2001:db8::1"]}"#)
        #expect(changed.status == 200)
        let again = try put("eth0", #"{"offload":false}"#)
        #expect(try again.json()["addresses"]?.canonical == #"["192.0.2.1/24","2001:db8::1/128"]"#)
        #expect(try again.json()["mtu"]?.number == 9_000)
        // Nothing new is no change; and what a listing shows is taken back as it is.
        let head = try server.state()["seq"]
        #expect(try put("eth0", again.text).text == again.text)
        #expect(try put("eth0", "{}").header("Fibd-Seq") == head.map { "\($0.number ?? 0)" })
        #expect(try server.state()["seq"] == head)
        let removed = try server.delete("/v1/links/eth0")
        #expect(removed.status == 204 && removed.body.isEmpty)
        #expect(try routes().isEmpty)
        #expect(try server.get("/v1/links/eth0").refusal() == "404 ENOENT link-not-found")
    }

    @Test("The answer to a change has the number of the last thing that followed from it")
    func sequence() throws {
        try put("eth0", #"{"addresses":["192.0.2.1/24"]}"#)
        _ = try server.post("/v1/routes", #"{"dst":"10.0.0.0/8","gateway":"192.0.2.9","dev":"eth0"}"#)
        let down = try put("eth0", #"{"operstate":"DOWN"}"#)
        #expect(try routes() == ["192.0.2.1/32"])
        let sync = try server.state()
        #expect(down.header("Fibd-Seq") == sync["seq"]?.number.map { "\($0)" })
        #expect(down.header("ETag") != down.header("Fibd-Seq").map { "\"\($0)\"" })
    }

    @Test(
        "What can't be is refused, with code and reason, and changes nothing; what the path names must be there",
        arguments: [
            ("PUT", "/v1/links/eth0", #"{"mtu":67}"#, "422 EINVAL link-invalid"),
            ("PUT", "/v1/links/eth0", #"{"mtu":65537}"#, "422 EINVAL link-invalid"),
            ("PUT", "/v1/links/eth0", #"{"mtu":"1500"}"#, "400 EINVAL wrong-type"),
            ("PUT", "/v1/links/eth0", #"{"speed":10}"#, "400 EINVAL unknown-field"),
            ("PUT", "/v1/links/eth0", #"{"mtu":1500,"mtu":1500}"#, "400 EINVAL duplicate-field"),
            ("PUT", "/v1/links/eth0", #"{"operstate":"down"}"#, "400 EINVAL bad-value"),
            ("PUT", "/v1/links/eth0", #"{"addresses":["192.0.2.1/33"]}"#, "422 EINVAL link-invalid"),
            ("PUT", "/v1/links/eth0", #"{"addresses":["192.0.2.1/+24"]}"#, "422 EINVAL link-invalid"),
            ("PUT", "/v1/links/eth0", #"{"addresses":["192.0.2.1/024"]}"#, "422 EINVAL link-invalid"),
            ("PUT", "/v1/links/eth0", #"{"addresses":["224.0.0.1/24"]}"#, "422 EINVAL link-invalid"),
            ("PUT", "/v1/links/eth0", #"{"addresses":["192.0.2.1/24","192.0.2.1/25"]}"#, "409 EEXIST link-invalid"),
            ("PUT", "/v1/links/eth0", #"{"addr_info":[{"prefixlen":24}]}"#, "422 EINVAL link-invalid"),
            ("PUT", "/v1/links/eth0", #"{"ifname":"eth1"}"#, "422 EINVAL link-invalid"),
            ("PUT", "/v1/links/eth0", #"{"namespace":"blue"}"#, "422 EINVAL link-invalid"),
            ("PUT", "/v1/links/0123456789abcdef", "{}", "422 EINVAL link-invalid"),
            ("PUT", "/v1/links/a%20b", "{}", "422 EINVAL link-invalid"),
            ("PUT", "/v1/links/eth0?x=1", "{}", "400 EINVAL bad-parameter"),
            ("PUT", "/v1/links/eth0?namespace=blue", "{}", "404 ENOENT namespace-not-found"),
            ("DELETE", "/v1/links/eth0", nil, "404 ENODEV link-not-found"),
            ("DELETE", "/v1/links/eth0?dry_run=1", nil, "404 ENODEV link-not-found"),
            ("PUT", "/v1/links/eth0/carrier", #"{"carrier":true}"#, "404 ENODEV link-not-found"),
            ("PUT", "/v1/links/eth0/carrier", "{}", "422 EINVAL missing-field"),
            ("PUT", "/v1/links/eth0/carrier", #"{"carrier":1}"#, "400 EINVAL wrong-type"),
            ("GET", "/v1/links?after=default", nil, "400 EINVAL bad-parameter"),
            ("GET", "/v1/links?namespace=-", nil, "400 EINVAL bad-parameter"),
            ("GET", "/v1/links?limit=0", nil, "400 EINVAL bad-parameter"),
            ("POST", "/v1/links", "{}", "405 EOPNOTSUPP method-not-allowed"),
        ] as [(String, String, String?, String)])
    func refused(method: String, target: String, body: String?, expected: String) throws {
        try server.expectRefusal(method, target, body, expected)
    }

    @Test("Conditions hold: If-Match names the entry's version, which the carrier leaves as it is")
    func conditions() throws {
        try put("eth0")
        #expect(try put("eth0", "{}", headers: ["If-None-Match: *"]).refusal() == "412 EEXIST version-mismatch")
        let stale = try put("eth0", #"{"mtu":1400}"#, headers: ["If-Match: \"1\""])
        #expect(try stale.refusal() == "412 ESTALE version-mismatch")
        #expect(try put("eth1", "{}", headers: ["If-Match: \"1\""]).refusal() == "412 ESTALE version-mismatch")
        let carrier = try put("eth0/carrier", #"{"carrier":false}"#, headers: ["If-Match: \"7\""])
        #expect(carrier.status == 200 && carrier.header("ETag") == "\"7\"" && carrier.header("Fibd-Seq") == "8")
        #expect(try carrier.json()["carrier"] == .bool(false))
        #expect(try put("eth0", #"{"mtu":1400}"#, headers: ["If-Match: \"7\""]).status == 200)
        let late = try server.delete("/v1/links/eth0", headers: ["If-Match: \"7\""])
        #expect(try late.refusal() == "412 ESTALE version-mismatch")
        #expect(try server.get("/v1/links/eth0").json()["carrier"] == .bool(false))
        #expect(try put("eth1", "{}", headers: ["If-None-Match: *"]).status == 201)
        #expect(try server.delete("/v1/links/eth1", headers: ["If-Match: *"]).status == 400)
    }

    @Test("A dry run says what would be, and changes nothing")
    func dryRun() throws {
        let before = try server.state()
        let created = try put("eth0?dry_run=1", #"{"addresses":["192.0.2.1/24"]}"#)
        #expect(
            created.text.withoutHashes == """
                {"dry_run":true,"outcome":"created","entry":{"addresses":["192.0.2.1/24"],"ifname":"eth0","mtu":1500,\
                "namespace":"default","offload":true,"operstate":"UP"}}

                """)
        #expect(created.status == 200 && created.header("Fibd-Seq") == "6")
        #expect(try server.state() == before)
        try put("eth0")
        for (method, target, outcome) in [
            ("PUT", "eth0?dry_run=1", "unchanged"), ("DELETE", "eth0?dry_run=1", "deleted"),
        ] {
            let answer = try server.request(method, "/v1/links/\(target)")
            #expect(try answer.json()["outcome"]?.string == outcome && answer.status == 200)
        }
        let carrier = try put("eth0/carrier?dry_run=1", #"{"carrier":false}"#)
        #expect(try carrier.json()["outcome"]?.string == "replaced")
        #expect(try server.get("/v1/links/eth0").json()["carrier"] == .bool(true))
    }

    @Test("Pages go on behind the last name, also if that is gone; namespace and NDJSON select and shape the list")
    func listing() throws {
        _ = try server.request("PUT", "/v1/namespaces/blue", "{}")
        for name in ["b", "a", "c%2C1", "d"] { try put(name) }
        try put("z?namespace=blue")
        let all = try server.get("/v1/links")
        #expect(try names(all) == ["z", "a", "b", "c,1", "d"])
        #expect(all.header("Fibd-Count") == "5" && all.header("Fibd-Seq") == "17" && all.header("Link") == nil)
        #expect(try names(server.get("/v1/links?namespace=default")) == ["a", "b", "c,1", "d"])
        #expect(try names(server.get("/v1/links?namespace=none")) == [])
        var (target, seen): (String?, [String]) = ("/v1/links?limit=2", [])
        while let next = target {
            let page = try server.get(next)
            #expect(page.status == 200, "\(next): \(page.text)")
            seen += try names(page)
            // The last of the page goes before the next one is asked for.
            if seen.last == "a" { #expect(try server.delete("/v1/links/a").status == 204) }
            target = page.header("Link").flatMap { text(of: $0, between: "<", and: ">") }
        }
        #expect(seen == ["z", "a", "b", "c,1", "d"])
        let lines = try server.get("/v1/links?namespace=default", headers: ["Accept: application/x-ndjson"])
        #expect(lines.header("Content-Type") == "application/x-ndjson")
        #expect(try lines.lines().compactMap { $0["ifname"]?.string } == ["b", "c,1", "d"])
        #expect(try server.get("/v1/links", headers: ["Accept: text/html"]).status == 406)
    }

    @Test("What ip prints is accepted: flags say whether a link is up, addr_info are its addresses")
    func iproute2() throws {
        let noCarrier = """
            {"ifindex":3,"ifname":"eth0","flags":["NO-CARRIER","BROADCAST","MULTICAST","UP"],"mtu":1400,\
            "qdisc":"fq_codel","operstate":"DOWN","group":"default","txqlen":1000,"link_type":"ether",\
            "address":"02:00:00:00:00:01","broadcast":"ff:ff:ff:ff:ff:ff","altnames":["enp1s0"],"addr_info":[\
            {"family":"inet","local":"192.0.2.1","prefixlen":24,"broadcast":"192.0.2.255","scope":"global",\
            "label":"eth0","valid_life_time":4294967295,"preferred_life_time":4294967295},\
            {"family":"inet6","local":"fe80::1","prefixlen":64,"scope":"link","protocol":"kernel_ll"}]}
            """
        let answer = try put("eth0", noCarrier)
        #expect(answer.status == 201, "\(answer.text)")
        #expect(try answer.json()["operstate"]?.string == "UP" && answer.json()["mtu"]?.number == 1_400)
        #expect(try answer.json()["addresses"]?.canonical == #"["192.0.2.1/24","fe80::1/64"]"#)
        #expect(try put("eth0", #"{"flags":["BROADCAST"]}"#).json()["operstate"]?.string == "DOWN")
        for state in ["UNKNOWN", "LOWERLAYERDOWN", "DORMANT", "TESTING"] {
            try put("eth0", #"{"operstate":"DOWN"}"#)
            #expect(try put("eth0", #"{"operstate":"\#(state)"}"#).json()["operstate"]?.string == "UP")
        }
    }

    @Test("An address's IPv6 route of metric 0 is found, removed and reported on by that; a user's is of metric 1024")
    func metricZero() throws {
        try put("eth0", #"{"addresses":["2001:db8::1/64"]}"#)
        let path = "/v1/routes/2001:db8::1/128?table=local&metric=0"
        let route = try server.get(path)
        #expect(try route.status == 200 && route.json()["metric"]?.number == 0, "\(route.text)")
        _ = try server.post("/v1/listeners", #"{"name":"asic1","role":"driver","lease":null}"#)
        let version = try #require(try route.json()["version"]?.number)
        let report = try server.post(
            "/v1/listeners/asic1/hardware",
            #"{"route":\#(route.text.dropLast()),"version":\#(version),"state":"offload"}"#)
        #expect(try report.json()["accepted"]?.number == 1, "\(report.text)")
        // Where there is none such, 0 is what a user says for the default.
        #expect(
            try server.request("PUT", "/v1/routes/2001:db8:1::/48?metric=0", #"{"dev":"eth0","metric":0}"#).status
                == 201)
        #expect(try server.get("/v1/routes/2001:db8:1::/48?metric=0").json()["metric"]?.number == 1_024)
        #expect(try server.delete("/v1/routes/2001:db8:1::/48?metric=0").status == 204)
        #expect(try server.delete(path).status == 204)
        #expect(try server.get(path).status == 404)
    }

    @Test("Links, neighbours and routes change in one transaction, or not at all")
    func transaction() throws {
        func commit(_ operations: String...) throws -> TestResponse {
            try server.post("/v1/transactions", #"{"operations":[\#(operations.joined(separator: ","))]}"#)
        }
        let link = #"{"op":"add","kind":"link","value":{"ifname":"eth0","addresses":["192.0.2.1/24"]}}"#
        let neighbour = #"{"op":"replace","kind":"neigh","value":{"dev":"eth0","dst":"192.0.2.9","state":"STALE"}}"#
        let route = #"{"op":"add","kind":"route","value":{"dst":"10.0.0.0/8","gateway":"192.0.2.9","dev":"eth0"}}"#
        let done = try commit(link, neighbour, route)
        #expect(done.status == 200, "\(done.text)")
        #expect(try done.json()["created"]?.number == 3 && done.json()["tx"]?.number == 7)
        #expect(try done.json()["seq"]?.number == 12 && done.header("Fibd-Seq") == "12")
        #expect(try routes() == ["10.0.0.0/8", "192.0.2.0/24", "192.0.2.1/32", "192.0.2.255/32"])

        let before = try server.digest()
        let refused: [(String, String)] = [
            (link, "409 EEXIST object-exists"),
            (#"{"op":"change","kind":"link","value":{"ifname":"none"}}"#, "422 ENODEV link-not-found"),
            (#"{"op":"delete","kind":"link","value":{"ifname":"none"}}"#, "422 ENODEV link-not-found"),
            (#"{"op":"append","kind":"link","value":{"ifname":"eth0"}}"#, "422 EOPNOTSUPP unsupported"),
            (#"{"op":"delete","kind":"link","value":{"ifname":"eth0"},"if_match":1}"#, "412 ESTALE version-mismatch"),
            (#"{"op":"add","kind":"link","value":{"mtu":1500}}"#, "422 EINVAL link-invalid"),
            (
                #"{"op":"delete","kind":"neigh","value":{"dev":"eth0","dst":"192.0.2.8"}}"#,
                "404 ENOENT neighbour-not-found"
            ),
            (#"{"op":"add","kind":"neigh","value":{"dev":"eth0"}}"#, "422 EINVAL neighbour-invalid"),
            (#"{"op":"append","kind":"rule","value":{}}"#, "422 EOPNOTSUPP unsupported"),
            (#"{"op":"add","kind":"namespace","value":{"name":"blue"}}"#, "422 EOPNOTSUPP unsupported"),
            (#"{"op":"add","kind":"link","value":{"ifname":"x","speed":1}}"#, "400 EINVAL unknown-field"),
        ]
        for (operation, expected) in refused {
            let answer = try commit(#"{"op":"add","kind":"link","value":{"ifname":"eth7"}}"#, operation)
            #expect(try answer.refusal() == expected, "\(operation): \(answer.text)")
            #expect(answer.text.contains("/operations/1"), "\(answer.text)")
        }
        #expect(try server.digest() == before)
        let dryRun = try server.post(
            "/v1/transactions?dry_run=1",
            #"{"operations":[{"op":"delete","kind":"link","value":{"ifname":"eth0"}},\#(link)]}"#)
        #expect(try dryRun.json()["deleted"]?.number == 1 && dryRun.json()["created"]?.number == 1)
        #expect(try server.digest() == before)
        #expect(
            try commit(#"{"op":"change","kind":"link","value":{"ifname":"eth0","operstate":"DOWN"}}"#).status == 200)
        #expect(try routes() == ["192.0.2.1/32"])
    }

    @Test("Links of a namespace go with it, rules and neighbours first, and are not those of another one")
    func namespaces() throws {
        _ = try server.request("PUT", "/v1/namespaces/blue", "{}")
        try put("eth0?namespace=blue", #"{"addresses":["192.0.2.1/24"]}"#)
        _ = try server.request("PUT", "/v1/neighbors/eth0/192.0.2.9?namespace=blue", "{}")
        #expect(try server.get("/v1/links/eth0").status == 404)
        #expect(try server.get("/v1/links/eth0?namespace=blue").status == 200)
        let follower = Follower(try server.follow("?namespace=blue"))
        try follower.followToSync()
        #expect(try server.delete("/v1/namespaces/blue").status == 204)
        var kinds: [String] = []
        while follower.count > 0 {
            let frame = try follower.reader.next()
            kinds.append(try follower.take(frame))
            let reason = try frame.json()["cause"]?["reason"]?.string
            #expect(reason == (kinds.count == 1 ? nil : "namespace-deleted"))
        }
        #expect(
            kinds == ["namespace", "rule", "rule", "rule", "rule", "rule", "neigh", "link", "route", "route", "route"])
        #expect(try server.get("/v1/links/eth0?namespace=blue").status == 404)
    }
}
