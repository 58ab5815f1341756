internal import ChangeLog
internal import ControlPlane
internal import HTTPServer
internal import JSON

/// `/metrics`, in the text format of Prometheus. It takes no gate and no namespace's lock, and that of streams for a look at each.
struct MetricsHandlers: Sendable {
    let plane: ControlPlane
    let hub: EventHub

    var endpoints: [Endpoint] { [Endpoint("/metrics", "Metrics for Prometheus", [(.get, get)])] }

    private func get(_ call: Call) throws(Problem) -> HTTPPlan {
        try Query(call.target).finish()
        // On a worker: who serves streams may have their lock for a step.
        return .answer(.work { .response(.text(200, page(), type: "text/plain; version=0.0.4; charset=utf-8")) })
    }

    private func page() -> String {
        var page = MetricsPage()
        page.gauge("fibd_head_sequence", "Number of the latest change.", plane.log.head.rawValue)
        page.gauge("fibd_durable_sequence", "Number up to which all changes are on disk.", plane.log.durable.rawValue)
        page.histogram(
            "fibd_commit_durable_seconds", "From when a change was made until it was on disk.", plane.latencies.durable)
        page.histogram(
            "fibd_hardware_programmed_seconds",
            "From when a route was for a device to program until the device had answered.", plane.latencies.programmed)
        page.streams(hub.statistics())
        return page.text
    }
}

/// Writes metrics one behind the other.
struct MetricsPage {
    private(set) var text = ""

    mutating func gauge(_ name: String, _ help: String, _ value: UInt64) {
        begin(name, help, "gauge")
        text += "\(name) \(value)\n"
    }

    mutating func histogram(_ name: String, _ help: String, _ histogram: LatencyHistogram) {
        begin(name, help, "histogram")
        let counts = histogram.now
        var sum: UInt64 = 0
        for (index, count) in counts.buckets.enumerated() {
            sum += count
            let bound = index < histogram.bounds.count ? Self.seconds(histogram.bounds[index]) : "+Inf"
            text += "\(name)_bucket{le=\"\(bound)\"} \(sum)\n"
        }
        text += "\(name)_sum \(Self.seconds(counts.total))\n\(name)_count \(sum)\n"
    }

    mutating func counter(_ name: String, _ help: String, _ value: UInt64) {
        begin(name, help, "counter")
        text += "\(name) \(value)\n"
    }

    mutating func streams(_ streams: StreamStatistics) {
        begin("fibd_streams", "Open event streams, by what they are sent.", "gauge")
        text += "fibd_streams{sent=\"replay\"} \(streams.replaying)\nfibd_streams{sent=\"changes\"} \(streams.live)\n"
        gauge("fibd_stream_filters", "Different filters of event streams.", UInt64(streams.filters))
        gauge(
            "fibd_stream_lag_changes", "Changes that the event stream furthest behind hasn't been sent.",
            UInt64(streams.lag.changes))
        gauge("fibd_stream_lag_bytes", "What these take in the log.", UInt64(streams.lag.bytes))
        counter("fibd_stream_resets_total", "Subscribers that were told to begin anew.", streams.resets)
        gauge("fibd_replay_cache_bytes", "Rows that replays keep for others.", UInt64(streams.cache.bytes))
        gauge("fibd_replay_cache_limit_bytes", "How much they may keep.", UInt64(streams.cache.limit))
    }

    private mutating func begin(_ name: String, _ help: String, _ type: String) {
        text += "# HELP \(name) \(help)\n# TYPE \(name) \(type)\n"
    }

    /// Of microseconds, without zeros at the end.
    private static func seconds(_ microseconds: UInt64) -> String {
        let fraction = String(microseconds % 1_000_000)
        var digits = String(repeating: "0", count: 6 - fraction.count) + fraction
        while digits.last == "0" { digits.removeLast() }
        let whole = microseconds / 1_000_000
        return digits.isEmpty ? "\(whole)" : "\(whole).\(digits)"
    }
}
