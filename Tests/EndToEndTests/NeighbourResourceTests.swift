import TestSupport
import Testing

/// `/v1/neighbors` and what is below it.
@Suite struct NeighbourResourceTests {
    let server: RunningServer

    init() throws { server = try RunningServer() }

    @discardableResult
    private func put(_ target: String, _ body: String? = "{}", headers: [String] = []) throws -> TestResponse {
        try server.request("PUT", "/v1/neighbors/\(target)", body, headers: headers)
    }

    private func list(_ query: String = "") throws -> [String] {
        let listing = try server.get("/v1/neighbors\(query)")
        #expect(listing.status == 200, "\(query): \(listing.text)")
        return try #require(try listing.json().array).map { row in
            "\(row["dst"]?.string ?? "")%\(row["dev"]?.string ?? "")"
        }
    }

    @Test("A neighbour is created, read, replaced as a whole, and forgotten")
    func life() throws {
        let created = try put("eth0/192.0.2.9", #"{"state":"REACHABLE","lladdr":"02:00:00:00:00:AA"}"#)
        #expect(created.status == 201)
        #expect(created.header("Location") == "/v1/neighbors/eth0/192.0.2.9" && created.header("ETag") == "\"7\"")
        let updated = try #require(try created.json()["updated"]?.string)
        #expect(
            created.text.withoutHashes == """
                {"dev":"eth0","dst":"192.0.2.9","family":"inet","h":"H","lladdr":"02:00:00:00:00:aa",\
                "namespace":"default","seq":7,"state":"REACHABLE","updated":"\(updated)","version":7}

                """)
        #expect(try server.get("/v1/neighbors/eth0/192.0.2.9").text == created.text)
        // To hear the same again is no news; also if it is said as a row says it.
        #expect(try put("eth0/192.0.2.9", created.text).text == created.text)
        let replaced = try put("eth0/192.0.2.9", "{}")
        #expect(replaced.status == 200 && replaced.header("ETag") == "\"8\"")
        #expect(try replaced.json()["state"]?.string == "PERMANENT" && replaced.json()["lladdr"] == nil)
        #expect(try server.delete("/v1/neighbors/eth0/192.0.2.9").status == 204)
        #expect(
            try server.get("/v1/neighbors/eth0/192.0.2.9").refusal() == "404 ENOENT neighbour-not-found")
    }

    @Test("An IPv6 address has one name, however it is written")
    func canonicalAddress() throws {
        #expect(try put("eth0/2001:DB8:0:0::9").header("Location") == "/v1/neighbors/eth0/2001:db8::9")
        #expect(try server.get("/v1/neighbors/eth0/2001:db8::9").status == 200)
        #expect(try put("eth0/2001:db8::9").status == 200)
    }

    @Test(
        "What can't be is refused, with code and reason, and changes nothing",
        arguments: [
            ("PUT", "/v1/neighbors/eth0/192.0.2.9", #"{"state":"GONE"}"#, "400 EINVAL bad-value"),
            ("PUT", "/v1/neighbors/eth0/192.0.2.9", #"{"state":"stale"}"#, "400 EINVAL bad-value"),
            ("PUT", "/v1/neighbors/eth0/192.0.2.9", #"{"lladdr":"02:0"}"#, "400 EINVAL bad-value"),
            ("PUT", "/v1/neighbors/eth0/192.0.2.9", #"{"mac":"02:00"}"#, "400 EINVAL unknown-field"),
            ("PUT", "/v1/neighbors/eth0/192.0.2.9", #"{"dst":"192.0.2.8"}"#, "422 EINVAL neighbour-invalid"),
            ("PUT", "/v1/neighbors/eth0/192.0.2.9", #"{"dev":"eth1"}"#, "422 EINVAL neighbour-invalid"),
            ("PUT", "/v1/neighbors/eth0/192.0.2.9", #"{"namespace":"blue"}"#, "422 EINVAL neighbour-invalid"),
            ("PUT", "/v1/neighbors/eth0/224.0.0.1", "{}", "422 EINVAL address-invalid"),
            ("PUT", "/v1/neighbors/eth0/0.0.0.0", "{}", "422 EINVAL address-invalid"),
            ("PUT", "/v1/neighbors/a%3Ab/192.0.2.9", "{}", "422 EINVAL link-invalid"),
            ("PUT", "/v1/neighbors/eth0/192.0.2.9?namespace=blue", "{}", "404 ENOENT namespace-not-found"),
            ("DELETE", "/v1/neighbors/eth0/192.0.2.9", nil, "404 ENOENT neighbour-not-found"),
            ("GET", "/v1/neighbors?after=default/eth0/192.0.2.9", nil, "400 EINVAL bad-parameter"),
            ("GET", "/v1/neighbors?state=stale", nil, "400 EINVAL bad-parameter"),
            ("GET", "/v1/neighbors?family=ip", nil, "400 EINVAL bad-parameter"),
        ] as [(String, String, String?, String)])
    func refused(method: String, target: String, body: String?, expected: String) throws {
        try server.expectRefusal(method, target, body, expected)
    }

    @Test("An address that can't be read is 400, and so is a body of another type")
    func unreadable() throws {
        #expect(try put("eth0/192.0.2").status == 400)
        #expect(try put("eth0/192.0.2.9", "{}", headers: ["Content-Type: text/plain"]).status == 415)
    }

    @Test("Conditions and dry runs")
    func conditions() throws {
        let dry = try put("eth0/192.0.2.9?dry_run=1", #"{"state":"STALE"}"#)
        #expect(
            dry.text == """
                {"dry_run":true,"outcome":"created","entry":{"dev":"eth0","dst":"192.0.2.9","family":"inet",\
                "namespace":"default","state":"STALE"}}

                """)
        #expect(try list() == [])
        try put("eth0/192.0.2.9")
        let again = try put("eth0/192.0.2.9", "{}", headers: ["If-None-Match: *"])
        #expect(try again.refusal() == "412 EEXIST version-mismatch")
        let stale = try put("eth0/192.0.2.9", #"{"state":"STALE"}"#, headers: ["If-Match: \"1\""])
        #expect(try stale.refusal() == "412 ESTALE version-mismatch")
        #expect(try server.delete("/v1/neighbors/eth0/192.0.2.9?dry_run=1").status == 200)
        #expect(try server.delete("/v1/neighbors/eth0/192.0.2.9", headers: ["If-Match: \"7\""]).status == 204)
    }

    @Test("The list is ordered by link and address, selected by namespace, family, dev and state, and has pages")
    func listing() throws {
        _ = try server.request("PUT", "/v1/namespaces/blue", "{}")
        for target in ["eth1/192.0.2.1", "eth0/2001:db8::1", "eth0/192.0.2.10", "eth0/192.0.2.9"] { try put(target) }
        try put("eth0/192.0.2.11", #"{"state":"FAILED"}"#)
        try put("eth9/192.0.2.1?namespace=blue")
        let eth0 = ["192.0.2.9%eth0", "192.0.2.10%eth0", "192.0.2.11%eth0", "2001:db8::1%eth0"]
        #expect(try list("?namespace=default") == eth0 + ["192.0.2.1%eth1"])
        #expect(try list("?family=inet6") == ["2001:db8::1%eth0"])
        #expect(try list("?dev=eth1,eth9") == ["192.0.2.1%eth9", "192.0.2.1%eth1"])
        #expect(try list("?state=FAILED&family=inet") == ["192.0.2.11%eth0"])
        #expect(try list("?namespace=none") == [])
        var (target, seen): (String?, [String]) = ("?namespace=default&limit=1", [])
        while let next = target {
            seen += try list(next)
            let link = try server.get("/v1/neighbors\(next)").header("Link")
            target = link.flatMap { text(of: $0, between: "</v1/neighbors", and: ">") }
            // The last of the page goes before the next one is asked for.
            let names = seen.last?.split(separator: "%") ?? []
            #expect(try server.delete("/v1/neighbors/\(names[1])/\(names[0])").status == 204)
        }
        #expect(seen == eth0 + ["192.0.2.1%eth1"])
        #expect(try list("?namespace=default") == [])
        let lines = try server.get("/v1/neighbors?namespace=blue", headers: ["Accept: application/x-ndjson"])
        #expect(try lines.lines().map { $0["dev"]?.string } == ["eth9"])
        #expect(lines.header("Fibd-Count") == "1")
    }

    @Test("A row as ip prints it is accepted, one state in a list and all")
    func iproute2() throws {
        for (row, state) in [
            (#"{"dst":"192.0.2.9","dev":"eth0","lladdr":"02:00:00:00:00:09","state":["REACHABLE"]}"#, "REACHABLE"),
            (#"{"dst":"192.0.2.9","dev":"eth0","state":["FAILED"]}"#, "FAILED"),
            (
                """
                {"dst":"192.0.2.9","dev":"eth0","lladdr":"02:00:00:00:00:09","router":null,"extern_learn":null,\
                "used":5,"confirmed":5,"updated":5,"probes":1,"refcnt":1,"state":["STALE"]}
                """, "STALE"
            ),
        ] {
            let answer = try put("eth0/192.0.2.9", row)
            #expect(answer.status < 300, "\(answer.text)")
            #expect(try answer.json()["state"]?.string == state)
        }
    }
}
