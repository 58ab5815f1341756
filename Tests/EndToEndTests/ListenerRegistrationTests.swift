import TestSupport
import Testing

/// What registrations take, and what is read of them, to the letter of the description.
@Suite struct ListenerRegistrationTests {
    private let server: RunningServer

    init() throws { server = try RunningServer() }

    private func filter(_ filter: String) throws -> TestResponse {
        try server.post("/v1/listeners?dry_run=1", #"{"name":"one","filter":{\#(filter)}}"#)
    }

    @Test("A filter's lists are arrays or single values, and its problems point into the body")
    func filters() throws {
        let taken = try filter(#""table":[254,"100"],"family":4,"protocol":["bgp",3],"hw_flags":2,"namespace":"blue""#)
        #expect(
            try taken.json()["entry"]?["filter"]
                == JSONValue(
                    #"{"family":["inet"],"hw_flags":"2","namespace":["blue"],"protocol":["boot","bgp"],"#
                        + #""table":["100","main"],"view":"routes"}"#))
        for (text, status, pointer) in [
            (#""kinds":[]"#, 422, "/filter/kinds"), (#""table":[]"#, 422, "/filter/table"),
            (#""namespace":"a,b""#, 422, "/filter/namespace"), (#""namespace":5"#, 400, "/filter/namespace"),
            (#""view":["best"]"#, 400, "/filter/view"), (#""kinds":["route","x"]"#, 400, "/filter/kinds"),
            (#""within":["10.0.0.1/8"]"#, 422, "/filter/within"),
        ] {
            let refused = try filter(text)
            #expect(refused.status == status, "\(text): \(refused.text)")
            #expect(try refused.problem()["errors"]?[0]?["pointer"] == .string(pointer), "\(text)")
        }
    }

    @Test("A dry run shows a registration without an id, which no one has")
    func dryRun() throws {
        let created = try server.post("/v1/listeners?dry_run=1", #"{"name":"one"}"#)
        #expect(
            created.text == #"{"dry_run":true,"outcome":"created","entry":{"filter":{"hw_flags":"1","view":"routes"},"#
                + #""lease":null,"name":"one","on_overflow":"reset","role":"observer"}}"# + "\n")
        #expect(try server.get("/v1/listeners").text == "[]\n")
    }

    @Test("A change that is to find no listener is refused where there is one")
    func conditions() throws {
        #expect(try server.post("/v1/listeners", #"{"name":"one"}"#).status == 201)
        let refused = try server.request(
            "PATCH", "/v1/listeners/one", #"{"lease":5}"#, headers: ["If-None-Match: *"])
        #expect(refused.status == 412)
        #expect(try refused.problem()["code"] == .string("EEXIST"))
        #expect(try server.get("/v1/listeners/one").json()["lease"] == .null)
    }

    @Test("Listeners can be read as of what is on disk, like everything")
    func durable() throws {
        #expect(try server.post("/v1/listeners", #"{"name":"one"}"#).status == 201)
        for (path, status) in [("", 200), ("/one", 200), ("/two", 404)] {
            #expect(try server.get("/v1/listeners\(path)?durable=1").status == status, "\(path)")
        }
    }

    @Test("What a stream that ends with its sync has sent can be acknowledged")
    func untilSync() throws {
        #expect(try server.post("/v1/listeners", #"{"name":"one"}"#).status == 201)
        for (route, mode) in [("10.0.0.0/8", "replay"), ("11.0.0.0/8", "resume")] {
            #expect(try server.post("/v1/routes", #"{"dst":"\#(route)","dev":"eth0"}"#).status == 201)
            let frames = try server.followListener("one", "?until=sync").frames(through: "sync")
            #expect(try frames[0].json()["mode"] == .string(mode))
            let number = try #require(try frames.last?.json()["seq"]?.number)
            let body = #"{"seq":\#(number)}"#
            #expect(
                eventually { (try? server.request("PUT", "/v1/listeners/one/acknowledged", body).status) == 200 })
            #expect(try server.get("/v1/listeners/one").json()["acknowledged"]?.number == number)
        }
    }

    @Test("Routes are still listed when the device that spoke of them is gone")
    func deviceGone() throws {
        #expect(try server.post("/v1/listeners", #"{"name":"asic","role":"driver"}"#).status == 201)
        let row = try server.post("/v1/routes", #"{"dst":"10.0.0.0/8","dev":"eth0"}"#).json()
        #expect(row["hw"]?["state"] == .string("pending"))
        #expect(try server.delete("/v1/listeners/asic").status == 204)
        let rows = try server.get("/v1/routes").json()
        #expect(rows[0]?["dst"] == .string("10.0.0.0/8") && rows[0]?["hw"] == nil)
        #expect(try server.follow("?until=sync").frames(through: "sync").map(\.event).contains("route"))
    }
}
