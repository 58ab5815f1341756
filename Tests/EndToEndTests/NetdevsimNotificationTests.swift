import TestSupport
import Testing

/// What `drivers/net/netdevsim/fib_notifications.sh` asserts, over HTTP: the lines of `ip monitor route` are the events of a
/// stream with `hw_flags=sysctl`.
@Suite struct NetdevsimNotificationHTTPTests {
    private static let cases = ["inet", "inet6"].flatMap { family in [0, 1, 2].map { (family, $0) } }

    private struct Monitor {
        let lab: NetdevsimLab
        let prefix: String

        init(_ family: String, mode: Int) throws {
            lab = try NetdevsimLab(family, mode: mode)
            prefix = family == "inet" ? "192.0.2.0/24" : "2001:db8:1::/64"
        }

        /// What the stream tells of the prefix, from before the step until the switch has dealt with it.
        func events(during step: String) throws -> [String] {
            let reader = try lab.server.follow("?replay=none&kinds=route&hw_flags=sysctl")
            _ = try reader.frames(through: "sync")
            try lab.route(step)
            try lab.settle()
            // An event that comes after all that there are of the step.
            let end = try lab.settle()
            var lines: [String] = []
            while true {
                let frame = try reader.next()
                let data = try frame.json()
                if frame.event == "route", data["entry"]?["dst"] == .string(prefix) {
                    lines.append("\(data["op"]?.string ?? "") \(data["hw"]?["state"]?.string ?? "")")
                }
                if let number = data["seq"]?.number, number >= end { return lines }
            }
        }
    }

    /// Two lines in some modes: the second has what hardware says.
    private func lines(_ operation: String, _ state: String, isTold: Bool) -> [String] {
        ["\(operation) pending"] + (isTold ? ["flags \(state)"] : [])
    }

    @Test("T3-40: an addition is told once, and with 1 again when hardware has it", arguments: cases)
    func add(family: String, mode: Int) throws {
        let monitor = try Monitor(family, mode: mode)
        let events = try monitor.events(during: "add \(monitor.prefix) dev dummy1")
        #expect(events == lines("add", "trap", isTold: mode == 1))
    }

    @Test("T3-41: a deletion is told once", arguments: cases)
    func delete(family: String, mode: Int) throws {
        let monitor = try Monitor(family, mode: mode)
        try monitor.lab.route("add \(monitor.prefix) dev dummy1")
        try monitor.lab.settle()
        #expect(try monitor.events(during: "del \(monitor.prefix) dev dummy1") == ["delete "])
    }

    @Test("T3-42: a replacement is told once, and with 1 again when hardware has it", arguments: cases)
    func replace(family: String, mode: Int) throws {
        let monitor = try Monitor(family, mode: mode)
        try monitor.lab.route("add \(monitor.prefix) dev dummy1")
        try monitor.lab.settle()
        let events = try monitor.events(during: "replace \(monitor.prefix) dev dummy2")
        #expect(events == lines("replace", "trap", isTold: mode == 1))
    }

    @Test("T3-43: a failure is told with 1 and with 2", arguments: cases)
    func failure(family: String, mode: Int) throws {
        let monitor = try Monitor(family, mode: mode)
        try monitor.lab.device(#"{"faults":{"fail_route_offload":true}}"#)
        let events = try monitor.events(during: "add \(monitor.prefix) dev dummy1")
        #expect(events == lines("add", "failed", isTold: mode != 0))
        let row = try #require(try monitor.lab.server.get("/v1/routes?dst=\(monitor.prefix)").json().array?.first)
        #expect(row["flags"]?.array?.contains(.string("rt_offload_failed")) == true)
    }
}
