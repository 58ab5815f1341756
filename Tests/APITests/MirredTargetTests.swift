import ServiceSupport
import Testing

/// R4-98: the link that mirred gives packets to.
@Suite struct MirredTargetTests {
    private let service = LocalService()
    private static let filters = "/v1/blocks/eth0:ingress/filters"

    private static func mirred(_ device: String, _ more: String = "") -> String {
        #"{"kind":"mirred","mirred_action":"redirect","direction":"egress","to_dev":"\#(device)"\#(more)}"#
    }

    private static func filter(_ action: String) -> String {
        #"{"protocol":"all","pref":7,"kind":"matchall","chain":3,"actions":[\#(action)]}"#
    }

    init() {
        for device in ["eth0", "eth1"] { _ = service.call("PUT", "/v1/links/\(device)", "{}") }
        #expect(service.call("POST", "/v1/links/eth0/qdiscs", #"{"kind":"clsact"}"#).status == 201)
    }

    /// Nothing has changed.
    private func isEmpty() -> Bool {
        ["/v1/actions", "/v1/blocks/eth0:ingress/chains", Self.filters].allSatisfy {
            service.call("GET", $0).field("Fibd-Count") == "0"
        }
    }

    @Test(
        "It must be there, however the action comes",
        arguments: [
            ("/v1/actions/mirred", mirred("eth9")), ("/v1/actions/mirred?dry_run=1", mirred("eth9")),
            (filters, filter(mirred("eth9"))), (filters, filter(mirred("eth1") + "," + mirred("eth9"))),
            (filters, "[\(filter(mirred("eth9")))]"),
            ("/v1/transactions", #"{"operations":[{"op":"add","kind":"action","value":\#(mirred("eth9"))}]}"#),
        ])
    func missing(target: String, body: String) {
        let reply = service.call("POST", target, body)
        #expect(reply.status == 422 && reply.body.contains(#""code":"ENODEV""#), "\(reply.body)")
        #expect(reply.body.contains(#""rule":"R4-98""#), "\(reply.body)")
        #expect(isEmpty())
    }

    @Test("A line is refused without it, and the others are taken")
    func lines() {
        let lines = [Self.mirred("eth9"), Self.mirred("eth1")].map { "\(Self.filter($0))\n" }.joined()
        let reply = service.call("POST", Self.filters, lines, ("Content-Type", "application/x-ndjson"))
        #expect(reply.body.contains(#""created":1,"#) && reply.body.contains(#""rejected_count":1,"#), "\(reply.body)")
        #expect(reply.body.contains(#"{"line":1,"code":"ENODEV""#), "\(reply.body)")
    }

    @Test(
        "An action isn't replaced by one that leads nowhere; one that is there is shared, wherever the filter says it leads"
    )
    func presentOnes() {
        #expect(service.call("PUT", "/v1/actions/mirred/5", Self.mirred("eth1")).status == 201)
        #expect(service.call("PUT", "/v1/actions/mirred/5", Self.mirred("eth9")).status == 422)
        #expect(service.call("POST", "/v1/actions/mirred", Self.mirred("eth9", #","index":5"#)).status == 409)
        #expect(service.call("POST", Self.filters, Self.filter(Self.mirred("eth9", #","index":5"#))).status == 201)
        let shown = service.call("GET", "/v1/actions/mirred/5").body
        #expect(shown.contains(#""to_dev":"eth1""#) && shown.contains(#""bind":1,"#), "\(shown)")
    }

    @Test("When it goes, the action stays without it")
    func gone() {
        #expect(service.call("PUT", "/v1/actions/mirred/5", Self.mirred("eth1")).status == 201)
        #expect(service.call("DELETE", "/v1/links/eth1").status == 204)
        let shown = service.call("GET", "/v1/actions/mirred/5")
        #expect(shown.status == 200)
        #expect(shown.body.contains(#""to_dev":"*""#), "\(shown.body)")
    }

    /// Its status, and which link `mirred` 5 gives packets to.
    private func commit(_ operations: [String], _ query: String = "") -> String {
        let body = #"{"operations":[\#(operations.joined(separator: ","))]}"#
        let reply = service.call("POST", "/v1/transactions\(query)", body)
        let shown = service.call("GET", "/v1/actions/mirred/5").body
        let target = shown.firstRange(of: #""to_dev":""#).map { shown[$0.upperBound...].prefix { $0 != "\"" } }
        return "\(reply.status) \(target ?? "none")"
    }

    @Test(
        "In a transaction the links are there that come before in it; those of before mean nothing to a link that came anew"
    )
    func transaction() {
        let action = #"{"op":"replace","kind":"action","value":\#(Self.mirred("eth8", #","index":5"#))}"#
        func link(_ verb: String) -> String { #"{"op":"\#(verb)","kind":"link","value":{"ifname":"eth8"}}"# }
        #expect(commit([action, link("add")]) == "422 none")
        // What a dry run makes is gone afterwards.
        #expect(commit([link("add"), action], "?dry_run=1") == "200 none")
        #expect(commit([action]) == "422 none")
        #expect(commit([link("add"), action, link("add")]) == "409 none")
        #expect(commit([action]) == "422 none")

        #expect(commit([link("add"), action]) == "200 eth8")
        #expect(commit([link("delete"), action]) == "422 eth8")
        #expect(commit([link("delete"), action], "?dry_run=1") == "422 eth8")
        #expect(commit([action]) == "200 eth8")
        #expect(commit([link("delete"), link("add")]) == "200 *")
        #expect(commit([link("delete"), link("add"), action]) == "200 eth8")
        #expect(commit([link("delete")]) == "200 *")
        #expect(service.call("GET", "/v1/links/eth8").status == 404)
    }
}
