import TestSupport
import Testing

/// The kernel does the same with the same links: what its routes are after each step, ours are.
@Suite struct KernelLinkTests {
    @Test(
        "Addresses, carrier, down, up and removal leave the routes that a real kernel has",
        .enabled(if: NetworkNamespace.isPossible))
    func follows() throws {
        let server = try RunningServer()
        let kernel = try NetworkNamespace()
        for link in ["eth0", "eth1"] {
            try kernel.ip("link", "add", link, "type", "veth", "peer", "name", "peer-\(link)")
        }
        let steps: [[String]] = [
            ["addr", "add", "192.0.2.10/24", "dev", "eth0"], ["addr", "add", "192.0.2.11/24", "dev", "eth0"],
            ["link", "set", "peer-eth0", "up"], ["link", "set", "peer-eth1", "up"], ["link", "set", "eth0", "up"],
            ["link", "set", "eth1", "up"], ["addr", "add", "198.51.100.10/31", "dev", "eth1"],
            ["addr", "add", "203.0.113.1/32", "dev", "eth1"],
            ["addr", "add", "2001:db8:1::10/64", "dev", "eth0", "nodad"],
            ["addr", "add", "2001:db8:2::10/128", "dev", "eth1", "nodad"],
            ["route", "add", "10.0.0.0/8", "via", "192.0.2.1"],
            ["route", "add", "10.1.0.0/16", "nexthop", "via", "192.0.2.1", "nexthop", "dev", "eth1"],
            ["route", "add", "10.2.0.0/16", "via", "192.0.2.1", "src", "192.0.2.11"],
            ["-6", "route", "add", "2001:db8:8::/48", "via", "2001:db8:1::1", "dev", "eth0"],
            [
                "-6", "route", "add", "2001:db8:9::/48", "nexthop", "via", "2001:db8:1::1", "dev", "eth0", "nexthop",
                "via", "fe80::1", "dev", "eth1",
            ],
            ["link", "set", "peer-eth0", "down"], ["link", "set", "peer-eth0", "up"],
            ["addr", "del", "192.0.2.11/24", "dev", "eth0"], ["link", "set", "eth0", "down"],
            ["link", "set", "eth0", "up"], ["route", "replace", "10.0.0.0/8", "dev", "eth1"],
            ["addr", "flush", "dev", "eth1"], ["link", "del", "eth1"],
        ]
        for step in steps {
            try kernel.ip(step)
            // Routes that someone made by hand, we are told by hand.
            if step.contains("route") { try takeRoutes(of: kernel, server) }
            // The kernel marks legs over a link that has lost its last IPv4 address; see docs/decisions/0012.
            let showsFlags = !step.contains("flush")
            // The kernel looks at carriers in its own time: until both agree, we are told what its links are by now.
            var (ours, theirs): (Set<String>, Set<String>) = ([], [])
            let agree = try eventually {
                try takeLinks(of: kernel, server)
                (ours, theirs) = (try routes(of: server, showsFlags), try routes(of: kernel, showsFlags))
                return ours == theirs
            }
            let after = "after ip \(step.joined(separator: " "))"
            #expect(
                agree,
                "\(after), ours alone: \(ours.subtracting(theirs)); the kernel's alone: \(theirs.subtracting(ours))")
        }
    }

    private func takeRoutes(of kernel: NetworkNamespace, _ server: RunningServer) throws {
        for family in ["-4", "-6"] {
            let rows = try #require(try JSONValue(kernel.ip(family, "-json", "-details", "route", "show")).array)
            for row in rows where row["protocol"]?.string == "boot" {
                #expect(try server.post("/v1/routes?mode=replace", row.canonical).status < 300, "\(row.canonical)")
            }
        }
    }

    private func takeLinks(of kernel: NetworkNamespace, _ server: RunningServer) throws {
        let rows = try #require(try JSONValue(kernel.ip("-json", "-details", "address", "show")).array)
        let links = rows.filter { $0["ifname"]?.string?.hasPrefix("eth") ?? false }
        let names = links.compactMap { $0["ifname"]?.string }
        for row in try #require(try server.get("/v1/links").json().array) {
            guard let name = row["ifname"]?.string, !names.contains(name) else { continue }
            #expect(try server.delete("/v1/links/\(name)").status == 204)
        }
        for (name, link) in zip(names, links) {
            let answer = try server.request("PUT", "/v1/links/\(name)", link.canonical)
            #expect(answer.status < 300, "\(answer.text)")
            let hasCarrier = link["flags"]?.array?.contains(.string("NO-CARRIER")) != true
            _ = try server.request("PUT", "/v1/links/\(name)/carrier", #"{"carrier":\#(hasCarrier)}"#)
        }
    }

    private func routes(of server: RunningServer, _ showsFlags: Bool) throws -> Set<String> {
        let rows = try #require(try server.get("/v1/routes").json().array)
        return Set(rows.filter(\.isCompared).map { $0.outline(showsFlags) })
    }

    private func routes(of kernel: NetworkNamespace, _ showsFlags: Bool) throws -> Set<String> {
        let rows = try ["-4", "-6"].flatMap { family in
            try JSONValue(kernel.ip(family, "-json", "-details", "route", "show", "table", "all")).array ?? []
        }
        return Set(rows.filter(\.isCompared).map { $0.asFibdPrintsIt.outline(showsFlags) })
    }
}

extension JSONValue {
    /// The kernel makes link-local and multicast routes of its own, and others for its peers' ends of links.
    fileprivate var isCompared: Bool {
        let destination = self["dst"]?.string ?? ""
        return !destination.hasPrefix("ff00:") && !destination.hasPrefix("fe80:") && self["type"]?.string != "anycast"
    }

    /// What of a route must be the same. The kernel's metric 0 of local IPv6 routes reads as 1024 where it is imported.
    fileprivate func outline(_ showsFlags: Bool) -> String {
        func flags(_ value: JSONValue) -> String { showsFlags ? value["flags"]?.canonical ?? "-" : "" }
        func member(_ name: String) -> String { self[name]?.canonical ?? "-" }
        let metric = self["type"]?.string == "local" ? "" : member("metric")
        let hops = (self["nexthops"]?.array ?? []).map { hop in
            "\(hop["gateway"]?.canonical ?? "-") \(hop["dev"]?.canonical ?? "-") \(flags(hop))"
        }
        return [member("table"), member("type"), member("dst"), metric, member("dev"), member("gateway")]
            .joined(separator: " ")
            + " \(member("scope")) \(member("prefsrc")) \(member("protocol")) \(flags(self)) \(hops)"
    }
}
