import ServiceSupport
import TestSupport
import Testing

/// Many lookups in one request, which share what they write.
@Suite struct LookupBatchTests {
    private let service = LocalService()

    /// Links with addresses, and routes of which many lead the same way and differ in all else.
    private func fill() {
        let objects: [(String, String, String)] = [
            (
                "PUT", "/v1/links/eth0",
                #"{"addresses":["192.0.2.1/24","198.51.100.1/24","2001:db8::1/64","2001:db8:1::1/64"]}"#
            ),
            ("PUT", "/v1/links/eth1", #"{}"#),
            ("PUT", "/v1/nexthops/1", #"{"gateway":"192.0.2.9","dev":"eth0"}"#),
            ("PUT", "/v1/nexthops/2", #"{"blackhole":true}"#),
            ("POST", "/v1/rules", #"{"family":"inet","priority":9,"dst":"10.9.0.0","dstlen":16,"action":"prohibit"}"#),
        ]
        for (method, target, body) in objects {
            #expect(service.call(method, target, body).status < 300, "\(target)")
        }
        let ways = [
            #""gateway":"192.0.2.9","dev":"eth0""#, #""dev":"eth0""#, #""dev":"eth1""#, #""type":"blackhole""#,
            #""nhid":1"#,
            #""nhid":2"#, #""gateway":"192.0.2.9","prefsrc":"198.51.100.1""#, #""type":"throw""#,
            #""nexthops":[{"gateway":"192.0.2.9","dev":"eth0"},{"dev":"eth1","weight":3}]"#,
            #""via":{"family":"inet6","host":"fe80::1"},"dev":"eth0""#, #""type":"local","scope":"host","dev":"eth0""#,
        ]
        for number in 0..<66 {
            let way = ways[number % ways.count]
            let metric = number % 3 == 0 ? #","metric":\#(number % 2 * 20)"# : ""
            let row = #"{"dst":"10.\#(number).0.0/\#(16 + number % 9)",\#(way)\#(metric)}"#
            #expect(service.call("POST", "/v1/routes", row).status == 201, "\(row)")
        }
        for (prefix, way) in [
            ("2001:db8:100::/40", #""gateway":"2001:db8::9","dev":"eth0""#), ("2001:db8:200::/40", #""dev":"eth0""#),
            ("2001:db8:300::/40", #""dev":"eth1","pref":"high""#), ("2001:db8:400::/40", #""dev":"eth1","metric":7"#),
        ] {
            #expect(service.call("POST", "/v1/routes", #"{"dst":"\#(prefix)",\#(way)}"#).status == 201)
        }
    }

    @Test(
        "A batch is answered as each of its lookups by itself",
        arguments: ["", "&fibmatch=1", "&iif=eth5", "&mark=3&tos=8", "&explain=1", "&oif=eth1", "&uid=5&dport=80"])
    func agrees(options: String) {
        fill()
        var random = SeededGenerator(seed: 1)
        var destinations = (0..<300).map { _ in
            "10.\(Int.random(in: 0..<68, using: &random)).0.\(Int.random(in: 0..<256, using: &random))"
        }
        destinations += (1..<6).flatMap { ["2001:db8:\($0)00::1", "2001:db8:\($0)01::2", "fe80::\($0)"] }
        destinations += ["192.0.2.1", "192.0.2.7", "0.0.0.0", "::"]
        let list = destinations.map { "\"\($0)\"" }.joined(separator: ",")
        let query = options.isEmpty ? "" : "?\(options.dropFirst())"
        let many = service.call("POST", "/v1/lookup\(query)", "{\"dsts\":[\(list)]}")
        #expect(many.status == 200, "\(many.body)")
        let each = destinations.map { destination in
            String(service.call("GET", "/v1/lookup?dst=\(destination)\(options)").body.dropLast())
        }
        #expect(many.body == "[\(each.joined(separator: ","))]\n")
    }

    @Test("Whatever is written, a batch is answered as each of its lookups by itself", arguments: UInt64(1)...6)
    func agreesInAnyState(seed: UInt64) {
        fill()
        var random = SeededGenerator(seed: seed)
        func one<Value>(_ values: [Value]) -> Value { values[Int.random(in: 0..<values.count, using: &random)] }
        var changes = 0
        for _ in 0..<40 {
            for _ in 0..<5 {
                let (method, target, body) = change(&random)
                if service.call(method, target, body).status < 300 { changes += 1 }
            }
            let destinations = (0..<40).map { _ in "10.\(Int.random(in: 0..<12, using: &random)).0.\(one([1, 2]))" }
            let options = one(["", "", "oif=eth0", "tos=8", "src=10.0.0.1", "iif=eth1"])
            let list = destinations.map { "\"\($0)\"" }.joined(separator: ",")
            let many = service.call("POST", "/v1/lookup?\(options)", "{\"dsts\":[\(list)]}")
            let each = destinations.map { destination in
                String(service.call("GET", "/v1/lookup?dst=\(destination)&\(options)").body.dropLast())
            }
            #expect(many.body == "[\(each.joined(separator: ","))]\n", "\(options)")
        }
        #expect(changes > 50)
    }

    /// Of anything that lookups look at; some are refused.
    private func change(_ random: inout SeededGenerator) -> (String, String, String) {
        func one<Value>(_ values: [Value]) -> Value { values[Int.random(in: 0..<values.count, using: &random)] }
        let length = one([8, 16, 24, 32])
        let number = Int.random(in: 0..<12, using: &random)
        let prefix = "10.\(length == 8 ? 0 : number).0.\(length == 32 ? 1 : 0)/\(length)"
        let table = one([200, 254, 254, 255])
        switch Int.random(in: 0..<12, using: &random) {
        case 0: return ("PUT", "/v1/links/eth1", "{\"operstate\":\"\(one(["UP", "DOWN"]))\"}")
        case 1: return ("PUT", "/v1/links/eth0", "{\"operstate\":\"\(one(["UP", "UP", "DOWN"]))\"}")
        case 2: return ("PUT", "/v1/nexthops/1", one([#"{"dev":"eth1"}"#, #"{"gateway":"192.0.2.9","dev":"eth0"}"#]))
        case 3: return ("POST", "/v1/rules", "{\"priority\":\(one([5, 40_000])),\"table\":\"200\"}")
        case 4: return ("POST", "/v1/rules", "{\"priority\":\(one([6, 40_001])),\"oif\":\"eth0\",\"table\":\"200\"}")
        case 5: return ("DELETE", "/v1/rules/\(one([0, 5, 6, 40_000, 40_001]))", "")
        case 6, 7: return ("DELETE", "/v1/routes/\(prefix)?table=\(table)", "")
        default:
            let way = one([
                #""dev":"eth0""#, #""dev":"eth1""#, #""nhid":1"#, #""nhid":2"#, #""type":"throw""#,
                #""nexthops":[{"dev":"eth0"},{"dev":"eth1","weight":3}]"#, #""dev":"eth0","tos":8"#,
                #""dev":"eth1","metric":5"#, #""type":"local","scope":"host","dev":"eth0""#,
            ])
            return ("POST", "/v1/routes?mode=append", "{\"dst\":\"\(prefix)\",\"table\":\"\(table)\",\(way)}")
        }
    }
}
