import Glibc
import TestSupport
import Testing

/// Listeners as clients meet them: remembered places, take-overs, changes of what they are registered for, leases.
@Suite struct ListenerTests {
    private func register(_ server: RunningServer, _ body: String) throws -> JSONValue {
        let response = try server.post("/v1/listeners", body)
        #expect(response.status == 201, "\(response.text)")
        let listener = try response.json()
        #expect(response.header("Location") == "/v1/listeners/\(try #require(listener["id"]?.string))")
        #expect(response.header("ETag") == "\"\(listener["version"]?.number ?? 0)\"")
        return listener
    }

    private func get(_ server: RunningServer, _ name: String) throws -> JSONValue {
        try server.get("/v1/listeners/\(name)").json()
    }

    private func add(_ server: RunningServer, _ number: Int) throws -> UInt64 {
        let response = try server.post("/v1/routes", #"{"dst":"10.0.\#(number).0/24","dev":"eth0"}"#)
        return try #require(response.header("Fibd-Seq").flatMap { UInt64($0) })
    }

    private func acknowledge(_ server: RunningServer, _ name: String, _ sequence: UInt64) throws -> TestResponse {
        try server.request("PUT", "/v1/listeners/\(name)/acknowledged", #"{"seq":\#(sequence)}"#)
    }

    private func hello(_ frames: [EventFrame]) throws -> JSONValue { try #require(frames.first).json() }

    @Test("Without a cursor a stream goes on after the acknowledgement; replay=full and a cursor win")
    func goesOn() throws {
        let server = try RunningServer()
        _ = try register(server, #"{"name":"one"}"#)
        let first = try server.followListener("one")
        let beginning = try first.frames(through: "sync")
        #expect(try hello(beginning)["mode"] == .string("replay"))
        let numbers = try (0..<3).map { try add(server, $0) }
        let deltas = try first.frames(3)
        #expect(eventually { (try? get(server, "one")["delivered"]?.number) == numbers[2] })
        #expect(try acknowledge(server, "one", numbers[1]).status == 200)
        #expect(try get(server, "one")["acknowledged"]?.number == numbers[1])
        first.client.close()
        let second = try server.followListener("one").frames(through: "sync")
        #expect(try hello(second)["mode"] == .string("resume"))
        #expect(second.map(\.event) == ["hello", "route", "sync"])
        #expect(try second[1].json()["seq"]?.number == numbers[2])
        let full = try server.followListener("one", "?replay=full").frames(through: "sync")
        #expect(try hello(full)["mode"] == .string("replay") && full.filter { $0.event == "route" }.count == 3)
        let cursor = try #require(deltas[0].id)
        let resumed = try server.followListener("one", headers: ["Last-Event-ID: \(cursor)"]).frames(through: "sync")
        #expect(resumed.filter { $0.event == "route" }.count == 2)
    }

    @Test("What was not delivered can't be acknowledged; what is older is ignored")
    func acknowledgements() throws {
        let server = try RunningServer()
        _ = try register(server, #"{"name":"one"}"#)
        let early = try acknowledge(server, "one", 1)
        #expect(early.status == 422)
        #expect(try early.problem()["reason"] == .string("not-delivered"))
        let reader = try server.followListener("one")
        _ = try reader.frames(through: "sync")
        let number = try add(server, 1)
        _ = try reader.next()
        #expect(eventually { (try? acknowledge(server, "one", number).status) == 200 })
        #expect(try acknowledge(server, "one", number - 1).status == 200)
        #expect(try get(server, "one")["acknowledged"]?.number == number)
        #expect(try acknowledge(server, "one", number + 1).status == 422)
        for body in ["", "{}", #"{"seq":-1}"#, #"{"seq":"5"}"#, #"{"seq":5,"x":1}"#] {
            #expect(try server.request("PUT", "/v1/listeners/one/acknowledged", body).status >= 400, "\(body)")
        }
        #expect(try acknowledge(server, "two", 1).status == 404)
    }

    @Test("A second connection takes over, and the first hears why it ends")
    func takeOver() throws {
        let server = try RunningServer()
        _ = try register(server, #"{"name":"one"}"#)
        let first = try server.followListener("one")
        _ = try first.frames(through: "sync")
        let second = try server.followListener("one")
        _ = try second.frames(through: "sync")
        let last = try #require(try first.frames(through: "error").last)
        #expect(try last.json()["reason"] == .string("taken-over"))
        #expect(first.client.isClosedByServer())
        let number = try add(server, 1)
        #expect(try second.next().json()["seq"]?.number == number)
        #expect(try get(server, "one")["connected"] == .bool(true))
        second.client.close()
        #expect(eventually { (try? get(server, "one")["connected"]) == .bool(false) })
    }

    @Test("Another filter resets the stream on its connection, and makes the acknowledgement void")
    func refilter() throws {
        let server = try RunningServer()
        let listener = try register(server, #"{"name":"one","filter":{"kinds":["route"],"within":"10.0.0.0/8"}}"#)
        let reader = try server.followListener("one")
        _ = try reader.frames(through: "sync")
        let number = try add(server, 1)
        _ = try reader.next()
        #expect(eventually { (try? acknowledge(server, "one", number).status) == 200 })
        let patched = try server.request(
            "PATCH", "/v1/listeners/one", #"{"filter":{"family":["inet6"]}}"#,
            headers: ["If-Match: \"\(listener["version"]?.number ?? 0)\""])
        #expect(patched.status == 200, "\(patched.text)")
        #expect(try patched.json()["filter"] == JSONValue(#"{"family":["inet6"],"hw_flags":"1","view":"routes"}"#))
        #expect(try patched.json()["acknowledged"]?.number == 0)
        let frames = try reader.frames(through: "sync")
        #expect(frames.map(\.event) == ["reset", "rule", "rule", "sync"])
        #expect(try frames[0].json()["reason"] == .string("filter") && frames[0].id == "")
        #expect(try frames[3].json()["count"]?.number == 2)
        _ = try add(server, 2)
        let six = try server.post("/v1/routes", #"{"dst":"2001:db8::/32","dev":"eth0"}"#)
        #expect(try reader.next().json()["seq"]?.number == six.header("Fibd-Seq").flatMap { UInt64($0) })
        // What isn't the filter leaves the stream alone.
        #expect(try server.request("PATCH", "/v1/listeners/one", #"{"lease":60,"on_overflow":"close"}"#).status == 200)
        for (body, status) in [
            (#"{"name":"two"}"#, 422), (#"{"role":"driver"}"#, 422), (#"{"filter":{"view":"all"}}"#, 400),
        ] {
            #expect(try server.request("PATCH", "/v1/listeners/one", body).status == status, "\(body)")
        }
        _ = try server.post("/v1/routes", #"{"dst":"2001:db8:1::/48","dev":"eth0"}"#)
        #expect(try reader.next().event == "route")
    }

    @Test("A listener that is removed hears it, and is gone under both names")
    func removed() throws {
        let server = try RunningServer()
        let id = try #require(try register(server, #"{"name":"one"}"#)["id"]?.string)
        let reader = try server.followListener("one")
        _ = try reader.frames(through: "sync")
        #expect(try server.delete("/v1/listeners/\(id)").status == 204)
        let last = try #require(try reader.frames(through: "error").last)
        #expect(try last.json()["reason"] == .string("listener-removed"))
        for name in ["one", id] {
            #expect(try server.get("/v1/listeners/\(name)").status == 404)
            #expect(try server.followListener(name).head.status == 404)
        }
        #expect(try server.get("/v1/listeners").text == "[]\n")
    }

    @Test("A lease that runs out ends the registration, but not while it is connected or says something")
    func lease() throws {
        let server = try RunningServer()
        _ = try register(server, #"{"name":"brief","lease":1}"#)
        _ = try register(server, #"{"name":"held","lease":1}"#)
        _ = try register(server, #"{"name":"kept"}"#)
        let reader = try server.followListener("held", "?heartbeat=1")
        #expect(eventually { (try? server.get("/v1/listeners/brief").status) == 404 })
        _ = try reader.frames(through: "sync")
        #expect(try server.get("/v1/listeners/held").status == 200)
        reader.client.close()
        #expect(eventually { (try? server.get("/v1/listeners/held").status) == 404 })
        #expect(try server.get("/v1/listeners/kept").status == 200)
    }

    @Test("A restart, by a kill too, keeps registrations, and acknowledgements that were written down")
    func restart() throws {
        let directory = TemporaryDirectory()
        let data = directory.path + "/data"
        let first = try RunningServer("--data-dir", data)
        let listener = try register(first, #"{"name":"one","filter":{"kinds":["route"]}}"#)
        _ = try add(first, 0)
        let reader = try first.followListener("one")
        _ = try reader.frames(through: "sync")
        let number = try add(first, 1)
        _ = try reader.next()
        #expect(eventually { (try? acknowledge(first, "one", number).status) == 200 })
        // Of a clean end nothing is lost.
        #expect(first.stop() == 0)
        let second = try RunningServer("--data-dir", data)
        let found = try get(second, "one")
        #expect(found["id"] == listener["id"] && found["acknowledged"]?.number == number)
        let later = try add(second, 2)
        let frames = try second.followListener("one").frames(through: "sync")
        #expect(try hello(frames)["mode"] == .string("resume") && frames.map(\.event) == ["hello", "route", "sync"])
        #expect(eventually { (try? acknowledge(second, "one", later).status) == 200 })
        second.process.signal(SIGKILL)
        #expect(second.process.waitForExit() != nil)
        let third = try RunningServer("--data-dir", data)
        let acknowledged = try #require(try get(third, "one")["acknowledged"]?.number)
        #expect(acknowledged == number || acknowledged == later, "a crash may repeat, and never skip")
        // One that was given before the crash and not written down is taken.
        #expect(try acknowledge(third, "one", later).status == 200)
    }

    @Test("A list has all of them, in pages too, and as a line for each")
    func lists() throws {
        let server = try RunningServer()
        for number in 0..<5 { _ = try register(server, #"{"name":"l\#(number)"}"#) }
        #expect(try server.get("/v1/listeners").header("Fibd-Count") == "5")
        var path = "/v1/listeners?limit=2"
        var names: [String] = []
        while true {
            let page = try server.get(path, headers: ["Accept: application/x-ndjson"])
            names += try page.lines().compactMap { $0["name"]?.string }
            guard let link = page.header("Link"), let next = text(of: link, between: "<", and: ">") else { break }
            path = next
        }
        #expect(names == (0..<5).map { "l\($0)" })
    }
}
