import TestSupport
import Testing

/// `/metrics`, as Prometheus reads it.
@Suite struct MetricsTests {
    private func metrics(_ server: RunningServer) throws -> [String: Double] {
        let response = try server.get("/metrics")
        #expect(response.status == 200)
        #expect(response.header("Content-Type") == "text/plain; version=0.0.4; charset=utf-8")
        var values: [String: Double] = [:]
        for line in response.text.split(separator: "\n") where !line.hasPrefix("#") {
            let parts = line.split(separator: " ")
            #expect(parts.count == 2 && Double(parts[1]) != nil, "\(line)")
            #expect(values.updateValue(Double(parts[1]) ?? 0, forKey: String(parts[0])) == nil, "\(line) twice")
        }
        return values
    }

    @Test("How long changes take until they are on disk, and until devices have answered, is counted")
    func histograms() throws {
        let directory = TemporaryDirectory()
        let server = try RunningServer("--data-dir", directory.path)
        #expect(try metrics(server)["fibd_hardware_programmed_seconds_count"] == 0)
        _ = try server.post("/v1/listeners", #"{"name":"chip","role":"driver"}"#)
        let version = try #require(
            try server.post("/v1/routes", #"{"dst":"10.0.0.0/8","dev":"eth0"}"#).json()["version"]?.number)
        let report = #"[{"route":{"dst":"10.0.0.0/8"},"version":\#(version),"state":"offload"}]"#
        // Said twice, answered once.
        for _ in 0..<2 { #expect(try server.post("/v1/listeners/chip/hardware", report).status == 200) }
        let values = try metrics(server)
        #expect(values["fibd_hardware_programmed_seconds_count"] == 1)
        #expect(values["fibd_hardware_programmed_seconds_bucket{le=\"+Inf\"}"] == 1)
        #expect(values["fibd_hardware_programmed_seconds_bucket{le=\"60\"}"] == 1)
        #expect(values["fibd_commit_durable_seconds_count"] ?? 0 >= 2)
        #expect(values["fibd_commit_durable_seconds_sum"] ?? 0 > 0)
        let bounds = [
            "0.00005", "0.0001", "0.00025", "0.0005", "0.001", "0.0025", "0.005", "0.01", "0.025", "0.05", "5", "+Inf",
        ]
        let counts = try bounds.map { try #require(values["fibd_commit_durable_seconds_bucket{le=\"\($0)\"}"]) }
        #expect(counts == counts.sorted() && counts.last == values["fibd_commit_durable_seconds_count"])
        #expect(values["fibd_durable_sequence"] ?? 0 >= Double(version))
    }

    @Test("How many streams there are, and how far the last one is behind, can be seen")
    func streams() throws {
        let server = try RunningServer("--ephemeral", "--replay-cache-bytes", "1000000")
        #expect(try metrics(server)["fibd_streams{sent=\"changes\"}"] == 0)
        let (quick, slow) = (try server.follow(), try server.follow("?family=inet", receiveBuffer: 4_096))
        for stream in [quick, slow] { _ = try stream.frames(through: "sync") }
        #expect(try eventually { try metrics(server)["fibd_streams{sent=\"changes\"}"] == 2 })
        let idle = try metrics(server)
        #expect(idle["fibd_stream_filters"] == 2 && idle["fibd_stream_lag_changes"] == 0)
        #expect(idle["fibd_stream_resets_total"] == 0 && idle["fibd_replay_cache_limit_bytes"] == 1_000_000)
        // More than its buffers hold.
        let rows = (0..<20_000).map { "{\"dst\":\"10.\($0 >> 8).\($0 & 255).0/24\",\"dev\":\"eth0\"}\n" }.joined()
        _ = try server.request("POST", "/v1/routes", rows, headers: ["Content-Type: application/x-ndjson"])
        let behind = try metrics(server)
        #expect(behind["fibd_stream_lag_changes"] ?? 0 > 0 && behind["fibd_stream_lag_bytes"] ?? 0 > 0)
        withExtendedLifetime((quick, slow)) {}
    }
}
