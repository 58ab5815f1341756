import TestSupport
import Testing

/// Bodies that were valid before one byte was lost or changed.
@Suite struct DamagedBodyTests {
    struct Target: Sendable, CustomTestStringConvertible {
        let method: String
        let path: String
        var type = "application/json"
        let body: String
        var testDescription: String { "\(method) \(path) \(type)" }
    }

    static let targets = [
        Target(
            method: "POST", path: "/v1/routes?mode=replace",
            body: """
                {"dst":"192.0.2.0/24","gateway":"198.51.100.1","dev":"eth0","metric":20,"tos":8,"table":"100",\
                "protocol":"bgp","flags":["onlink"],"metrics":{"mtu":1400},"prefsrc":"198.51.100.9","type":"unicast"}
                """),
        Target(
            method: "POST", path: "/v1/routes?mode=replace",
            body: """
                [{"dst":"2001:db8:1::/48","nexthops":[{"gateway":"fe80::1","dev":"eth0","weight":3},\
                {"gateway":"2001:db8::2"}],"pref":"high"},{"dst":"default","via":{"family":"inet6","host":"fe80::1"},\
                "dev":"e\\u0074h0"}]
                """),
        Target(
            method: "POST", path: "/v1/routes?mode=replace", type: "application/x-ndjson",
            body: #"{"dst":"192.0.2.0/24","gateway":"198.51.100.1","dev":"eth0"}"#),
        Target(
            method: "POST", path: "/v1/transactions",
            body: #"{"operations":[{"op":"replace","kind":"route","value":{"dst":"10.0.0.0/8","dev":"eth0"}}]}"#),
        Target(
            method: "PUT", path: "/v1/routes/192.0.2.0/24?metric=5",
            body: #"{"dst":"192.0.2.0/24","metric":5,"dev":"eth0"}"#),
        Target(
            method: "PATCH", path: "/v1/namespaces/default",
            body: #"{"name":"default","ipv4":{"fib_notify_on_flag_change":2},"nexthop_check":"open"}"#),
    ]

    @Test("A damaged body is refused without a trace, or is another valid one; the server lives on", arguments: targets)
    func damage(target: Target) throws {
        let server = try RunningServer()
        let descriptors = server.descriptorCount
        let client = try server.client()
        let valid = Array(target.body.utf8)
        var head = try sequence(client)
        func send(_ body: [UInt8]) throws {
            let response = try client.request(
                target.method, target.path, headers: ["Content-Type: \(target.type)"], body: body)
            let now = try sequence(client)
            let text = String(decoding: body, as: UTF8.self)
            switch response.status {
            case 200, 201: try expectSense(response, after: head, now: now, text)
            case 400..<500:
                #expect(now == head, "\(text) changed something and got \(response.text)")
                _ = try response.problem()
            default: Issue.record("\(response.status) for \(text)")
            }
            head = now
        }
        try send(valid)
        #expect(head == 7 + (target.body.hasPrefix("[") ? 1 : 0))
        for offset in valid.indices { try send(Array(valid[..<offset])) }
        let resident = server.residentKiB
        for offset in valid.indices {
            for byte in [0x00, 0x0a, 0x22, 0x2c, 0x30, 0x5c, 0x5d, 0x7d, 0xff] as [UInt8]
            where byte != valid[offset] {
                var body = valid
                body[offset] = byte
                try send(body)
            }
        }
        #expect(try server.get("/livez").text == "ok\n")
        let follower = Follower(try server.follow("?until=sync"))
        try follower.followToSync()
        client.close()
        follower.reader.client.close()
        #expect(eventually { server.descriptorCount <= descriptors }, "\(server.descriptors)")
        // What some hundred accepted bodies leave in the table and the log, at 1 KiB each.
        #expect(server.residentKiB - resident < 4_096)
    }

    private func sequence(_ client: TestClient) throws -> UInt64 {
        let response = try client.request("GET", "/v1/namespaces/default")
        return try #require(response.header("Fibd-Seq").flatMap { UInt64($0) })
    }

    /// A success says what was changed, and speaks the truth about it.
    private func expectSense(_ response: TestResponse, after head: UInt64, now: UInt64, _ body: String) throws {
        #expect(response.header("Fibd-Seq") == String(now), "\(body)")
        let answer = try response.json()
        guard let changes = answer["accepted"]?.number.map({ $0 - (answer["unchanged"]?.number ?? 0) }) else {
            #expect(answer["version"]?.number.map { $0 <= now } == true, "\(body)")
            return
        }
        #expect(now == head + changes, "\(body): \(response.text)")
        #expect(answer["seq"]?.number == now)
    }
}
