import Addressing
import Routing
import Testing

/// Path metrics, as net/ipv4/metrics.c keeps and compares them; tried with `ip route` on Linux 6.18.
@Suite struct RouteMetricsTests {
    private static func metrics(
        _ values: [String: UInt32], locks: [String] = [], algorithm: String = ""
    ) -> RouteMetrics {
        var metrics = RouteMetrics()
        for (name, value) in values { metrics.set(RouteMetrics.index(of: name), to: value) }
        for name in locks { metrics.lock(RouteMetrics.index(of: name)) }
        metrics.algorithm = algorithm
        return metrics
    }

    private static func route(_ metrics: RouteMetrics) throws -> Route {
        var fields = RouteInfo.Fields()
        fields.nextHops = [NextHop(device: "d1")]
        fields.metrics = metrics
        return try Route.validated(prefix: try Prefix("10.0.0.0/8"), tos: 0, metric: nil, fields: fields)
    }

    private static func kept(_ metrics: RouteMetrics) throws -> RouteMetrics { try route(metrics).info.fields.metrics }

    @Test("A metric too large for its field becomes the largest, and one of 0 is none")
    func kept() throws {
        let kept = try Self.kept(
            Self.metrics(["mtu": 99_999, "advmss": 70_000, "hoplimit": 300, "window": 0, "rtt": 64]))
        #expect(kept == Self.metrics(["mtu": 65_520, "advmss": 65_495, "hoplimit": 255, "rtt": 64]))
        // `mtu lock 0` says that nothing learned of the path counts.
        let locked = try Self.kept(Self.metrics(["mtu": 0], locks: ["mtu"]))
        #expect(locked == Self.metrics([:], locks: ["mtu"]) && locked.lockedNames == ["mtu"] && !locked.isEmpty)
    }

    @Test("Features that mean nothing are refused")
    func features() throws {
        #expect(try Self.kept(Self.metrics(["features": 0x1F]))[RouteMetrics.features] == 0x1F)
        let error = #expect(throws: FIBError.self) { try Self.kept(Self.metrics(["features": 0x21])) }
        #expect(error?.errno == .einval && error?.reason == .metricsInvalid && error?.message.contains("0x20") == true)
    }

    @Test("R1-21: IPv4 routes that differ in a lock or in the algorithm only are two")
    func tellsApart() throws {
        var lab = RouteLab(.inet)
        let variants = [
            Self.metrics(["mtu": 1_400]), Self.metrics(["mtu": 1_400], locks: ["mtu"]),
            Self.metrics(["mtu": 1_400], algorithm: "cubic"), Self.metrics([:], locks: ["mtu"]), RouteMetrics(),
        ]
        for metrics in variants {
            _ = lab.run(.append, try Self.route(metrics))
        }
        #expect(lab.routes("10.0.0.0/8").count == variants.count)
        let again = try Self.route(Self.metrics(["mtu": 0]))
        #expect(lab.run(.append, again) == .refused(.eexist, rule: "R1-66"))
    }

    @Test("R1-85: a deletion compares the metrics that it gives, locks included, and no others")
    func deletion() throws {
        var lab = RouteLab(.inet)
        let full = Self.metrics(["mtu": 1_400, "rtt": 8], locks: ["mtu"], algorithm: "cubic")
        _ = lab.run(.add, try Self.route(full))
        func delete(_ metrics: RouteMetrics) throws -> RouteLab.Outcome {
            var copy = lab
            var selector = RouteSelector(prefix: try Prefix("10.0.0.0/8"))
            selector.metrics = metrics
            return copy.delete(selector)
        }
        let notThere = RouteLab.Outcome.refused(.esrch, rule: "R1-84")
        #expect(try delete(RouteMetrics()) == .did(.delete))
        #expect(try delete(Self.metrics(["rtt": 8])) == .did(.delete))
        #expect(try delete(Self.metrics(["mtu": 1_400], algorithm: "cubic")) == .did(.delete))
        #expect(try delete(Self.metrics([:], locks: ["mtu"])) == .did(.delete))
        #expect(try delete(Self.metrics(["window": 0])) == .did(.delete))
        #expect(try delete(Self.metrics(["mtu": 1_401])) == notThere)
        #expect(try delete(Self.metrics(["rtt": 0])) == notThere)
        #expect(try delete(Self.metrics([:], locks: ["mtu", "rtt"])) == notThere)
        #expect(try delete(Self.metrics([:], algorithm: "bbr")) == notThere)
    }
}
