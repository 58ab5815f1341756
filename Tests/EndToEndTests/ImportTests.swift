import TestSupport
import Testing

/// Tables as NDJSON: applied as they arrive, each line for itself.
@Suite struct ImportTests {
    let server: RunningServer

    init() throws { server = try RunningServer() }

    private static let type = "Content-Type: application/x-ndjson"

    private func importing(_ lines: String, _ query: String = "") throws -> JSONValue {
        let response = try server.post("/v1/routes\(query)", lines, headers: [Self.type])
        #expect(response.status == 200, "\(response.text)")
        let tally = try response.json()
        #expect(response.header("Fibd-Seq").flatMap { UInt64($0) } == tally["seq"]?.number)
        return tally
    }

    private func destinations() throws -> [String] {
        try #require(try server.get("/v1/routes").json().array).compactMap { $0["dst"]?.string }
    }

    private static let mixed = """
        {"dst":"10.1.0.0/16","dev":"a"}
        nonsense

        {"dst":"10.2.0.1/16","dev":"a"}
        {"dst":"10.3.0.0/16","dev":"a"}\r
        {"dst":"10.1.0.0/16","dev":"b"}
          \t
        {"dst":"10.4.0.0/16","dev":"a"} {"dst":"10.5.0.0/16","dev":"a"}
        {"dst":"10.6.0.0/16",
        "dev":"a"}
        {"dst":"10.7.0.0/16","dev":"a"}
        """

    @Test("Good lines go in whatever stands between them; bad ones are told by line, code and detail")
    func badLinesAmongGood() throws {
        let tally = try importing(Self.mixed)
        #expect(tally["accepted"]?.number == 3)
        #expect(tally["created"]?.number == 3)
        #expect(tally["rejected_count"]?.number == 6)
        let rejected = try #require(tally["rejected"]?.array)
        #expect(rejected.compactMap { $0["line"]?.number } == [2, 4, 6, 8, 9, 10])
        #expect(rejected[2]["code"] == .string("EEXIST"))
        #expect(rejected[1]["detail"]?.string?.contains("10.2.0.0/16") == true)
        #expect(try destinations() == ["10.1.0.0/16", "10.3.0.0/16", "10.7.0.0/16"])
    }

    @Test("stop_on_error stops at the first bad line: what came before it stays, nothing after it goes in")
    func stopOnError() throws {
        let tally = try importing(Self.mixed, "?stop_on_error=1")
        #expect(tally["accepted"]?.number == 1)
        #expect(tally["rejected"]?.array?.compactMap { $0["line"]?.number } == [2])
        #expect(try destinations() == ["10.1.0.0/16"])
    }

    @Test("A dry run counts as the import would, rows of the same body included, and changes nothing")
    func dryRun() throws {
        let before = try server.state()
        let dry = try importing(Self.mixed, "?dry_run=1")
        #expect(try server.state() == before)
        let real = try importing(Self.mixed)
        for name in ["accepted", "created", "replaced", "unchanged", "rejected_count"] {
            #expect(dry[name] == real[name], "\(name)")
        }
        #expect(dry["rejected"]?.array?.count == real["rejected"]?.array?.count)
    }

    @Test("Of many bad lines the first hundred are told, and all are counted")
    func manyBadLines() throws {
        let tally = try importing(String(repeating: "x\n", count: 1_000))
        #expect(tally["rejected_count"]?.number == 1_000)
        #expect(tally["rejected"]?.array?.count == 100)
        #expect(tally["seq"]?.number == 6)
    }

    @Test("The query's namespace, table and family are taken where a row says nothing; an unchanged row makes no event")
    func defaults() throws {
        _ = try server.request("PUT", "/v1/namespaces/blue")
        let lines = """
            {"dst":"default","dev":"a"}
            {"dst":"10.0.0.0/8","dev":"a","table":"7"}
            {"dst":"10.0.0.0/8","dev":"a","namespace":"default"}

            """
        let query = "?namespace=blue&table=100&family=inet6&mode=replace"
        #expect(try importing(lines, query)["created"]?.number == 3)
        let again = try importing(lines, query)
        #expect(again["unchanged"]?.number == 3)
        #expect(again["seq"]?.number == 15)
        let rows = try #require(try server.get("/v1/routes").json().array)
        let places = rows.map { row in
            ["namespace", "family", "table", "dst"].compactMap { row[$0]?.string }.joined(separator: " ")
        }
        #expect(places == ["blue inet 7 10.0.0.0/8", "blue inet6 100 ::/0", "default inet 100 10.0.0.0/8"])
    }

    @Test("Lines of 10 MB are refused one by one, with constant memory; their neighbours go in")
    func hugeLines() throws {
        _ = try importing(#"{"dst":"10.0.0.0/16","dev":"a"}"#)
        let before = server.residentKiB
        let client = try server.client()
        let filler = [UInt8](repeating: UInt8(ascii: "x"), count: 10 << 20)
        var body: [UInt8] = []
        for number in 1...4 {
            body += "{\"dst\":\"10.\(number).0.0/16\",\"dev\":\"a\"}\n".utf8
            body += filler + [10]
        }
        try client.sendRequest("POST", "/v1/routes", headers: [Self.type, "Content-Length: \(body.count)"])
        try client.send(body)
        let tally = try client.readResponse().json()
        #expect(tally["accepted"]?.number == 4)
        #expect(tally["rejected"]?.array?.compactMap { $0["line"]?.number } == [2, 4, 6, 8])
        #expect(tally["rejected"]?[0]?["reason"] == .string("line-too-long"))
        // 1 MiB may wait for the worker, and as much is on its way through the allocator; 40 MB went through.
        #expect(server.residentKiB - before < 8 << 10)
        #expect(try destinations().count == 5)
    }

    @Test("A route takes at most 150 bytes of memory, all told, beside a log of constant size")
    func memory() throws {
        let server = try RunningServer("--log-bytes", "65536")
        // In no order, which fills the nodes of the tables least.
        func lines(_ numbers: Range<Int>) -> String {
            numbers.map { number in
                let place = (number &* 40_503) & 0xffff
                return "{\"dst\":\"10.\(place >> 8).\(place & 255).0/\(number >> 16 == 0 ? 24 : 25)\",\"dev\":\"a\"}\n"
            }.joined()
        }
        func add(_ numbers: Range<Int>) throws {
            let response = try server.request("POST", "/v1/routes", lines(numbers), headers: [Self.type])
            #expect(response.status == 200)
        }
        // What the first rows cost is room that later ones find.
        try add(0..<31_072)
        let before = server.residentKiB
        try add(31_072..<131_072)
        #expect((server.residentKiB - before) * 1_024 / 100_000 <= 150)
    }

    @Test(
        "A body that is cut in the middle counts up to its last whole line, and the log says so",
        arguments: [false, true])
    func cut(chunked: Bool) throws {
        let lines =
            "{\"dst\":\"10.1.0.0/16\",\"dev\":\"a\"}\nx\n{\"dst\":\"10.2.0.0/16\",\"dev\":\"a\"}\n{\"dst\":\"10.3.0.0/16\""
        let descriptors = server.descriptorCount
        let client = try server.client()
        if chunked {
            try client.sendRequest("POST", "/v1/routes", headers: [Self.type, "Transfer-Encoding: chunked"])
            try client.send("\(String(lines.utf8.count, radix: 16))\r\n\(lines)\r\n")
        } else {
            try client.sendRequest("POST", "/v1/routes", headers: [Self.type, "Content-Length: 10000"])
            try client.send(lines)
        }
        // A whole batch is not there yet, so nothing tells that the lines have come but the end itself.
        client.close()
        #expect(eventually { server.log.contains("an import was cut off") })
        let report = server.log.split(separator: "\n").first { $0.contains("an import was cut off") } ?? ""
        #expect(report.contains("2 routes were applied and 1 refused"), "\(report)")
        #expect(report.contains("up to number 8"), "\(report)")
        #expect(try destinations() == ["10.1.0.0/16", "10.2.0.0/16"])
        #expect(eventually { server.descriptorCount <= descriptors }, "\(server.descriptors)")
    }

    @Test("An import by pieces of any size is the same import")
    func pieces() throws {
        let client = try server.client()
        try client.sendRequest("POST", "/v1/routes", headers: [Self.type, "Transfer-Encoding: chunked"])
        for byte in Self.mixed.utf8 { try client.send([0x31, 13, 10, byte, 13, 10]) }
        try client.send("0\r\n\r\n")
        let tally = try client.readResponse().json()
        #expect(tally["accepted"]?.number == 3)
        #expect(tally["rejected_count"]?.number == 6)
    }

    @Test("A large table goes in as it arrives, others read and write meanwhile")
    func large() throws {
        let client = try server.client()
        try client.sendRequest("POST", "/v1/routes", headers: [Self.type, "Transfer-Encoding: chunked"])
        for block in 0..<20 {
            let lines = (0..<500).map { "{\"dst\":\"10.\(block).\($0 / 250).\($0 % 250)/32\",\"dev\":\"a\"}\n" }
                .joined()
            try client.send("\(String(lines.utf8.count, radix: 16))\r\n\(lines)\r\n")
            #expect(try server.post("/v1/routes", #"{"dst":"172.16.\#(block).0/24","dev":"b"}"#).status == 201)
        }
        try client.send("0\r\n\r\n")
        #expect(try client.readResponse().json()["created"]?.number == 10_000)
        #expect(try server.get("/v1/routes?limit=1").header("Fibd-Count") == "10020")
        let follower = Follower(try server.follow("?until=sync"))
        try follower.followToSync()
        #expect(follower.count == 10_026)
    }

    @Test("Pages of any size make the whole list, each route once")
    func pages() throws {
        let rows = (0..<57).map { "{\"dst\":\"10.\($0 % 5).0.0/16\",\"dev\":\"a\",\"metric\":\($0)}\n" }.joined()
        _ = try importing(rows)
        let all = try server.get("/v1/routes", headers: ["Accept: application/x-ndjson"]).text
        for limit in [1, 7, 57, 100] {
            var pages = ""
            var next: String? = "/v1/routes?limit=\(limit)"
            while let target = next {
                let page = try server.get(target, headers: ["Accept: application/x-ndjson"])
                #expect(page.header("Fibd-Count") == "57")
                pages += page.text
                next = page.header("Link").flatMap { text(of: $0, between: "<", and: ">; rel=\"next\"") }
            }
            #expect(pages == all)
        }
    }
}
