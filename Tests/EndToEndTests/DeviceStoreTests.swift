import ChangeLog
import Glibc
import TestSupport
import Testing

/// What simulated switches are set to, across restarts and in streams.
@Suite struct DeviceStoreTests {
    private let directory = TemporaryDirectory()

    private func server(_ options: String...) throws -> RunningServer {
        try RunningServer(arguments: ["--data-dir", directory.path] + options)
    }

    private func names(_ server: RunningServer) throws -> [String] {
        guard case .array(let rows) = try server.get("/v1/devices").json() else { return [] }
        return rows.compactMap { $0["name"]?.string }
    }

    @Test("A restart keeps what switches are set to, also a second one, and their versions", arguments: [true, false])
    func kept(isClean: Bool) throws {
        let first = try server()
        #expect(try names(first) == ["asic0"])
        let patched = try first.request("PATCH", "/v1/devices/asic0", #"{"capacity":{"ipv4":1},"seed":5}"#)
        #expect(patched.status == 200)
        #expect(try first.request("PUT", "/v1/devices/b", #"{"profile":"netdevsim"}"#).status == 201)
        let hashes = try ["asic0", "b"].map { try first.get("/v1/devices/\($0)").json()["h"] }
        first.process.signal(isClean ? SIGTERM : SIGKILL)
        #expect(first.process.waitForExit() != nil)
        let second = try server()
        #expect(try names(second) == ["asic0", "b"])
        let rows = try ["asic0", "b"].map { try second.get("/v1/devices/\($0)").json() }
        #expect(rows.map { $0["h"] } == hashes)
        #expect(rows[0]["capacity"]?["ipv4"]?.number == 1 && rows[0]["seed"]?.number == 5)
        #expect(rows[1]["profile"] == .string("netdevsim"))
        #expect(try second.get("/v1/devices/asic0").header("ETag") == patched.header("ETag"))
        // It holds, and isn't only shown.
        for number in 1...2 {
            #expect(try second.post("/v1/routes", #"{"dst":"10.\#(number).0.0/16","dev":"eth0"}"#).status == 201)
        }
        #expect(
            try eventually {
                try second.get("/v1/routes/10.2.0.0/16").json()["hw"]?["reason"]
                    == .string("ipv4 table is full (1 of 1)")
            })
    }

    @Test("A switch that was removed stays so, unless the command line names it")
    func removed() throws {
        let first = try server()
        #expect(try first.delete("/v1/devices/asic0").status == 204)
        #expect(first.stop() == 0)
        let second = try server()
        #expect(try names(second) == [])
        #expect(try second.request("PUT", "/v1/devices/b", #"{"seed":3}"#).status == 201)
        #expect(second.stop() == 0)
        let third = try server("--simulated-switch", "asic0")
        #expect(try names(third) == ["asic0", "b"])
        #expect(try third.get("/v1/devices/b").json()["seed"]?.number == 3)
        #expect(third.stop() == 0)
        #expect(try names(server()) == ["asic0", "b"])
    }

    @Test("With 'none', those that are kept don't begin, and can be changed, begun and removed")
    func idle() throws {
        let first = try server()
        #expect(try first.request("PUT", "/v1/devices/b").status == 201)
        #expect(try first.request("PUT", "/v1/devices/c").status == 201)
        #expect(first.stop() == 0)
        let second = try server("--simulated-switch", "none")
        #expect(try names(second) == ["asic0", "b", "c"])
        #expect(try second.get("/v1/devices/b").json()["state"] == .string("down"))
        #expect(try second.get("/v1/devices/b").json()["generation"] == .null)
        #expect(try second.post("/v1/listeners", #"{"name":"b","role":"driver"}"#).status == 409)
        #expect(try second.request("PATCH", "/v1/devices/b", #"{"profile":"netdevsim","seed":4}"#).status == 200)
        #expect(try second.get("/v1/devices/b").json()["generation"] == .null)
        #expect(try second.delete("/v1/devices/asic0").status == 204)
        let begun = try [second.post("/v1/devices/b/restart", ""), second.request("PUT", "/v1/devices/c")]
        #expect(begun.map(\.status) == [200, 200])
        for response in begun { #expect(try response.json()["generation"]?.number != nil) }
        #expect(
            try eventually {
                try ["b", "c"].allSatisfy { try second.get("/v1/devices/\($0)").json()["state"] == .string("up") }
            })
        #expect(second.stop() == 0)
        let third = try server()
        #expect(try names(third) == ["b", "c"])
        #expect(try third.get("/v1/devices/b").json()["seed"]?.number == 4)
    }

    @Test("'none' at the first start leaves the usual one for a later start")
    func noneAtFirst() throws {
        let first = try server("--simulated-switch", "none")
        #expect(try names(first) == [])
        #expect(first.stop() == 0)
        #expect(try names(server()) == ["asic0"])
    }

    @Test(
        "A stream of kind device replays, tells and adds up what switches are set to; restarts stand out by their op",
        arguments: ["kinds=device", "kinds=all", "kinds=device&hw_flags=0"])
    func streamed(query: String) throws {
        let server = try server()
        let follower = Follower(try server.follow("?\(query)"))
        try follower.followToSync()
        let rows = follower.entries.values.joined().filter { $0.contains(#""name":"asic0","profile""#) }
        #expect(rows.count == 1)
        #expect(try server.request("PUT", "/v1/devices/b", #"{"seed":3}"#).status == 201)
        #expect(try server.request("PATCH", "/v1/devices/b", #"{"seed":3}"#).status == 200)
        #expect(try server.request("PATCH", "/v1/devices/b", #"{"seed":4}"#).status == 200)
        #expect(try server.delete("/v1/devices/asic0").status == 204)
        let forgotten = query.hasSuffix("hw_flags=0") ? [] : ["restart"]
        // That one of the name is void from before a restart of the server, and that it begins.
        let begins = forgotten + forgotten
        let expected = ["add"] + begins + ["replace", "delete"] + forgotten
        #expect(try follower.followDeltas(expected.count) == expected)
        let resumed = try server.follow("?\(query)", headers: ["Last-Event-ID: \(try #require(follower.cursor))"])
        let second = Follower(resumed, resumingFrom: follower)
        try second.followToSync()
        #expect(second.entries == follower.entries)
        #expect(second.entries.values.joined().contains { $0.contains(#""name":"b","profile":"asic","seed":4"#) })
    }

    @Test("Filters by what a switch hasn't got leave the kind out, and streams that don't ask for it don't count it")
    func unselected() throws {
        let server = try server()
        for query in [
            "", "?kinds=all&namespace=default", "?kinds=all&family=inet", "?kinds=all&table=main",
            "?kinds=all&within=10.0.0.0/8", "?kinds=all&protocol=bgp",
        ] {
            let sync = try #require(try server.follow(query).frames(through: "sync").last).json()
            #expect(sync["counts"]?["device"] == nil && sync["counts"]?["route"] != nil, "\(query)")
        }
        let sync = try #require(try server.follow("?kinds=device").frames(through: "sync").last).json()
        #expect(sync["counts"]?["device"]?.number == 1 && sync["count"]?.number == 1)
    }
}
