import TestSupport
import Testing

/// What is wrong is named, with its place, and nothing has changed.
@Suite struct BadInputTests {
    let server: RunningServer

    init() throws { server = try RunningServer() }

    /// Sends a body that must be refused, and checks that it left no trace.
    @discardableResult
    private func refused(
        _ status: Int, _ body: String, target: String = "/v1/routes", _ location: SourceLocation = #_sourceLocation
    ) throws -> JSONValue {
        let before = try server.state()
        let response = try server.post(target, body)
        #expect(response.status == status, "\(body): \(response.text)", sourceLocation: location)
        let problem = try response.problem(location)
        #expect(try server.state() == before, sourceLocation: location)
        return problem
    }

    @Test(
        "A value of the wrong type is refused at its place, whatever the field",
        arguments: [
            ("namespace", ["1", "true", "null", "[]", "{}"]), ("family", ["4.5", "true", "null", "[]", "{}"]),
            ("table", ["1.5", "-1", "4294967296", "true", "null", "[]", "{}"]),
            ("type", ["1", "true", "null", "[]", "{}"]), ("dst", ["10", "true", "null", "[]", "{}"]),
            ("tos", ["1.5", "-1", "256", "true", "null", "[]", "{}"]),
            ("metric", ["\"x\"", "1.5", "-1", "4294967296", "true", "null", "[]", "{}"]),
            ("protocol", ["256", "-1", "1.5", "true", "null", "[]", "{}"]),
            ("scope", ["256", "-1", "true", "null", "[]", "{}"]), ("prefsrc", ["1", "true", "null", "[]", "{}"]),
            ("pref", ["1", "true", "null", "[]", "{}"]), ("metrics", ["1", "\"x\"", "true", "null", "[1]"]),
            ("gateway", ["1", "true", "null", "[]", "{}"]), ("via", ["1", "\"10.0.0.1\"", "true", "null", "[]"]),
            ("dev", ["1", "true", "null", "[]", "{}"]), ("weight", ["\"1\"", "1.5", "-1", "true", "null", "[]"]),
            ("flags", ["1", "\"onlink\"", "true", "null", "{}", "[1]"]),
            ("nexthops", ["1", "\"x\"", "true", "null", "{}", "[1]"]), ("nhid", ["\"x\"", "-1", "true", "null", "[]"]),
        ] as [(String, [String])])
    func wrongType(field: String, values: [String]) throws {
        for value in values {
            let others = field == "dst" ? "" : #"{"dst":"10.0.0.0/8","#.dropFirst()
            let problem = try refused(400, "{\(others)\"\(field)\":\(value)}")
            let pointer = problem["errors"]?[0]?["pointer"]?.string ?? ""
            #expect(pointer == "/\(field)" || pointer.hasPrefix("/\(field)/"), "\(field): \(value): \(problem)")
        }
    }

    @Test(
        "Unknown and duplicate fields are refused by name, at any depth",
        arguments: [
            (#"{"dst":"10.0.0.0/8","colour":1}"#, "unknown-field", "/colour"),
            (#"{"dst":"10.0.0.0/8","dst":"10.0.0.0/8"}"#, "duplicate-field", "/dst"),
            (#"{"dst":"10.0.0.0/8","d\u0073t":"10.0.0.0/8"}"#, "duplicate-field", "/dst"),
            (#"{"nexthops":[{"dev":"a"},{"dev":"a","mtu":1}]}"#, "unknown-field", "/nexthops/1/mtu"),
            (#"{"nexthops":[{"dev":"a","dev":"b"}]}"#, "duplicate-field", "/nexthops/0/dev"),
            (#"{"metrics":{"speed":1}}"#, "unknown-field", "/metrics/speed"),
            (#"{"via":{"host":"::1","port":1}}"#, "unknown-field", "/via/port"),
            (#"[{"dst":"10.0.0.0/8","dev":"a"},{"a/b~c":1}]"#, "unknown-field", "/1/a~1b~0c"),
        ])
    func fields(body: String, reason: String, pointer: String) throws {
        let problem = try refused(400, body)
        #expect(problem["reason"] == .string(reason), "\(problem)")
        #expect(problem["errors"]?[0]?["pointer"] == .string(pointer), "\(problem)")
    }

    @Test(
        "What is not one JSON text is refused: nothing, half, two, not JSON, too deep, not UTF-8",
        arguments: [
            "", " ", "{", "{}{}", "{} x", #"{"dst":"10.0.0.0/8","dev":"a"} x"#, "nonsense", "NaN", "{'dst':1}",
            "\u{feff}{}",
            #"{"metric":NaN}"#, #"{"metric":Infinity}"#, #"{"metric":01}"#, #"{"metric":+1}"#, #"{"metric":0x10}"#,
            #"{"dev":"a}"#, #"{"dev":"\x41"}"#, #"{"dev":"\ud800"}"#, #"{"dst":"10.0.0.0/8",}"#, "[1,]", "[,]", "5",
            "\"text\"", "true", "null", "{\"dev\":\"a\tb\"}",
        ])
    func notOneText(body: String) throws { try refused(400, body) }

    @Test("Depth over 32 is refused, however deep")
    func depth() throws {
        for depth in [33, 1_000, 100_000] {
            let body = #"{"hw":"# + String(repeating: "[", count: depth)
            #expect(try refused(400, body)["reason"] == .string("json-depth"))
        }
    }

    @Test("Bytes that are not UTF-8 are refused")
    func notUTF8() throws {
        for bytes in [[0xff], [0xc0, 0xaf], [0xed, 0xa0, 0x80], [0xf4, 0x90, 0x80, 0x80], [0xe2, 0x82]] as [[UInt8]] {
            let response = try server.client().request(
                "POST", "/v1/routes", headers: ["Content-Type: application/json"],
                body: Array(#"{"dst":"10.0.0.0/8","dev":""#.utf8) + bytes + Array(#""}"#.utf8))
            #expect(response.status == 400, "\(bytes)")
        }
    }

    @Test(
        "R1-26, B-08: host bits are refused, in IPv6 as well, and the right network is suggested",
        arguments: [
            ("10.0.0.1/8", "10.0.0.0/8"), ("192.0.2.255/25", "192.0.2.128/25"), ("2001:db8::1/32", "2001:db8::/32"),
        ])
    func hostBits(wrong: String, right: String) throws {
        for problem in [
            try refused(422, #"{"dst":"\#(wrong)","dev":"eth0"}"#),
            try server.get("/v1/routes/\(wrong)").problem(),
        ] {
            #expect(problem["reason"] == .string("prefix-has-host-bits"))
            #expect(problem["code"] == .string("EINVAL"))
            #expect(problem["detail"]?.string?.contains(right) == true, "\(problem)")
        }
    }

    @Test(
        "A length out of range or not a plain number is refused",
        arguments: [
            "10.0.0.0/33", "10.0.0.0/-1", "10.0.0.0/", "10.0.0.0/08", "10.0.0.0/+8", "10.0.0.0/0x8", "10.0.0.0/8/8",
            "10.0.0.0/99999999999999999999", "2001:db8::/129", "::/ 0", "10.0.0.0/8 ",
        ])
    func lengths(destination: String) throws {
        let problem = try refused(422, #"{"dst":"\#(destination)","dev":"eth0"}"#)
        #expect(problem["errors"]?[0]?["pointer"] == .string("/dst"))
        #expect(problem["reason"]?.string?.hasPrefix("bad-") == true)
    }

    @Test(
        "What the kernel refuses is refused with its errno and the number of the rule",
        arguments: [
            (#"{"dst":"10.0.0.0/8"}"#, "ENODEV", "R1-77"),
            (#"{"dst":"10.0.0.0/8","gateway":"9.9.9.9","flags":["onlink"]}"#, "ENODEV", "R1-76"),
            (#"{"dst":"10.0.0.0/8","dev":"d1","tos":1}"#, "EINVAL", "R1-27"),
            (#"{"dst":"10.0.0.0/8","type":"blackhole","dev":"d1"}"#, "EINVAL", "R1-32"),
            (#"{"dst":"10.0.0.0/8","type":"local","dev":"d1","scope":"link"}"#, "EINVAL", "R1-33"),
            (#"{"dst":"10.0.0.0/8","gateway":"192.0.2.2","scope":"host"}"#, "EINVAL", "R1-81"),
            (#"{"dst":"10.0.0.0/8","nhid":99}"#, "EINVAL", "R1-82"),
            (#"{"dst":"10.0.0.0/8","gateway":"10.0.0.1","via":{"host":"fe80::1"},"dev":"d1"}"#, "EINVAL", "R1-82"),
            (#"{"dst":"10.0.0.0/8","nexthops":[]}"#, "EINVAL", "R1-58"),
            (#"{"dst":"2001:db8::/32","nexthops":[{"dev":"d1"}]}"#, "EINVAL", "R1-58"),
            (#"{"dst":"10.0.0.0/8","nexthops":[{"dev":"d1","weight":257}]}"#, "EINVAL", "R1-50"),
            (#"{"dst":"10.0.0.0/8","dev":"d1","weight":0}"#, "EINVAL", "R1-50"),
            (#"{"dst":"2001:db8:200::/64"}"#, "ENODEV", "R1-77"),
            (#"{"dst":"2001:db8:200::/64","gateway":"fe80::1"}"#, "EINVAL", "R1-100"),
            (#"{"dst":"2001:db8:200::/64","gateway":"ff02::1","dev":"d1"}"#, "EINVAL", "R1-100"),
            (#"{"dst":"2001:db8:200::/64","tos":8,"dev":"d1"}"#, "EINVAL", "R1-27"),
            (
                #"{"dst":"2001:db8:200::/64","nexthops":[{"dev":"d1"},{"gateway":"2001:db8::2"}]}"#, "EINVAL", "R1-58"
            ),
        ])
    func kernelRules(body: String, code: String, rule: String) throws {
        let problem = try refused(422, body)
        #expect(problem["code"] == .string(code), "\(problem)")
        #expect(problem["rule"] == .string(rule), "\(problem)")
    }

    @Test("Two equal nexthops of an IPv6 route exist already, as the kernel says")
    func equalNextHops() throws {
        let hop = #"{"gateway":"2001:db8::2"}"#
        let problem = try refused(409, #"{"dst":"2001:db8:200::/64","nexthops":[\#(hop),\#(hop)]}"#)
        #expect(problem["code"] == .string("EEXIST"))
    }

    @Test(
        "A gateway of the other family is refused, and via is named where it would help",
        arguments: [
            #"{"dst":"10.0.0.0/8","gateway":"fe80::1","dev":"eth0"}"#,
            #"{"dst":"10.0.0.0/8","nexthops":[{"gateway":"10.0.0.1"},{"gateway":"2001:db8::1"}]}"#,
            #"{"dst":"2001:db8::/32","gateway":"10.0.0.1"}"#, #"{"dst":"2001:db8::/32","via":{"host":"10.0.0.1"}}"#,
            #"{"dst":"10.0.0.0/8","dev":"eth0","prefsrc":"2001:db8::1"}"#,
            #"{"dst":"10.0.0.0/8","family":"inet6","dev":"eth0"}"#,
        ])
    func otherFamily(body: String) throws {
        let problem = try refused(422, body)
        #expect(problem["reason"] == .string("family-mismatch"))
        if body.contains("\"gateway\":\"fe80::1\"") {
            #expect(problem["detail"]?.string?.contains("use via") == true)
        }
    }

    @Test("change of an absent route and delete of an absent table are not found")
    func absent() throws {
        #expect(
            try refused(404, #"{"dst":"10.1.0.0/16","dev":"d1"}"#, target: "/v1/routes?mode=change")["code"]
                == .string("ENOENT"))
        #expect(try server.delete("/v1/routes/10.0.0.0/8?table=999").problem()["code"] == .string("ESRCH"))
        #expect(try server.delete("/v1/routes/2001:db8::/64").problem()["code"] == .string("ESRCH"))
    }

    @Test(
        "Unknown, repeated and wrong query parameters are refused by name",
        arguments: [
            ("/v1?x=1", "x"), ("/v1/routes?colour=1", "colour"), ("/v1/routes?limit=0", "limit"),
            ("/v1/routes?limit=x", "limit"), ("/v1/routes?limit=10&limit=20", "limit"),
            ("/v1/routes?family=ipx", "family"), ("/v1/routes?table=-1", "table"),
            ("/v1/routes?within=10.0.0/8", "within"), ("/v1/routes?protocol=nosuch", "protocol"),
            ("/v1/routes?type=x", "type"), ("/v1/routes?namespace=a%2Fb", "namespace"),
            ("/v1/routes?durable=maybe", "durable"), ("/v1/routes/10.0.0.0/8?metric=x", "metric"),
            ("/v1/routes/10.0.0.0/8?tos=x", "tos"),
            ("/v1/routes/10.0.0.0/8?h=12", "h"), ("/v1/namespaces?limit=-1", "limit"),
            ("/v1/events?errors=status&heartbeat=0", "heartbeat"),
            ("/v1/events?errors=status&heartbeat=61", "heartbeat"),
            ("/v1/events?errors=status&kinds=nosuch", "kinds"), ("/v1/events?errors=status&kinds=", "kinds"),
            ("/v1/events?errors=status&view=all", "view"), ("/v1/events?errors=status&until=forever", "until"),
            ("/v1/events?errors=status&replay=half", "replay"), ("/v1/events?errors=status&hw_flags=3", "hw_flags"),
            ("/v1/events?errors=status&on_overflow=wait", "on_overflow"), ("/v1/events?errors=status&x=1", "x"),
        ])
    func parameters(target: String, name: String) throws {
        let response = try server.get(target)
        #expect(response.status == 400, "\(response.text)")
        #expect(try response.problem()["errors"]?[0]?["pointer"] == .string("?\(name)"))
    }

    @Test(
        "Query parameters that can be read but not be meant are 422",
        arguments: ["/v1/routes?after=x", "/v1/routes/10.0.0.0/8?family=inet6", "/v1/routes?within=10.0.0.1/8"])
    func impossibleParameters(target: String) throws {
        let response = try server.get(target)
        #expect(response.status == 422, "\(response.text)")
        _ = try response.problem()
    }

    @Test(
        "What PUT says in path and body must agree",
        arguments: [
            ("/v1/routes/10.0.0.0/8", #"{"dst":"10.0.0.0/9","dev":"a"}"#, "/dst"),
            ("/v1/routes/10.0.0.0/8?metric=5", #"{"metric":6,"dev":"a"}"#, "/metric"),
            ("/v1/routes/10.0.0.0/8?table=100", #"{"table":"101","dev":"a"}"#, "/table"),
            ("/v1/routes/default?family=inet6", #"{"dst":"0.0.0.0/0","dev":"a"}"#, "/dst"),
        ])
    func keyMismatch(target: String, body: String, pointer: String) throws {
        let response = try server.request("PUT", target, body)
        #expect(response.status == 422)
        #expect(try response.problem()["errors"]?[0]?["pointer"] == .string(pointer))
    }
}
