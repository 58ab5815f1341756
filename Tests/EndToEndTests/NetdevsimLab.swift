import TestSupport
import Testing

/// `fib_offload_lib.sh` over HTTP: a server with a switch of the profile `netdevsim`, links, and routes as `ip route` writes
/// them.
final class NetdevsimLab {
    /// Values of `fib_notify_on_flag_change`, with each of which `fib.sh` runs its whole list.
    static let modes = [1, 0]

    let server: RunningServer
    /// Of the family that isn't under test, so that it isn't counted there.
    private let mark: String
    private var markCount = 0

    init(_ family: String, mode: Int) throws {
        server = try RunningServer("--simulated-switch", "asic0")
        mark = family == "inet" ? "2001:db8:ffff::/48" : "198.18.0.0/15"
        try device(#"{"profile":"netdevsim"}"#)
        let setting = #"{"fib_notify_on_flag_change":\#(mode)}"#
        let settings = #"{"ipv4":\#(setting),"ipv6":\#(setting),"nexthop_check":"strict"}"#
        #expect(try server.request("PATCH", "/v1/namespaces/default", settings).status == 200)
        for (number, link) in ["dummy1", "dummy2", "dummy3"].enumerated() {
            // As `ip address add … dev dummy1`, which nexthops of IPv6 are reached over.
            let addresses = family == "inet6" ? "\"2001:db8:\(number + 2)::1/64\"" : ""
            #expect(try server.request("PUT", "/v1/links/\(link)", #"{"addresses":[\#(addresses)]}"#).status == 201)
        }
        try settle()
    }

    // MARK: Steps

    /// Changes the settings of the switch.
    func device(_ settings: String, _ location: SourceLocation = #_sourceLocation) throws {
        let response = try server.request("PATCH", "/v1/devices/asic0", settings)
        #expect(response.status == 200, "\(response.text)", sourceLocation: location)
    }

    /// `devlink dev reload`: whether it succeeded.
    func reload() throws -> Bool {
        let response = try server.post("/v1/devices/asic0/restart", "")
        if response.status == 200 { return true }
        #expect(try response.status == 507 && response.problem()["code"] == .string("ENOSPC"), "\(response.text)")
        return false
    }

    /// `ip route` with these words.
    func route(_ line: String, _ location: SourceLocation = #_sourceLocation) throws {
        let response = try write(line)
        #expect((200...204).contains(response.status), "\(line): \(response.text)", sourceLocation: location)
    }

    /// Whether there was room for it; nothing else may be wrong.
    func isAdmitted(_ line: String) throws -> Bool {
        let response = try write(line)
        if response.status == 201 { return true }
        #expect(response.status == 507, "\(line): \(response.text)")
        #expect(try response.problem()["reason"] == .string("not-admitted"))
        return false
    }

    private func write(_ line: String) throws -> TestResponse {
        var words = line.split(separator: " ").map(String.init)[...]
        let (verb, destination) = (words.removeFirst(), words.removeFirst())
        var fields: [(name: String, value: String)] = []
        var hops: [String] = []
        while let name = words.popFirst() {
            if name == "nexthop" {
                hops.append(#"{"gateway":"\#(words.removeFirst())"}"#)
            } else {
                fields.append((name == "via" ? "gateway" : name, words.removeFirst()))
            }
        }
        if verb == "del" {
            let query = fields.map { "\($0.name)=\($0.value)" }.joined(separator: "&")
            return try server.delete("/v1/routes/\(destination)?\(query)")
        }
        var members = fields.map { "\"\($0.name)\":" + (Int($0.value) == nil ? "\"\($0.value)\"" : $0.value) }
        members.append("\"dst\":\"\(destination)\"")
        if !hops.isEmpty { members.append("\"nexthops\":[\(hops.joined(separator: ","))]") }
        let body = "{\(members.joined(separator: ","))}"
        if verb == "replace" { return try server.request("PUT", "/v1/routes/\(destination)", body) }
        return try server.post("/v1/routes?mode=\(verb)", body)
    }

    /// Waits until the switch has dealt with all that was written: by a route more, which it answers for after the others
    /// (R3-24). The number of that route's event.
    @discardableResult
    func settle(_ location: SourceLocation = #_sourceLocation) throws -> UInt64 {
        markCount += 1
        let body = #"{"type":"blackhole","protocol":"\#(100 + markCount % 100)"}"#
        let response = try server.request("PUT", "/v1/routes/\(mark)?ack=hardware", body)
        #expect([200, 201].contains(response.status), "\(response.text)", sourceLocation: location)
        return try #require(try response.json()["version"]?.number)
    }

    // MARK: What came of them

    /// The routes of a prefix in list order: devices or gateways, metric, tos if there is one, and `trap` if it is in hardware,
    /// by what `ip -json route show` prints.
    func routes(_ prefix: String) throws -> [String] {
        let rows = try #require(try server.get("/v1/routes?dst=\(prefix)").json().array)
        return try rows.map { row in
            let hops = (row["nexthops"]?.array ?? [row]).map { $0["gateway"]?.string ?? $0["dev"]?.string ?? "" }
            let tos = row["tos"].map { " tos \($0.string ?? $0.canonical)" } ?? ""
            let metric = try #require(row["metric"]?.number)
            let isInHardware = row["flags"]?.array?.contains(.string("rt_trap")) ?? false
            return hops.joined(separator: ",") + " \(metric)" + tos + (isInHardware ? " trap" : "")
        }
    }

    /// What the routes of the prefix are, once the switch has dealt with everything.
    func expect(_ prefix: String, _ routes: String..., location: SourceLocation = #_sourceLocation) throws {
        try settle(location)
        #expect(try self.routes(prefix) == routes, sourceLocation: location)
    }

    /// Routes in hardware, whatever their prefix, without the one by which one waits.
    func countInHardware(_ family: String) throws -> Int {
        try settle()
        let rows = try #require(try server.get("/v1/routes?family=\(family)").json().array)
        return rows.count { $0["flags"]?.array?.contains(.string("rt_trap")) ?? false }
    }

    func occupancy(_ resource: String) throws -> UInt64 {
        try settle()
        return try #require(try server.get("/v1/devices/asic0").json()["occupancy"]?[resource]?.number)
    }

    /// Removes a link, as `ip link del`; with it go its routes.
    func removeLink(_ name: String) throws {
        #expect(try server.delete("/v1/links/\(name)").status == 204)
        #expect(try server.get("/v1/links/\(name)").status == 404)
        #expect(try server.get("/v1/routes?dev=\(name)").json().array?.isEmpty == true)
    }

    /// Removes the switch; nothing that it said is left.
    func removeDevice() throws {
        #expect(try server.delete("/v1/devices/asic0").status == 204)
        #expect(try server.get("/v1/devices").text == "[]\n")
        #expect(try !server.get("/v1/routes").text.contains("rt_"))
    }
}
