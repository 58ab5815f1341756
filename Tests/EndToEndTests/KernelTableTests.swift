import TestSupport
import Testing

/// Tables go in and out as `ip -json` and our own listings print them.
@Suite struct KernelTableTests {
    let server: RunningServer

    init() throws { server = try RunningServer() }

    @Test("What ip prints of a machine with two links goes in as it is: every row, every field")
    func recordedMachine() throws {
        try expectFaithfulImport(String(decoding: PackageResources.machine_json, as: UTF8.self))
    }

    @Test("What ip prints of a real network namespace goes in as it is", .enabled(if: NetworkNamespace.isPossible))
    func realNamespace() throws {
        let namespace = try NetworkNamespace()
        for link in ["eth0", "eth1"] {
            try namespace.ip("link", "add", link, "type", "veth", "peer", "name", "peer-\(link)")
            try namespace.ip("link", "set", "peer-\(link)", "up")
            try namespace.ip("link", "set", link, "up")
        }
        try namespace.ip("link", "set", "lo", "up")
        try namespace.ip("addr", "add", "192.0.2.10/24", "dev", "eth0")
        try namespace.ip("addr", "add", "198.51.100.10/25", "dev", "eth1")
        try namespace.ip("addr", "add", "2001:db8:1::10/64", "dev", "eth0", "nodad")
        try namespace.ip("route", "add", "default", "via", "192.0.2.1", "proto", "dhcp", "metric", "100")
        try namespace.ip("route", "add", "172.16.0.0/12", "via", "inet6", "fe80::1", "dev", "eth0")
        try namespace.ip(
            "route", "add", "10.0.0.0/8", "nexthop", "via", "192.0.2.1", "weight", "3", "nexthop", "via",
            "198.51.100.1")
        try namespace.ip("route", "add", "203.0.113.0/24", "via", "192.0.2.2", "mtu", "1400", "tos", "0x10")
        try namespace.ip("-6", "route", "add", "unreachable", "default", "metric", "4294967295")
        try namespace.ip(
            "-6", "route", "add", "default", "via", "fe80::1", "dev", "eth1", "proto", "ra", "expires", "99")
        try expectFaithfulImport(try namespace.ip("-json", "-details", "route", "show", "table", "all"))
    }

    private func expectFaithfulImport(_ table: String) throws {
        let rows = try #require(try JSONValue(table).array)
        #expect(rows.count > 20)
        let response = try server.curl("--json", "@-", "/v1/routes", input: Array(table.utf8))
        #expect(response.status == 200, "\(response.text)")
        #expect(try response.json()["created"]?.number == UInt64(rows.count))
        let listed = try #require(try server.curl("/v1/routes").json().array).map(\.withoutStatus.canonical)
        #expect(listed.sorted() == rows.map(\.asFibdPrintsIt.canonical).sorted())
    }

    @Test(
        "Our own listing, piped into a fresh server, gives the same table in the same order", arguments: [false, true])
    func roundTrip(asLines: Bool) throws {
        #expect(
            try server.curl("--json", "@-", "/v1/routes", input: PackageResources.machine_json).status == 200)
        for gateway in 2...4 {
            let route = #"{"dst":"10.0.0.0/8","gateway":"192.0.2.\#(gateway)","tos":8}"#
            #expect(try server.post("/v1/routes?mode=prepend", route).status == 201)
        }
        let other = try RunningServer()
        let listing = try server.curl(
            "-H", asLines ? "Accept: application/x-ndjson" : "Accept: application/json", "/v1/routes")
        let type = try #require(listing.header("Content-Type"))
        // Routes of one key are told apart by their order, so each goes behind those before it.
        let imported = try other.curl(
            "-H", "Content-Type: \(type)", "--data-binary", "@-", "/v1/routes?mode=append", input: listing.body)
        #expect(imported.status == 200)
        #expect(try imported.json()["rejected_count"]?.number == 0, "\(imported.text)")
        #expect(try other.digest() == server.digest())
        let rows = try [server, other].map { server in
            try #require(try server.curl("/v1/routes").json().array).map(\.withoutStatus)
        }
        #expect(rows[0] == rows[1])
    }
}

extension JSONValue {
    var withoutStatus: JSONValue {
        guard case .object(var members) = self else { return self }
        for name in ["h", "seq", "version"] { members[name] = nil }
        return .object(members)
    }

    /// The same route as our listing prints it: defaults left out, lengths always, numbers as numbers.
    var asFibdPrintsIt: JSONValue {
        guard case .object(var members) = self else { return self }
        let type = members["type"]?.string ?? ""
        let isIPv6 = members["pref"] != nil
        members["family"] = .string(isIPv6 ? "inet6" : "inet")
        members["namespace"] = .string("default")
        if let destination = members["dst"]?.string {
            let any = isIPv6 ? "::/0" : "0.0.0.0/0"
            let host = destination + (isIPv6 ? "/128" : "/32")
            members["dst"] = .string(destination == "default" ? any : destination.contains("/") ? destination : host)
        }
        if members["metric"] == nil { members["metric"] = .number("0") }
        // R1-23: no metric 0 in IPv6.
        if isIPv6, members["metric"] == .number("0") { members["metric"] = .number("1024") }
        if let tos = members["tos"]?.string {
            members["tos"] = .number(String(UInt8(tos.dropFirst(2), radix: 16) ?? 0))
        }
        if let metrics = members["metrics"]?[0] { members["metrics"] = metrics }
        if case .array(let hops)? = members["nexthops"] { members["nexthops"] = .array(hops.map(\.hopAsFibdPrintsIt)) }
        if members["scope"] == .string("global") { members["scope"] = nil }
        if members["pref"] == .string("medium") { members["pref"] = nil }
        if members["flags"] == .array([]) { members["flags"] = nil }
        // R1-32: the kernel's IPv6 dump shows routes that lead nowhere with `dev lo`.
        if ["unreachable", "blackhole", "prohibit", "throw"].contains(type) { members["dev"] = nil }
        for name in ["expires", "error"] { members[name] = nil }
        return .object(members)
    }

    private var hopAsFibdPrintsIt: JSONValue {
        guard case .object(var members) = self else { return self }
        if members["flags"] == .array([]) { members["flags"] = nil }
        if members["weight"] == .number("1") { members["weight"] = nil }
        return .object(members)
    }
}
