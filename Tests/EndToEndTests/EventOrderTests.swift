import TestSupport
import Testing

/// The order of frames, and what each carries.
@Suite struct EventOrderTests {
    let server: RunningServer

    init() throws { server = try RunningServer() }

    private func add(_ destinations: String...) throws {
        for destination in destinations {
            #expect(try server.post("/v1/routes", #"{"dst":"\#(destination)","dev":"a"}"#).status == 201)
        }
    }

    /// Event, operation and destination of each frame.
    private func story(_ frames: [EventFrame]) throws -> [String] {
        try frames.map { frame in
            let data = try frame.json()
            return [frame.event, data["mode"]?.string ?? data["op"]?.string, data["entry"]?["dst"]?.string]
                .compactMap(\.self).joined(separator: " ")
        }
    }

    @Test("Replay: hello, namespaces, rules, routes in the order of lists, sync, then changes")
    func replay() throws {
        try add("192.0.2.128/25", "2001:db8::/32", "10.0.0.0/8", "192.0.2.0/24", "192.0.2.0/25")
        let reader = try server.follow()
        let frames = try reader.frames(through: "sync")
        #expect(reader.head.status == 200)
        #expect(reader.head.header("Content-Type") == "text/event-stream")
        #expect(reader.head.header("Cache-Control") == "no-store")
        #expect(reader.head.header("X-Accel-Buffering") == "no")
        try add("172.16.0.0/12")
        #expect(
            try story(frames + reader.frames(1)) == [
                "hello replay", "namespace replay", "rule replay", "rule replay", "rule replay", "rule replay",
                "rule replay", "route replay 10.0.0.0/8", "route replay 192.0.2.0/25", "route replay 192.0.2.0/24",
                "route replay 192.0.2.128/25", "route replay 2001:db8::/32", "sync",
                "route add 172.16.0.0/12",
            ])
        #expect(frames[0].retry.flatMap { UInt64($0) } != nil)
        #expect(frames[0].id == "")
        #expect(frames.dropFirst().dropLast().allSatisfy { $0.id == nil })
        let listed = try #require(try server.get("/v1/routes").json().array).compactMap { $0["dst"]?.string }
        #expect(
            listed.filter { $0 != "172.16.0.0/12" }
                == (try frames.compactMap { try $0.json()["entry"]?["dst"]?.string }))
    }

    @Test("Resume: hello, the missed changes, sync, then changes; also where others follow already")
    func resume() throws {
        try add("10.0.0.0/8")
        let others = [try server.follow(), try server.follow("?replay=none")]
        for other in others { _ = try other.frames(through: "sync") }
        let first = Follower(try server.follow())
        try first.followToSync()
        first.reader.client.close()
        try add("10.1.0.0/16", "10.2.0.0/16")
        #expect(try server.delete("/v1/routes/10.0.0.0/8").status == 204)
        for other in others { _ = try other.frames(3) }
        let cursor = try #require(first.cursor)
        let second = Follower(try server.follow(headers: ["Last-Event-ID: \(cursor)"]), resumingFrom: first)
        let frames = try second.reader.frames(5)
        for frame in frames { try second.take(frame) }
        try add("10.3.0.0/16")
        let last = try second.reader.frames(1)
        try second.take(last[0])
        #expect(
            try story(frames + last) == [
                "hello resume", "route add 10.1.0.0/16", "route add 10.2.0.0/16", "route delete 10.0.0.0/8", "sync",
                "route add 10.3.0.0/16",
            ])
        #expect(frames[0].id == nil)
    }

    @Test("Live: hello, sync, then changes, with the digest of the whole state")
    func live() throws {
        try add("10.0.0.0/8")
        let reader = try server.follow("?replay=none")
        let frames = try reader.frames(2)
        try add("10.1.0.0/16")
        #expect(try story(frames + reader.frames(1)) == ["hello live", "sync", "route add 10.1.0.0/16"])
        #expect(frames[0].id == nil)
        #expect(
            try frames[1].json()["counts"]?.canonical
                == #"{"action":0,"block":0,"chain":0,"filter":0,"link":0,"namespace":1,"neigh":0,"nexthop":0,"qdisc":0,"#
                + #""route":1,"rule":5}"#)
    }

    @Test(
        "until=sync ends the stream with the first sync, however it begins", arguments: ["", "&replay=none", "&last"])
    func untilSync(mode: String) throws {
        try add("10.0.0.0/8")
        let cursor = try #require(try server.follow("?until=sync").frames(through: "sync").last?.id)
        try add("10.1.0.0/16")
        let target = "?until=sync" + (mode == "&last" ? "&last_event_id=\(cursor)" : mode)
        let reader = try server.follow(target)
        #expect(try reader.frames(through: "sync").last?.json()["seq"]?.number == 8)
        #expect(reader.client.isClosedByServer())
    }

    @Test("A sync comes as heartbeat, with the number and digest that hold by then")
    func heartbeat() throws {
        let reader = try server.follow("?replay=none&heartbeat=1")
        let frames = try reader.frames(through: "sync")
        #expect(try frames[0].json()["heartbeat"]?.number == 1)
        let quiet = try reader.next()
        #expect(quiet.data == frames[1].data)
        #expect(quiet.id == frames[1].id)
        try add("10.0.0.0/8")
        #expect(try reader.next().event == "route")
        #expect(try reader.next().json()["count"]?.number == 7)
        // A filter that selects nothing of it moves on all the same.
        let other = try server.follow("?replay=none&heartbeat=1&family=inet6")
        _ = try other.frames(through: "sync")
        try add("10.1.0.0/16")
        #expect(eventually { (try? other.next().json()["seq"]?.number) == 8 })
    }

    @Test("A line is an event, an id and data: the same frames as server-sent events")
    func lines() throws {
        try add("10.0.0.0/8", "2001:db8::/32")
        let cursor = try #require(try server.follow("?until=sync").frames(through: "sync").last?.id)
        try add("10.1.0.0/16")
        for query in ["?until=sync", "?until=sync&replay=none", "?until=sync&last_event_id=\(cursor)"] {
            let frames = try server.follow(query).frames(through: "sync")
            let response = try server.get("/v1/events\(query)", headers: ["Accept: application/x-ndjson"])
            #expect(response.header("Content-Type") == "application/x-ndjson")
            let expected = frames.map { frame in
                "{\"event\":\"\(frame.event)\"" + (frame.id.map { ",\"id\":\"\($0)\"" } ?? "")
                    + ",\"data\":\(frame.data)}\n"
            }
            #expect(response.text == expected.joined())
            for line in try response.lines() { #expect(line["data"] != nil) }
        }
    }

    @Test("Changes of a transaction follow each other under one number; those of a flush come in runs with one cause")
    func transactions() throws {
        let rows = (0..<2_500).map { "{\"dst\":\"10.0.\($0 / 250).\($0 % 250)/32\",\"dev\":\"a\"}" }
        #expect(try server.post("/v1/routes", "[\(rows.joined(separator: ","))]").status == 200)
        let follower = Follower(try server.follow("?replay=none"))
        _ = try follower.reader.frames(through: "sync")
        let operations = (0..<3).map {
            "{\"op\":\"add\",\"kind\":\"route\",\"value\":{\"dst\":\"172.16.\($0).0/24\",\"dev\":\"b\"}}"
        }
        let body = "{\"operations\":[\(operations.joined(separator: ","))]}"
        #expect(try server.post("/v1/transactions", body).status == 200)
        for frame in try follower.reader.frames(3) {
            #expect(try frame.json()["tx"]?.number == 2_507)
            #expect(try frame.json()["cause"] == nil)
        }
        #expect(try server.delete("/v1/routes?dev=a").text == "{\"deleted\":2500,\"seq\":5009}\n")
        let changes = try follower.reader.frames(2_500).map { try $0.json() }
        #expect(changes.allSatisfy { $0["cause"]?.canonical == #"{"reason":"flush","seq":2510}"# })
        let runs = Dictionary(grouping: changes) { $0["tx"]?.number ?? 0 }
        #expect(runs.mapValues(\.count) == [2_510: 1_024, 3_534: 1_024, 4_558: 452])
        #expect(changes.compactMap { $0["seq"]?.number } == Array(2_510...5_009))
    }

    @Test("Errors of a stream come as its only event, or as a status if one asks for that")
    func errors() throws {
        let reader = try server.follow("?view=nonsense")
        #expect(reader.head.status == 200)
        let frame = try reader.next()
        #expect(frame.event == "error")
        #expect(try frame.json()["status"]?.number == 400)
        #expect(try frame.json()["errors"]?[0]?["pointer"] == .string("?view"))
        #expect(reader.client.isClosedByServer())
        let line = try server.get("/v1/events?view=nonsense", headers: ["Accept: application/x-ndjson"])
        #expect(line.status == 200)
        #expect(try line.json()["event"] == .string("error"))
        let refused = try server.get("/v1/events?view=nonsense&errors=status")
        #expect(refused.status == 400)
        _ = try refused.problem()
    }
}
