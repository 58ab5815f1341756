import TestSupport
import Testing

/// A cursor that can't be honoured is never ignored: a replay follows, and says why.
@Suite struct CursorTests {
    private func hello(_ server: RunningServer, _ query: String, headers: [String] = []) throws -> EventFrame {
        try server.follow(query, headers: headers).next()
    }

    private func cursor(_ server: RunningServer, _ query: String = "") throws -> String {
        let separator = query.isEmpty ? "?" : "&"
        return try #require(try server.follow("\(query)\(separator)until=sync").frames(through: "sync").last?.id)
    }

    private func expectReplay(_ frame: EventFrame, _ reason: String?, _ location: SourceLocation = #_sourceLocation)
        throws
    {
        #expect(frame.event == "hello", sourceLocation: location)
        #expect(frame.id == "", sourceLocation: location)
        #expect(try frame.json()["mode"] == .string("replay"), sourceLocation: location)
        #expect(try frame.json()["reason"]?.string == reason, sourceLocation: location)
    }

    @Test("A cursor names the history, the number, and the filter by six digits, 0 without one")
    func form() throws {
        let server = try RunningServer()
        let epoch = try #require(try server.get("/v1").json()["epoch"]?.string)
        #expect(try cursor(server) == "\(epoch)-6-0")
        let filtered = try cursor(server, "?family=inet").split(separator: "-")
        #expect(filtered.count == 3 && filtered[2].count == 6)
        #expect(filtered[2].allSatisfy { "0123456789abcdef".contains($0) })
        // The same filter in other words has the same digits.
        #expect(try cursor(server, "?family=4") == filtered.joined(separator: "-"))
        let two = try cursor(server, "?table=main,100&within=10.0.0.0/8&within=10.1.0.0/16")
        #expect(try cursor(server, "?table=100&within=10.0.0.0/8&table=254") == two)
        #expect(try cursor(server, "?view=best") != cursor(server))
    }

    @Test("A cursor of another server's history is refused for its epoch")
    func epoch() throws {
        let server = try RunningServer()
        let other = try cursor(try RunningServer())
        try expectReplay(try hello(server, "?last_event_id=\(other)"), "epoch")
    }

    @Test("A cursor of another filter is refused for it, in both directions")
    func filter() throws {
        let server = try RunningServer()
        let (all, some) = (try cursor(server), try cursor(server, "?family=inet"))
        try expectReplay(try hello(server, "?family=inet&last_event_id=\(all)"), "filter")
        try expectReplay(try hello(server, "?family=inet6&last_event_id=\(some)"), "filter")
        try expectReplay(try hello(server, "?last_event_id=\(some)"), "filter")
        #expect(try hello(server, "?family=inet&last_event_id=\(some)").json()["mode"] == .string("resume"))
    }

    @Test("A cursor from the future is refused for that")
    func future() throws {
        let server = try RunningServer()
        let parts = try cursor(server).split(separator: "-")
        for number in ["7", "18446744073709551615"] {
            try expectReplay(try hello(server, "?last_event_id=\(parts[0])-\(number)-0"), "future")
        }
    }

    @Test("A cursor that the log no longer reaches is refused as too old; one that it does reach is not")
    func tooOld() throws {
        let server = try RunningServer("--log-bytes", "65536")
        let old = try cursor(server)
        let rows = (0..<5_000).map { "{\"dst\":\"10.0.\($0 / 250).\($0 % 250)/32\",\"dev\":\"a\"}\n" }.joined()
        #expect(try server.post("/v1/routes", rows, headers: ["Content-Type: application/x-ndjson"]).status == 200)
        try expectReplay(try hello(server, "?last_event_id=\(old)"), "too-old")
        let recent = try cursor(server)
        #expect(try hello(server, "?last_event_id=\(recent)").json()["mode"] == .string("resume"))
    }

    @Test(
        "Anything else is refused as malformed",
        arguments: [
            "x", "-", "--", "a-b-c", "0123456789abcdef-1", "0123456789abcdef-1-0-0", "0123456789abcdef--0",
            "0123456789abcdef-01-0", "0123456789abcdef-+1-0", "0123456789abcdef-1-00", "0123456789abcdef-1-ABCDEF",
            "0123456789abcdef-1-12345g", "0123456789abcdef-18446744073709551616-0", "-1-0",
        ])
    func malformed(text: String) throws {
        let server = try RunningServer()
        try expectReplay(try hello(server, "", headers: ["Last-Event-ID: \(text)"]), "malformed")
    }

    @Test("The header wins over the query; an empty one says nothing")
    func headerWins() throws {
        let server = try RunningServer()
        let good = try cursor(server)
        try expectReplay(try hello(server, "?last_event_id=\(good)", headers: ["Last-Event-ID: x"]), "malformed")
        let resumed = try hello(server, "?last_event_id=x", headers: ["Last-Event-ID: \(good)"])
        #expect(try resumed.json()["mode"] == .string("resume"))
        try expectReplay(try hello(server, "?last_event_id=", headers: ["Last-Event-ID: "]), nil)
    }

    @Test("A refused cursor is answered by a replay even where none was wished for")
    func refusedWithoutReplay() throws {
        let server = try RunningServer()
        let reader = try server.follow("?replay=none&last_event_id=x")
        try expectReplay(try reader.next(), "malformed")
        #expect(try reader.frames(through: "sync").first?.event == "namespace")
    }

    @Test(
        "Whoever resumes from any cursor has the state that the server has",
        arguments: ["", "?family=inet", "?view=best"])
    func anyCursor(query: String) throws {
        let server = try RunningServer()
        let follower = Follower(try server.follow(query))
        try follower.followToSync()
        // The state at each delta that was passed.
        var stations = [follower]
        for number in 0..<12 {
            let family = number % 3 == 0 ? "2001:db8:\(number)::/48" : "10.\(number % 4).0.0/16"
            _ = try server.post("/v1/routes?mode=prepend", #"{"dst":"\#(family)","dev":"d\#(number)","metric":7}"#)
            if number % 5 == 4 { _ = try server.delete("/v1/routes/10.0.0.0/16?metric=7") }
            let station = Follower(
                try server.follow(query, headers: ["Last-Event-ID: \(stations[number].cursor ?? "")"]),
                resumingFrom: stations[number])
            try station.followToSync()
            stations.append(station)
        }
        for station in stations {
            let late = Follower(
                try server.follow(query, headers: ["Last-Event-ID: \(station.cursor ?? "")"]), resumingFrom: station)
            try late.followToSync()
            #expect(late.entries == stations.last?.entries)
        }
    }
}
