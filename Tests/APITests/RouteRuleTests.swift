import ServiceSupport
import Testing

/// Rules of section 1 as a client sees them.
@Suite struct RouteRuleTests {
    private let service = LocalService()

    private func post(_ row: String, _ query: String = "") -> LocalService.Reply {
        service.call("POST", "/v1/routes\(query)", row)
    }

    private func get(_ target: String) -> String { service.call("GET", target).body }

    private func reason(_ reply: LocalService.Reply) -> String {
        reply.body.split(separator: #""reason":""#).last?.prefix { $0 != "\"" }.description ?? ""
    }

    @Test("R1-04: of IPv6's tables, main and local are there to be asked; others come with their first route")
    func tablesIPv6() {
        for table in ["main", "local", "77"] {
            #expect(
                service.call("DELETE", "/v1/routes/2001:db8::/32?table=\(table)").body.contains("ESRCH"), "\(table)")
        }
        #expect(post(#"{"dst":"2001:db8::/32","dev":"eth0","table":"77"}"#).status == 201)
        #expect(get("/v1/routes?family=inet6&table=77").contains("2001:db8::/32"))
        #expect(get("/v1/routes?family=inet6&table=main") == "[]\n")
    }

    @Test(
        "R1-20: IPv4 routes that differ in table, prefix, length, tos or metric stand beside each other; the metric is 0"
    )
    func keyIPv4() {
        #expect(post(#"{"dst":"10.0.0.0/8","dev":"eth0"}"#).body.contains(#""metric":0"#))
        let others = [
            #""dst":"10.0.0.0/8","table":"77""#, #""dst":"11.0.0.0/8""#, #""dst":"10.0.0.0/9""#,
            #""dst":"10.0.0.0/8","tos":8"#, #""dst":"10.0.0.0/8","metric":1"#,
        ]
        for other in others { #expect(post("{\(other),\"dev\":\"eth0\"}").status == 201, "\(other)") }
        for other in others { #expect(reason(post("{\(other),\"dev\":\"eth1\"}")) == "route-exists", "\(other)") }
    }

    @Test("R1-34: a route over the loopback is one of type unicast, in the table and for lookups")
    func overLoopback() {
        #expect(post(#"{"dst":"2001:db8:77::/48","dev":"lo"}"#).status == 201)
        #expect(get("/v1/routes/2001:db8:77::/48").contains(#""dev":"lo""#))
        let answer = get("/v1/lookup?dst=2001:db8:77::1")
        #expect(answer.contains(#""dev":"lo""#) && answer.contains(#""type":"unicast""#) && !answer.contains("result"))
    }

    @Test("R1-52: which flow goes where follows each leg that comes, goes, dies or lives again")
    func spreadFollowsLegs() {
        for link in ["eth0", "eth1", "eth2"] { #expect(service.call("PUT", "/v1/links/\(link)", "{}").status == 201) }
        func ways() -> Set<String> {
            let list = (1..<64).map { "\"2001:db8::\(String($0, radix: 16))\"" }.joined(separator: ",")
            let answer = service.call("POST", "/v1/lookup", "{\"dsts\":[\(list)]}").body
            return Set(
                answer.split(separator: #""dev":""#).dropFirst().map { rest in String(rest.prefix { $0 != "\"" }) })
        }
        let legs = (0..<2).map { #"{"gateway":"fe80::\#($0 + 1)","dev":"eth\#($0)"}"# }.joined(separator: ",")
        #expect(post("{\"dst\":\"2001:db8::/32\",\"nexthops\":[\(legs)]}").status == 201)
        #expect(ways() == ["eth0", "eth1"])
        #expect(post(#"{"dst":"2001:db8::/32","gateway":"fe80::3","dev":"eth2"}"#, "?mode=append").status < 300)
        #expect(ways() == ["eth0", "eth1", "eth2"])
        #expect(service.call("DELETE", "/v1/routes/2001:db8::/32?gateway=fe80::1&dev=eth0").status < 300)
        #expect(ways() == ["eth1", "eth2"])
        #expect(service.call("PUT", "/v1/links/eth1", #"{"ignore_routes_with_linkdown":true}"#).status == 200)
        #expect(service.call("PUT", "/v1/links/eth1/carrier", #"{"carrier":false}"#).status < 300)
        #expect(ways() == ["eth2"])
        #expect(service.call("PUT", "/v1/links/eth1/carrier", #"{"carrier":true}"#).status < 300)
        #expect(ways() == ["eth1", "eth2"])
    }

    @Test("R1-54: with fib_multipath_use_neigh, IPv4 flows pass over gateways that don't answer; unknown ones count")
    func neighboursCount() {
        let hops = (1..<4).map { #"{"gateway":"192.0.2.\#($0)","dev":"eth0"}"# }.joined(separator: ",")
        #expect(post("{\"dst\":\"10.0.0.0/8\",\"nexthops\":[\(hops)]}").status == 201)
        func gateways() -> [String] {
            let list = (1..<64).map { "\"10.0.0.\($0)\"" }.joined(separator: ",")
            let answer = service.call("POST", "/v1/lookup", "{\"dsts\":[\(list)]}").body
            let found = answer.split(separator: #""gateway":"192.0.2."#).dropFirst().map { $0.prefix { $0 != "\"" } }
            return Set(found.map { String($0) }).sorted()
        }
        func set(_ gateway: Int, _ state: String) {
            let target = "/v1/neighbors/eth0/192.0.2.\(gateway)"
            let address = state == "FAILED" ? "" : #""lladdr":"02:00:00:00:00:01","#
            #expect(service.call("PUT", target, "{\(address)\"state\":[\"\(state)\"]}").status < 300)
        }
        set(1, "FAILED")
        set(2, "REACHABLE")
        #expect(gateways() == ["1", "2", "3"])
        let set1 = #"{"ipv4":{"fib_multipath_use_neigh":1}}"#
        let settings = service.call("PATCH", "/v1/namespaces/default", set1)
        #expect(settings.body.contains(#""ipv4":{"fib_multipath_use_neigh":1,"fib_notify_on_flag_change":0}"#))
        #expect(gateways() == ["2", "3"])
        set(2, "FAILED")
        #expect(gateways() == ["3"])
        set(3, "FAILED")
        #expect(gateways() == ["1"])
        set(2, "STALE")
        #expect(gateways() == ["2"])
        for wrong in [#"{"ipv4":{"fib_multipath_use_neigh":2}}"#, #"{"ipv6":{"fib_multipath_use_neigh":1}}"#] {
            #expect(reason(service.call("PATCH", "/v1/namespaces/default", wrong)) == "setting-invalid")
        }
    }

    @Test("R1-57: a list of one nexthop is that nexthop")
    func listOfOne() {
        let row = post(#"{"dst":"10.0.0.0/8","nexthops":[{"gateway":"192.0.2.1","dev":"eth0"}]}"#).body
        #expect(row.contains(#""gateway":"192.0.2.1""#) && row.contains(#""dev":"eth0""#) && !row.contains("nexthops"))
        let again = post(#"{"dst":"10.0.0.0/8","gateway":"192.0.2.1","dev":"eth0"}"#, "?mode=replace")
        #expect(again.status == 200 && again.body == row)
    }

    @Test(
        "R1-59: a leg is reached one way, and what stands beside the list is the first of it",
        arguments: [
            #""gateway":"192.0.2.9","nexthops":[{"gateway":"192.0.2.1"},{"gateway":"192.0.2.2"}]"#,
            #""dev":"eth9","nexthops":[{"gateway":"192.0.2.1","dev":"eth0"},{"gateway":"192.0.2.2"}]"#,
            #""nexthops":[{"gateway":"192.0.2.1","via":{"family":"inet6","host":"fe80::1"},"dev":"eth0"},{"dev":"eth1"}]"#,
        ])
    func listsAtOdds(way: String) {
        let reply = post("{\"dst\":\"10.0.0.0/8\",\(way)}")
        #expect(reply.status == 422 && reply.body.contains("EINVAL"), "\(reply.body)")
        #expect(get("/v1/routes") == "[]\n")
    }

    @Test("R1-59: what a dump says of the state of a leg is read, and not kept: links say that")
    func seenFlags() {
        let row = post(#"{"dst":"10.0.0.0/8","nexthops":[{"dev":"eth0","flags":["dead","linkdown"]},{"dev":"eth1"}]}"#)
        #expect(row.status == 201 && !row.body.contains("dead") && !row.body.contains("linkdown"), "\(row.body)")
    }
}
