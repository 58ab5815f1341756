import ServiceSupport
import Testing

@Suite("Writes and their conditions")
struct WriteTests {
    private let service = LocalService()
    private let route = #"{"dst":"192.0.2.0/24","dev":"eth0"}"#

    @Test(
        "A condition that would not be looked at is refused",
        arguments: [
            ("POST", "/v1/routes", "[]", "If-Match", "2", 422),
            ("POST", "/v1/transactions", #"{"operations":[]}"#, "If-Match", "2", 422),
            ("DELETE", "/v1/routes?all=1", "", "If-Match", "2", 422),
            ("DELETE", "/v1/routes/192.0.2.0/24", "", "If-None-Match", "*", 400),
            ("DELETE", "/v1/namespaces/blue", "", "If-None-Match", "*", 400),
            ("PUT", "/v1/namespaces/blue", "", "If-Match", "*", 400),
            ("PUT", "/v1/namespaces/blue", "", "If-Match", "\"+2\"", 400),
            ("PUT", "/v1/namespaces/blue", "", "If-Match", "\"02\"", 400),
            ("PUT", "/v1/namespaces/blue", "", "If-None-Match", "\"2\"", 400),
        ])
    func conditions(method: String, target: String, body: String, name: String, value: String, status: Int) {
        #expect(service.call(method, target, body, (name, value)).status == status)
    }

    @Test("Two conditions of one kind are refused, and two that exclude each other")
    func twoConditions() {
        let target = "/v1/namespaces/blue"
        #expect(service.call("PUT", target, "", ("If-Match", "\"1\""), ("If-Match", "\"2\"")).status == 400)
        #expect(service.call("PUT", target, "", ("If-Match", "\"1\""), ("If-None-Match", "*")).status == 422)
    }

    @Test("A version is met with and without its quotes", arguments: ["\"7\"", "7"])
    func versions(tag: String) {
        #expect(service.call("POST", "/v1/routes", route).status == 201)
        #expect(service.call("DELETE", "/v1/routes/192.0.2.0/24", "", ("If-Match", "1")).status == 412)
        #expect(service.call("DELETE", "/v1/routes/192.0.2.0/24", "", ("If-Match", tag)).status == 204)
    }

    @Test("The same body means what its own query and the tables of its time say, whatever came before")
    func sameBodyElsewhere() throws {
        let bodies = [#"{"gateway":"192.0.2.1","dev":"eth0"}"#, #"{"gateway":"192.0.2.2","dev":"eth0"}"#]
        for turn in 0..<3 {
            #expect(service.call("PUT", "/v1/namespaces/blue").status == 201)
            for place in ["table=main", "table=7", "namespace=blue&table=7"] {
                for body in bodies {
                    let put = service.call("PUT", "/v1/routes/10.0.0.0/8?\(place)", body)
                    let isNew = body == bodies[0] && (turn == 0 || place.hasPrefix("namespace"))
                    #expect(put.status == (isNew ? 201 : 200))
                    let got = service.call("GET", "/v1/routes/10.0.0.0/8?\(place)")
                    #expect(got.body == put.body && got.field("ETag") == put.field("ETag"))
                    #expect(got.body.contains(place.hasPrefix("namespace") ? "\"blue\"" : "\"default\""))
                    #expect(got.body.contains(place.hasSuffix("7") ? #""table":"7""# : #""table":"main""#))
                    #expect(got.body.contains(body.contains("192.0.2.1") ? "192.0.2.1" : "192.0.2.2"))
                }
            }
            #expect(service.call("DELETE", "/v1/namespaces/blue").status == 204)
        }
    }

    @Test(
        "A dry run answers with the head and changes nothing",
        arguments: [
            ("POST", "/v1/routes?dry_run=1", #"{"dst":"10.0.0.0/8","dev":"eth0"}"#, "application/json"),
            ("POST", "/v1/routes?dry_run=1", #"[{"dst":"10.0.0.0/8","dev":"eth0"}]"#, "application/json"),
            ("POST", "/v1/routes?dry_run=1", #"{"dst":"10.0.0.0/8","dev":"eth0"}"#, "application/x-ndjson"),
            ("DELETE", "/v1/routes?all=1&dry_run=1", "", "application/json"),
            ("DELETE", "/v1/routes/192.0.2.0/24?dry_run=1", "", "application/json"),
            ("PUT", "/v1/namespaces/blue?dry_run=1", "", "application/json"),
            (
                "PATCH", "/v1/namespaces/default?dry_run=1", #"{"ipv4":{"fib_notify_on_flag_change":1}}"#,
                "application/json"
            ),
            ("DELETE", "/v1/namespaces/green?dry_run=1", "", "application/json"),
        ])
    func dryRuns(method: String, target: String, body: String, type: String) {
        _ = service.call("POST", "/v1/routes", route)
        _ = service.call("PUT", "/v1/namespaces/green")
        let reply = service.call(method, target, body, ("Content-Type", type))
        #expect(reply.status == 200)
        #expect(reply.field("Fibd-Seq") == "13")
        #expect(reply.field("ETag") == nil)
        #expect(reply.body.hasPrefix(#"{"dry_run":true,"#), "\(reply.body)")
        #expect(service.call("GET", "/v1").field("Fibd-Seq") == "13")
    }

    @Test("A problem within an operation is pointed to from the top of the body")
    func pointers() {
        let body = #"{"operations":[{"op":"delete","kind":"route"}]}"#
        let reply = service.call("POST", "/v1/transactions", body)
        #expect(reply.status == 422)
        #expect(reply.body.contains(#""pointer":"/operations/0/value""#), "\(reply.body)")
    }

    @Test("if_match takes every version", arguments: ["9007199254740993", "\"18446744073709551615\"", #""\"8\"""#])
    func bigVersions(version: String) {
        _ = service.call("POST", "/v1/routes", route)
        let operation = #"{"op":"delete","kind":"route","value":{"dst":"192.0.2.0/24"},"if_match":\#(version)}"#
        #expect(service.call("POST", "/v1/transactions", #"{"operations":[\#(operation)]}"#).status == 412)
    }

    @Test(
        "A route has 256 nexthops at most, given at once or joined",
        arguments: [("10.0.0.0/8", "192.0.2."), ("2001:db8::/32", "2001:db8::")])
    func nextHopLimit(dst: String, gateways: String) {
        func hops(_ range: ClosedRange<Int>) -> String {
            range.map { "{\"gateway\":\"\(gateways)\($0 % 200 + 1)\",\"dev\":\"eth\($0)\"}" }.joined(separator: ",")
        }
        #expect(
            service.call("POST", "/v1/routes", "{\"dst\":\"\(dst)\",\"nexthops\":[\(hops(1...257))]}").status == 422)
        #expect(
            service.call("POST", "/v1/routes", "{\"dst\":\"\(dst)\",\"nexthops\":[\(hops(1...256))]}").status == 201)
        guard dst.contains(":") else { return }
        let joined = service.call(
            "POST", "/v1/routes?mode=append", "{\"dst\":\"\(dst)\",\"gateway\":\"fe80::1\",\"dev\":\"eth9\"}")
        #expect(joined.status == 422)
    }

    @Test("A key has 1,024 routes at most; a prefix with many metrics can be read, one of them as well")
    func routesOfKey() {
        for number in 1...1_024 {
            let reply = service.call(
                "POST", "/v1/routes?mode=append", "{\"dst\":\"10.0.0.0/8\",\"dev\":\"d\(number)\"}")
            if reply.status != 201 { Issue.record("\(number): \(reply.body)") }
        }
        let reply = service.call("POST", "/v1/routes?mode=append", #"{"dst":"10.0.0.0/8","dev":"one"}"#)
        #expect(reply.status == 507 && reply.body.contains("too-many-routes"))
        #expect(service.call("POST", "/v1/routes", #"{"dst":"10.0.0.0/8","metric":7,"dev":"one"}"#).status == 201)
        #expect(service.call("GET", "/v1/routes/10.0.0.0/8").field("Fibd-Count") == "1025")
        #expect(service.call("GET", "/v1/routes/10.0.0.0/8?metric=7").body.contains("\"metric\":7"))
        #expect(service.call("DELETE", "/v1/routes/10.0.0.0/8?metric=7").status == 204)
    }
}
