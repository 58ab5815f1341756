import TestSupport
import Testing

/// What comes and goes leaves nothing behind.
@Suite struct LeakTests {
    @Test("A table that is added and removed in random order, again and again, takes as much memory each time")
    func table() throws {
        let server = try RunningServer(arguments: [
            "--ephemeral", "--simulated-switch", "none", "--log-bytes", "1048576",
        ])
        var random = SeededGenerator(seed: 3)
        var sizes: [Int] = []
        for round in 0..<6 {
            var rows = (0..<20_000).map { number in
                let isIPv6 = number % 5 == 0
                let destination =
                    isIPv6
                    ? "2001:db8:\(String(number, radix: 16))::/48" : "10.\(number / 250).\(number % 250).0/24"
                let gateway = isIPv6 ? "2001:db8::\(number % 97)" : "192.0.2.\(number % 97)"
                return #"{"dst":"\#(destination)","gateway":"\#(gateway)","dev":"eth\#(round)"}"#
            }
            rows.shuffle(using: &random)
            let added = try server.request(
                "POST", "/v1/routes", rows.joined(separator: "\n"), headers: ["Content-Type: application/x-ndjson"])
            #expect(try added.json()["created"]?.number == 20_000)
            // Who looks up has an index made.
            #expect(try server.get("/v1/lookup?dst=10.0.1.1").status == 200)
            rows.shuffle(using: &random)
            for start in stride(from: 0, to: rows.count, by: 5_000) {
                let operations = rows[start..<start + 5_000].map { #"{"op":"delete","kind":"route","value":\#($0)}"# }
                let removed = try server.post(
                    "/v1/transactions", #"{"operations":[\#(operations.joined(separator: ","))]}"#)
                #expect(try removed.json()["deleted"]?.number == 5_000)
            }
            #expect(try server.get("/v1/routes?limit=1").header("Fibd-Count") == "0")
            sizes.append(server.residentKiB)
        }
        // The first rounds find out how much is needed at once.
        #expect(sizes[5] < sizes[2] * 11 / 10 + 4_096, "\(sizes)")
    }
}
