import ControlPlane
import ServiceSupport
import TestSupport
import Testing

/// The member `metrics` of routes.
@Suite struct RouteMetricsTests {
    private let service = LocalService()

    /// The member as the entry has it, or why it is refused.
    private func written(_ metrics: String) -> String {
        let reply = service.call("PUT", "/v1/routes/192.0.2.0/24", #"{"dev":"eth0","metrics":\#(metrics)}"#)
        guard reply.status < 300 else {
            return reply.body.split(separator: #""reason":""#).last?.prefix { $0 != "\"" }.description ?? ""
        }
        let parts = reply.body.split(separator: #""metrics":{"#)
        return parts.count == 2 ? parts[1].prefix { $0 != "}" }.description : ""
    }

    @Test(
        "Locks, the algorithm against congestion and what iproute2 prints are understood",
        arguments: [
            (#"{"mtu":1400,"lock":["mtu"]}"#, #""lock":["mtu"],"mtu":1400"#),
            (#"{"lock":["window","advmss","mtu"]}"#, #""lock":["advmss","mtu","window"]"#),
            (#"[{"mtu":1400,"congestion":"cubic"}]"#, #""congestion":"cubic","mtu":1400"#),
            (#"[{"ecn":null,"quickack":1}]"#, #""features":1,"quickack":1"#),
            (#"{"features":8,"ecn":null}"#, #""features":9"#),
            (
                #"{"fastopen_no_cookie":1,"cwnd":10,"congestion":"bbr"}"#,
                #""congestion":"bbr","cwnd":10,"fastopen_no_cookie":1"#
            ),
            (#"{"mtu":0,"window":0}"#, ""), (#"{"lock":[]}"#, ""), (#"{"mtu":70000}"#, #""mtu":65520"#),
        ])
    func accepted(metrics: String, shown: String) { #expect(written(metrics) == shown) }

    @Test(
        "What isn't a metric is refused",
        arguments: [
            (#"{"lock":"mtu"}"#, "wrong-type"), (#"{"lock":["speed"]}"#, "bad-value"), (#"{"lock":[2]}"#, "wrong-type"),
            (#"{"congestion":""}"#, "bad-value"), (#"{"congestion":"a b"}"#, "bad-value"),
            (#"{"congestion":"sixteen-byte-nam"}"#, "bad-value"), (#"{"congestion":3}"#, "wrong-type"),
            (#"{"ecn":1}"#, "bad-value"), (#"{"features":64}"#, "metrics-invalid"),
        ])
    func refused(metrics: String, reason: String) { #expect(written(metrics) == reason) }

    @Test("Locks and the algorithm are there after a restart")
    func restart() throws {
        let store = MemoryStore()
        let first = try ControlPlane(limits: ControlPlane.Limits(logBytes: 1 << 20), store: store)
        let body = #"{"dev":"eth0","metrics":{"mtu":1400,"lock":["mtu","rtt"],"congestion":"cubic"}}"#
        #expect(LocalService(first).call("PUT", "/v1/routes/192.0.2.0/24", body).status == 201)
        let entry = LocalService(first).call("GET", "/v1/routes/192.0.2.0/24").body
        #expect(entry.contains(#""metrics":{"congestion":"cubic","lock":["mtu","rtt"],"mtu":1400}"#))
        first.close()
        let second = try ControlPlane(limits: ControlPlane.Limits(logBytes: 1 << 20), store: store.reopened())
        defer { second.close() }
        #expect(LocalService(second).call("GET", "/v1/routes/192.0.2.0/24").body == entry)
    }
}
