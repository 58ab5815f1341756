import ServiceSupport
import Testing

@Suite("Paths, parameters and lists")
struct ReadTests {
    private let service = LocalService()

    @Test(
        "What can be read in two ways, or names nothing, is refused",
        arguments: [
            ("/v1/routes?table=010", 400), ("/v1/routes?protocol=07", 400), ("/v1/routes?limit=+5", 400),
            ("/v1/routes/192.0.2.0/24?tos=0x+8", 400), ("/v1/routes/192.0.2.0/24?tos=08", 400),
            ("/v1/routes?dev=eth0:1", 400), ("/v1/routes?dev=a%20b", 400), ("/v1/routes?dev=..", 400),
            ("/v1/routes?dst=10.0.0.1/8", 422), ("/v1/routes?within=10.0.0.1/8", 422), ("/v1/routes?dst=x", 400),
            ("/v1/routes?after=x", 422), ("/v1/namespaces?after=.x", 400),
            ("/v1/routes/192.0.2.0/24?family=inet6", 422), ("/v1/routes/192.0.2.0", 404), ("/v1/", 404),
            ("/?verbose=1", 400), ("/livez?verbose=maybe", 400),
        ])
    func refusals(target: String, status: Int) {
        let reply = service.call("GET", target)
        #expect(reply.status == status)
        #expect(reply.field("Content-Type") == "application/problem+json")
    }

    @Test("A name that can't name a namespace is refused by every method")
    func namespaceNames() {
        let body = #"{"dst":"192.0.2.0/24","dev":"eth0"}"#
        #expect(service.call("GET", "/v1/routes?namespace=.x").status == 400)
        #expect(service.call("POST", "/v1/routes?namespace=.x", body).status == 400)
        #expect(service.call("POST", "/v1/transactions?namespace=.x", #"{"operations":[]}"#).status == 400)
    }

    @Test("Probes may ask for the checks without a value", arguments: ["/livez", "/readyz"])
    func probes(path: String) {
        #expect(service.call("GET", path).body == "ok\n")
        #expect(service.call("GET", path + "?verbose=0").body == "ok\n")
        let verbose = service.call("GET", path + "?verbose").body
        #expect(verbose.hasPrefix("[+]") && verbose.hasSuffix("\nok\n"))
    }

    @Test("R1-23: metric=0 names the IPv6 route that metric 0 in a body makes", arguments: ["GET", "DELETE"])
    func metricZero(method: String) {
        let body = #"{"dst":"2001:db8::/32","dev":"eth0","metric":0}"#
        #expect(service.call("POST", "/v1/routes", body).status == 201)
        #expect(service.call(method, "/v1/routes/2001:db8::/32?metric=0").status == (method == "GET" ? 200 : 204))
    }

    @Test("An empty Host is refused like an unknown one", arguments: ["", "example.com", "[::1", "127.0.0.1:x"])
    func hosts(host: String) {
        #expect(service.call("GET", "/", "", ("Host", host)).status == 421)
    }

    @Test("The link to the next page repeats the query so that it means the same")
    func links() throws {
        let rows = #"[{"dst":"10.0.0.0/8","dev":"a&b=c%"},{"dst":"10.1.0.0/16","dev":"a&b=c%"}]"#
        #expect(service.call("POST", "/v1/routes", rows).status == 200)
        let first = service.call("GET", "/v1/routes?dev=a%26b%3Dc%25&limit=1")
        let link = try #require(first.field("Link"))
        #expect(link.hasPrefix("</v1/routes?dev=a%26b%3Dc%25&limit=1&after=") && link.hasSuffix(">; rel=\"next\""))
        let second = service.call("GET", String(link.dropFirst().prefix { $0 != ">" }))
        #expect(second.body.contains("10.1.0.0/16") && second.field("Link") == nil)
    }

    @Test("default is the IPv4 default route unless the family says otherwise", arguments: ["dst", "within", "covers"])
    func defaults(name: String) {
        let rows = #"[{"dst":"default","dev":"eth0"},{"family":"inet6","dst":"default","dev":"eth0"}]"#
        #expect(service.call("POST", "/v1/routes", rows).status == 200)
        let inet = service.call("GET", "/v1/routes?\(name)=default")
        #expect(inet.field("Fibd-Count") == "1" && inet.body.contains(#""dst":"0.0.0.0/0""#))
        let inet6 = service.call("GET", "/v1/routes?\(name)=default&family=inet6")
        #expect(inet6.field("Fibd-Count") == "1" && inet6.body.contains(#""dst":"::/0""#))
    }

    @Test("all=1 gives a list whether or not the table has come into being", arguments: ["main", "77"])
    func emptyLists(table: String) {
        _ = service.call("POST", "/v1/routes", #"{"dst":"192.0.2.0/24","dev":"eth0"}"#)
        let reply = service.call("GET", "/v1/routes/10.0.0.0/8?all=1&table=\(table)")
        #expect(reply.status == 200 && reply.body == "[]\n" && reply.field("Fibd-Count") == "0")
    }

    @Test("Every path of GET /v1 is in the description, and no other")
    func description() {
        let paths = service.call("GET", "/openapi.yaml").body.split(separator: "\n")
            .filter { $0.hasPrefix("  /") && $0.hasSuffix(":") }.map { String($0.dropFirst(2).dropLast()) }
        let listed = service.call("GET", "/v1").body.split(separator: "\"path\":\"").dropFirst()
            .map { String($0.prefix { $0 != "\"" }) }
        #expect(Set(paths) == Set(listed))
        #expect(!listed.isEmpty)
    }
}
