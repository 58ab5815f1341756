import TestSupport
import Testing

/// `view=best`: the first route of each prefix, which is what a device programs (rules R2-01 to R2-08).
@Suite struct BestViewTests {
    /// Steps as `ip route` would take them, and what a follower of the first routes is told of each: `–` for nothing.
    struct Scenario: Sendable, CustomTestStringConvertible {
        let name: String
        let prefix: String
        let steps: [(command: String, event: String)]
        var testDescription: String { name }
    }

    static let scenarios = [
        Scenario(
            name: "F-01", prefix: "192.0.2.0/24",
            steps: [
                (#"add {"metric":1024,"dev":"d"}"#, "add metric 1024"),
                (#"add {"metric":1022,"dev":"d"}"#, "replace metric 1022"), (#"add {"metric":1023,"dev":"d"}"#, "–"),
                ("del metric=1022", "replace metric 1023"), ("del metric=1024", "–"),
                ("del metric=1023", "delete metric 1023"),
            ]),
        Scenario(
            name: "F-02", prefix: "192.0.2.0/24",
            steps: [
                (#"add {"dev":"dev1"}"#, "add dev dev1"), (#"append {"dev":"dev2"}"#, "–"),
                (#"prepend {"dev":"dev3"}"#, "replace dev dev3"), ("del dev=dev3", "replace dev dev1"),
                ("del dev=dev1", "replace dev dev2"), ("del dev=dev2", "delete dev dev2"),
            ]),
        Scenario(
            name: "F-03", prefix: "192.0.2.0/24",
            steps: [
                (#"add {"dev":"d"}"#, "add tos -"), (#"add {"dev":"d","tos":8}"#, "replace tos 8"),
                (#"add {"dev":"d","tos":4}"#, "–"), ("del tos=8", "replace tos 4"),
            ]),
        Scenario(
            name: "F-04", prefix: "192.0.2.0/24",
            steps: [
                (#"add {"metric":1024,"dev":"dev1"}"#, "add dev dev1"),
                (#"replace {"metric":1024,"dev":"dev2"}"#, "replace dev dev2"),
                (#"add {"metric":1025,"dev":"dev1"}"#, "–"), (#"replace {"metric":1025,"dev":"dev2"}"#, "–"),
            ]),
        Scenario(
            name: "F-05", prefix: "192.0.2.0/24",
            steps: [
                (#"add {"dev":"d"}"#, "add dst 192.0.2.0/24"),
                (#"add {"dst":"192.0.2.0/25","dev":"d"}"#, "add dst 192.0.2.0/25"),
                ("del ", "delete dst 192.0.2.0/24"),
            ]),
        Scenario(
            name: "F-20", prefix: "2001:db8::/48",
            steps: [
                (#"add {"gateway":"2001:db8::a"}"#, "add hops a"),
                (#"append {"gateway":"2001:db8::b"}"#, "append hops a b"),
                ("del gateway=2001:db8::a", "replace hops b"), ("del gateway=2001:db8::b", "delete hops b"),
            ]),
        Scenario(
            name: "F-21", prefix: "2001:db8::/48",
            steps: [
                (#"add {"nexthops":[{"gateway":"2001:db8::a"},{"gateway":"2001:db8::b"}]}"#, "add hops a b"),
                (
                    #"append {"nexthops":[{"gateway":"2001:db8::c"},{"gateway":"2001:db8::d"}]}"#,
                    "append hops a b c d"
                ), ("del ", "delete hops a b c d"),
            ]),
        Scenario(
            name: "F-22", prefix: "2001:db8::/48",
            steps: [
                (#"add {"nexthops":[{"gateway":"2001:db8::a"},{"gateway":"2001:db8::b"}]}"#, "add metric 1024"),
                (
                    #"add {"metric":1025,"nexthops":[{"gateway":"2001:db8::a"},{"gateway":"2001:db8::b"}]}"#, "–"
                ), ("del metric=1024", "replace metric 1025"),
            ]),
        Scenario(
            name: "F-23", prefix: "2001:db8::/48",
            steps: [
                (#"add {"dev":"dev1"}"#, "add dev dev1"), (#"append {"nexthops":[{"gateway":"2001:db8::b"}]}"#, "–"),
            ]),
    ]

    @Test("Followers of the first routes are told of each step what the vectors say", arguments: scenarios)
    func vectors(scenario: Scenario) throws {
        let server = try RunningServer()
        let best = Follower(try server.follow("?view=best"))
        let all = Follower(try server.follow())
        try best.followToSync()
        try all.followToSync()
        for (command, event) in scenario.steps {
            try run(command, scenario.prefix, server)
            try all.followDeltas(1)
            // A change of another kind follows at once, so that nothing is told apart from not yet told.
            let marker = try server.request("PUT", "/v1/namespaces/marker-\(all.operations.count)")
            #expect(marker.status == 201)
            let rules = Array(repeating: "add", count: 5)
            #expect(try all.followDeltas(6) == ["add"] + rules)
            var told: [String] = []
            while true {
                let frame = try best.reader.next()
                try best.take(frame)
                if frame.event == "namespace" { break }
                told.append(try describe(frame, like: event))
            }
            #expect(try best.followDeltas(5) == rules)
            #expect(told == (event == "–" ? [] : [event]), "\(command)")
        }
        let fresh = Follower(try server.follow("?view=best&until=sync"))
        try fresh.followToSync()
        #expect(fresh.entries == best.entries)
    }

    private func run(_ command: String, _ prefix: String, _ server: RunningServer) throws {
        let verb = String(command.prefix { $0 != " " })
        let rest = command.dropFirst(verb.count + 1)
        if verb == "del" {
            // 204 when the route is gone, 200 with what is left when it lost a leg.
            #expect([200, 204].contains(try server.delete("/v1/routes/\(prefix)?\(rest)").status), "\(command)")
        } else {
            let body = rest.contains("\"dst\"") ? String(rest) : "{\"dst\":\"\(prefix)\",\(rest.dropFirst())"
            let response = try server.post("/v1/routes?mode=\(verb)", body)
            #expect(response.status == 201 || response.status == 200, "\(command): \(response.text)")
        }
    }

    /// Operation, field and value, where the field is that of the expectation.
    private func describe(_ frame: EventFrame, like event: String) throws -> String {
        let data = try frame.json()
        let entry = try #require(data["entry"])
        let parts = event.split(separator: " ")
        let field = parts.count > 1 ? String(parts[1]) : "dst"
        let value: String
        if field == "hops" {
            let hops = entry["nexthops"]?.array ?? [entry]
            value = hops.compactMap { $0["gateway"]?.string?.last.map(String.init) }.joined(separator: " ")
        } else {
            value = entry[field]?.string ?? entry[field]?.number.map(String.init) ?? "-"
        }
        return "\(data["op"]?.string ?? "") \(field) \(value)"
    }

    @Test(
        "What was displaced or removed is named by its hash, so that a follower of the first routes never loses count")
    func displaced() throws {
        let server = try RunningServer()
        let reader = try server.follow("?view=best&kinds=route")
        _ = try reader.frames(through: "sync")
        for metric in [20, 10] {
            _ = try server.post("/v1/routes", #"{"dst":"10.0.0.0/8","dev":"a","metric":\#(metric)}"#)
        }
        let frames = try reader.frames(2).map { try $0.json() }
        #expect(frames[1]["was"] == frames[0]["h"])
        _ = try server.delete("/v1/routes/10.0.0.0/8?metric=10")
        let promoted = try reader.next().json()
        #expect(promoted["h"] == frames[0]["h"])
        #expect(promoted["was"] == frames[1]["h"])
    }
}
