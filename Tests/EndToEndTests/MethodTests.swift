import TestSupport
import Testing

/// What `GET /v1` promises, and the other methods, on every path.
@Suite struct MethodTests {
    let server: RunningServer

    init() throws {
        server = try RunningServer()
        _ = try server.post("/v1/routes", #"{"dst":"default","dev":"a"}"#)
        _ = try server.post("/v1/routes", #"{"dst":"10.0.0.0/8","dev":"a"}"#)
        _ = try server.post("/v1/listeners", #"{"name":"one","role":"driver"}"#)
        _ = try server.request("PUT", "/v1/links/eth0", "{}")
        _ = try server.request("PUT", "/v1/neighbors/eth0/192.0.2.1", "{}")
        _ = try server.request("PUT", "/v1/nexthops/1", #"{"dev":"eth0"}"#)
        _ = try server.request("PUT", "/v1/links/eth0/qdiscs/clsact", #"{"kind":"clsact"}"#)
        let filter =
            #"{"protocol":"all","kind":"matchall","actions":[{"kind":"gact","control_action":{"type":"drop"}}]}"#
        _ = try server.request("PUT", "/v1/blocks/eth0:ingress/chains/0/filters/1/1", filter)
        _ = try server.post("/v1/path-events", #"{"type":"pmtu","destination":"192.0.2.1","mtu":1400}"#)
        _ = try server.post("/v1/cached-routes", #"{"dst":"192.0.2.1"}"#)
    }

    /// Path and methods of every resource, with examples in place of the names in braces.
    private func resources() throws -> [(path: String, methods: [String])] {
        let listed = try #require(try server.get("/v1").json()["resources"]?.array)
        let resources = listed.map { resource in
            let path = (resource["path"]?.string ?? "").replacing("{address}/{length}", with: "10.0.0.0/8")
                .replacing("peers/{address}", with: "peers/192.0.2.1").replacing(
                    "{dev}/{address}", with: "eth0/192.0.2.1"
                ).replacing("{dev}", with: "eth0")
                .replacing("{address}", with: "default").replacing("{namespace}", with: "default")
                .replacing("{listener}", with: "one").replacing("{device}", with: "one")
                .replacing("{priority}", with: "32766").replacing("{id}", with: "1")
                .replacing("qdiscs/{kind}", with: "qdiscs/clsact").replacing("actions/{kind}", with: "actions/gact")
                .replacing("{block}", with: "eth0:ingress").replacing("{chain}", with: "0")
                .replacing("{pref}", with: "1").replacing("{handle}", with: "1").replacing("{index}", with: "1")
                .replacing("/v1/lookup", with: "/v1/lookup?dst=10.0.0.1")
            return (path, (resource["methods"]?.array ?? []).compactMap(\.string))
        }
        #expect(resources.count >= 7)
        return resources + ["/", "/v1", "/livez", "/readyz", "/openapi.yaml"].map { ($0, ["GET"]) }
    }

    @Test("Methods that a resource doesn't have are 405, and Allow names those that it has")
    func notAllowed() throws {
        for (path, methods) in try resources() {
            let allowed = Set(methods + (methods.contains("GET") ? ["HEAD"] : []) + ["OPTIONS"])
            for method in ["GET", "HEAD", "POST", "PUT", "PATCH", "DELETE", "TRACE", "QUERY", "PROPFIND", "get"] {
                guard !allowed.contains(method) else { continue }
                let response = try server.request(method, path)
                #expect(response.status == 405 || response.status == 501, "\(method) \(path): \(response.status)")
                guard response.status == 405 else { continue }
                #expect(allow(response) == allowed, "\(method) \(path)")
                if method != "HEAD" { #expect(try response.problem()["reason"] == .string("method-not-allowed")) }
            }
            let options = try server.request("OPTIONS", path)
            #expect(options.status == 204)
            #expect(allow(options) == allowed, "OPTIONS \(path)")
        }
        #expect(try server.request("OPTIONS", "*").status == 204)
        #expect(try server.state()["seq"]?.number == 20)
    }

    private func allow(_ response: TestResponse) -> Set<String> {
        Set((response.header("Allow") ?? "").split(separator: ",").map { $0.filter { $0 != " " } })
    }

    @Test("HEAD answers as GET does, without the body, and the connection goes on unless it says otherwise")
    func head() throws {
        for (path, methods) in try resources() where methods.contains("GET") && !path.hasSuffix("/events") {
            let get = try server.get(path)
            let client = try server.client()
            let head = try client.request("HEAD", path)
            #expect(head.status == 200, "\(path)")
            #expect(head.body.isEmpty)
            for name in ["Content-Type", "Fibd-Seq", "Fibd-Count", "ETag", "Cache-Control", "Content-Length"] {
                // RFC 9110, 9.3.2: what would take the body to find out may be left out.
                let value = head.header(name)
                #expect(value == get.header(name) || (value == nil && name == "Content-Length"), "\(name) of \(path)")
            }
            if head.header("Connection") == "close" {
                #expect(client.isClosedByServer())
            } else {
                #expect(try client.request("GET", "/livez").text == "ok\n")
            }
        }
    }

    @Test("HEAD of the event stream shows its header and ends")
    func headOfEvents() throws {
        let client = try server.client()
        let head = try client.request("HEAD", "/v1/events")
        #expect(head.status == 200)
        #expect(head.header("Content-Type") == "text/event-stream")
        #expect(head.header("Cache-Control") == "no-store")
        #expect(head.header("X-Accel-Buffering") == "no")
    }
}
