internal import ChangeLog
internal import ControlPlane
internal import HTTPServer
internal import JSON

/// `/metrics`, in the text format of Prometheus. It takes no gate and no namespace's lock.
struct MetricsHandlers: Sendable {
    let plane: ControlPlane

    var endpoints: [Endpoint] { [Endpoint("/metrics", "Metrics for Prometheus", [(.get, get)])] }

    private func get(_ call: Call) throws(Problem) -> HTTPPlan {
        try Query(call.target).finish()
        var page = MetricsPage()
        page.gauge("fibd_head_sequence", "Number of the latest change.", plane.log.head.rawValue)
        page.gauge("fibd_durable_sequence", "Number up to which all changes are on disk.", plane.log.durable.rawValue)
        page.histogram(
            "fibd_commit_durable_seconds", "From when a change was made until it was on disk.", plane.latencies.durable)
        page.histogram(
            "fibd_hardware_programmed_seconds",
            "From when a route was for a device to program until the device had answered.", plane.latencies.programmed)
        return .answer(.response(.text(200, page.text, type: "text/plain; version=0.0.4; charset=utf-8")))
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
