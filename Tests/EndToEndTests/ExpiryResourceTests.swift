import Platform
import TestSupport
import Testing

/// `expires_at` of routes.
@Suite struct ExpiryResourceTests {
    let server: RunningServer

    init() throws { server = try RunningServer() }

    private func time(in milliseconds: Int) -> String {
        WallClock.text(milliseconds: UInt64(Int(WallClock.milliseconds) + milliseconds))
    }

    @Test("A route says when it expires and how long that is, is passed over then, and goes with a cause")
    func life() throws {
        let reader = try server.follow("?kinds=route&replay=none")
        _ = try reader.frames(through: "sync")
        let time = time(in: 1_500)
        let added = try server.post("/v1/routes", #"{"dst":"10.0.0.0/8","dev":"eth0","expires_at":"\#(time)"}"#)
        let row = try added.json()
        #expect(added.status == 201 && row["expires_at"] == .string(time) && row["expires"]?.number == 2)
        // What is printed is taken back, and is the same entry; the hash is that of the fields without status.
        #expect(try server.post("/v1/routes?mode=replace", added.text).header("ETag") == added.header("ETag"))
        let entry = """
            {"dev":"eth0","dst":"10.0.0.0/8","expires_at":"\(time)","family":"inet","metric":0,"namespace":"default",\
            "protocol":"boot","table":"main","type":"unicast"}
            """
        #expect(row["h"] == .string(entryHash(entry).text))
        #expect(try server.get("/v1/lookup?dst=10.0.0.1").json()["dev"] == .string("eth0"))
        #expect(try eventually { try server.get("/v1/lookup?dst=10.0.0.1").json()["result"] == .string("no-route") })
        var frame = try reader.next()
        while try frame.event != "route" || frame.json()["op"] != .string("delete") { frame = try reader.next() }
        #expect(try frame.json()["cause"]?["reason"] == .string("expired"))
        #expect(try server.get("/v1/routes").text == "[]\n")
    }

    @Test(
        "A time that is none, or has passed, is refused, and nothing changes",
        arguments: ["soon", "1969-12-31T23:59:59Z", "2020-02-30T00:00:00Z", "2020-01-01T00:00:00Z"])
    func refusals(time: String) throws {
        try server.expectRefusal(
            "POST", "/v1/routes", #"{"dst":"10.0.0.0/8","dev":"eth0","expires_at":"\#(time)"}"#,
            "422 EINVAL expiry-invalid")
    }
}
