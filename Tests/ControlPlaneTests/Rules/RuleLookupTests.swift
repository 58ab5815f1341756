import Addressing
import Routing
import Testing

@testable import ControlPlane

/// Which rule a packet is for, and what becomes of it then.
@Suite struct RuleLookupTests {
    private let lab = RuleLab()

    /// Every packet goes over `eth0`, those that the rule of priority 10 is for over `eth1`.
    private func isFor(
        _ destination: String, _ query: (inout LookupQuery) throws -> Void = { _ in },
        _ fill: (inout RuleFields) throws -> Void
    ) throws -> Bool {
        let lab = RuleLab()
        let isIPv6 = destination.contains(":")
        let all = isIPv6 ? "::/0" : "0.0.0.0/0"
        try lab.addRoute(all, "eth0", table: 254)
        try lab.addRoute(all, "eth1", table: 7)
        try lab.add(10, isIPv6 ? .inet6 : .inet) { fields in
            fields.table = TableID(rawValue: 7)
            try fill(&fields)
        }
        let device = try lab.get(destination, query)
        #expect(device == "eth0" || device == "eth1")
        return device == "eth1"
    }

    @Test("R1-08: source and destination; a source that isn't known is 0.0.0.0 in IPv4, and none in IPv6")
    func addresses() throws {
        #expect(try isFor("10.1.2.3") { $0.destination = try Prefix("10.1.0.0/16") })
        #expect(try !isFor("10.2.2.3") { $0.destination = try Prefix("10.1.0.0/16") })
        let from = { (address: String) in { (query: inout LookupQuery) in query.source = try IPAddress(address) } }
        #expect(try isFor("9.9.9.9", from("192.0.2.7")) { $0.source = try Prefix("192.0.2.0/24") })
        #expect(try !isFor("9.9.9.9", from("192.0.3.7")) { $0.source = try Prefix("192.0.2.0/24") })
        #expect(try !isFor("9.9.9.9") { $0.source = try Prefix("192.0.2.0/24") })
        #expect(try isFor("9.9.9.9") { $0.source = try Prefix("0.0.0.0/8") })
        #expect(try isFor("2001:db8::1", from("2001:db8:5::1")) { $0.source = try Prefix("2001:db8:5::/48") })
        #expect(try !isFor("2001:db8::1") { $0.source = try Prefix("::/1") })
    }

    @Test("R1-08: tos compares three bits in IPv4 and six in IPv6, dscp six in both; ECN says nothing")
    func tos() throws {
        let tos = { (value: UInt8) in { (query: inout LookupQuery) in query.tos = value } }
        #expect(try isFor("9.9.9.9", tos(0x08)) { $0.tos = 0x08 })
        #expect(try isFor("9.9.9.9", tos(0xEB)) { $0.tos = 0x08 })
        #expect(try !isFor("9.9.9.9", tos(0x0C)) { $0.tos = 0x08 })
        #expect(try isFor("2001:db8::1", tos(0x0B)) { $0.tos = 0x08 })
        #expect(try !isFor("2001:db8::1", tos(0xE8)) { $0.tos = 0x08 })
        #expect(try isFor("9.9.9.9", tos(0x28)) { $0.dscp = 10 })
        #expect(try !isFor("9.9.9.9", tos(0xA8)) { $0.dscp = 10 })
        #expect(try !isFor("9.9.9.9", tos(0x20)) { $0.dscp = 0 } && isFor("9.9.9.9") { $0.dscp = 0 })
    }

    @Test("R1-08: interfaces by name; what is made here comes in by the loopback")
    func interfaces() throws {
        let input = { (name: String?) in { (query: inout LookupQuery) in query.input = name } }
        #expect(try isFor("9.9.9.9", input("eth5")) { $0.input = "eth5" })
        #expect(try !isFor("9.9.9.9", input("eth6")) { $0.input = "eth5" })
        #expect(try !isFor("9.9.9.9") { $0.input = "eth5" })
        #expect(try isFor("9.9.9.9") { $0.input = "lo" } && !isFor("9.9.9.9", input("eth5")) { $0.input = "lo" })
        #expect(try isFor("9.9.9.9", { $0.device = "eth1" }) { $0.output = "eth1" })
        #expect(try !isFor("9.9.9.9", { $0.device = "eth0" }) { $0.output = "eth1" })
        #expect(try !isFor("9.9.9.9") { $0.output = "eth1" })
    }

    @Test("R1-08: marks by their masks; a mark of 0 without one is any")
    func marks() throws {
        let mark = { (value: UInt32) in { (query: inout LookupQuery) in query.mark = value } }
        #expect(try isFor("9.9.9.9", mark(0x10)) { $0.mark = 0x10 })
        #expect(try !isFor("9.9.9.9", mark(0x110)) { $0.mark = 0x10 })
        #expect(try isFor("9.9.9.9", mark(0x110)) { ($0.mark, $0.markMask) = (0x10, 0xff) })
        #expect(try isFor("9.9.9.9", mark(0x5)) { $0.mark = 0 })
        #expect(try !isFor("9.9.9.9", mark(0x5)) { ($0.mark, $0.markMask) = (0, 0xff) })
        #expect(try isFor("9.9.9.9", mark(0x500)) { ($0.mark, $0.markMask) = (0, 0xff) })
    }

    @Test("R1-08: tunnels, users, IP protocols and ports")
    func others() throws {
        #expect(try isFor("9.9.9.9", { $0.tunnel = 7 }) { $0.tunnel = 7 } && !isFor("9.9.9.9") { $0.tunnel = 7 })
        let user = { (id: UInt32?) in { (query: inout LookupQuery) in query.user = id } }
        #expect(try isFor("9.9.9.9", user(1_000)) { $0.users = 1_000...2_000 })
        #expect(try !isFor("9.9.9.9", user(999)) { $0.users = 1_000...2_000 })
        // Of a packet that comes in, no one is the sender.
        #expect(try !isFor("9.9.9.9", user(nil)) { $0.users = 0...2_000 } && isFor("9.9.9.9") { $0.users = 0...5 })
        let tcp = { (query: inout LookupQuery) in
            (query.ipProtocol, query.sourcePort, query.destinationPort) = (6, 40_000, 80)
        }
        #expect(try isFor("9.9.9.9", tcp) { $0.ipProtocol = IPProtocol(name: "tcp") })
        #expect(try !isFor("9.9.9.9", tcp) { $0.ipProtocol = IPProtocol(name: "udp") })
        #expect(try isFor("9.9.9.9", tcp) { $0.destinationPorts = 80...80 })
        #expect(try !isFor("9.9.9.9", tcp) { $0.destinationPorts = 81...90 })
        #expect(try isFor("9.9.9.9", tcp) { $0.sourcePorts = 1_024...65_000 })
        #expect(try !isFor("9.9.9.9") { $0.sourcePorts = 1_024...65_000 })
    }

    @Test("R1-08: all that is given must agree, and `not` is for all that doesn't")
    func all() throws {
        let query = { (query: inout LookupQuery) in query.mark = 1 }
        func both(_ fields: inout RuleFields) throws {
            fields.mark = 1
            fields.destination = try Prefix("10.0.0.0/8")
        }
        #expect(
            try isFor("10.0.0.1", query, both) && !isFor("10.0.0.1", { _ in }, both) && !isFor("9.0.0.1", query, both))
        let neither = { (fields: inout RuleFields) in
            try both(&fields)
            fields.isInverted = true
        }
        #expect(
            try !isFor("10.0.0.1", query, neither) && isFor("10.0.0.1", { _ in }, neither)
                && isFor("9.0.0.1", query, neither))
        // Of no packet.
        #expect(try !isFor("10.0.0.1") { $0.isInverted = true })
    }

    @Test("R1-09: table, nop, unreachable, prohibit, blackhole")
    func actions() throws {
        try lab.addRoute("0.0.0.0/0", "eth0", table: 254)
        try lab.add(5) { $0.action = .nop }
        #expect(try lab.get("9.9.9.9") == "eth0")
        for (priority, action) in [(UInt32(40), PolicyRule.Action.unreachable), (30, .prohibit), (20, .blackhole)] {
            try lab.add(priority) { $0.action = action }
            #expect(try lab.get("9.9.9.9") == "rule \(action)")
        }
    }

    @Test("R1-10: a goto leads on; one whose target isn't there is passed, until it is there, and again when it goes")
    func gotos() throws {
        try lab.addRoute("0.0.0.0/0", "eth0", table: 254)
        try lab.addRoute("0.0.0.0/0", "eth1", table: 1)
        try lab.addRoute("0.0.0.0/0", "eth2", table: 2)
        let jump = try lab.add(10) { $0.target = 30 }.rule
        try lab.add(20, table: 1)
        func isUnresolved() -> Bool? { lab.plane.status(of: jump, in: "default")?.isUnresolved }
        #expect(try lab.get("9.9.9.9") == "eth1" && isUnresolved() == true)
        try lab.add(30, table: 2)
        #expect(try lab.get("9.9.9.9") == "eth2" && isUnresolved() == false)
        // Another one of its priority takes over when the target goes.
        try lab.add(30) { $0.action = .prohibit }
        try lab.remove { ($0.priority, $0.table) = (30, TableID(rawValue: 2)) }
        #expect(try lab.get("9.9.9.9") == "rule prohibit" && isUnresolved() == false)
        try lab.remove { $0.priority = 30 }
        #expect(try lab.get("9.9.9.9") == "eth1" && isUnresolved() == true)
        // The target is asked whether the packet is its own.
        try lab.add(30) { ($0.table, $0.mark) = (TableID(rawValue: 2), 9) }
        #expect(try lab.get("9.9.9.9") == "eth0")
        #expect(try lab.get("9.9.9.9") { $0.mark = 9 } == "eth2")
    }

    @Test("R1-14: routes that are short, or over a link of the group, don't count; what refuses does")
    func suppression() throws {
        try lab.addRoute("0.0.0.0/0", "eth0", table: 254)
        try lab.addRoute("10.0.0.0/8", "eth1", table: 254)
        try lab.addRoute("0.0.0.0/0", "eth2", table: 7)
        // As every VPN does it: the main table but for its default route.
        try lab.add(10) { ($0.table, $0.suppressedLength) = (.main, 0) }
        try lab.add(20, table: 7)
        #expect(try lab.get("10.0.0.1") == "eth1" && lab.get("9.9.9.9") == "eth2")
        try lab.remove { $0.priority = 10 }
        try lab.add(10) { ($0.table, $0.suppressedLength) = (.main, 8) }
        #expect(try lab.get("10.0.0.1") == "eth2")
        try lab.addRoute("11.0.0.0/8", "", table: 254, type: .prohibit)
        #expect(try lab.get("11.0.0.1") == "prohibit")
        try lab.remove { $0.priority = 10 }
        try lab.add(10) { ($0.table, $0.suppressedGroup) = (.main, 4) }
        #expect(try lab.get("10.0.0.1") == "eth1")
        var edit = LinkEdit(name: "eth1")
        edit.group = 4
        _ = try lab.plane.change(ObjectOperation("default", .putLink(edit)))
        #expect(try lab.get("10.0.0.1") == "eth2" && lab.get("9.9.9.9") == "eth0")
    }

    @Test("R1-15, R1-45: a table that isn't there is passed; the first that has a result, or refuses, wins")
    func tables() throws {
        try lab.add(10, table: 999)
        try lab.addRoute("10.0.0.0/8", "eth0", table: 254)
        #expect(try lab.get("10.0.0.1") == "eth0")
        try lab.addRoute("10.0.0.0/8", "", table: 999, type: .throw)
        #expect(try lab.get("10.0.0.1") == "eth0")
        try lab.addRoute("10.0.0.0/16", "", table: 999, type: .unreachable)
        #expect(try lab.get("10.0.0.1") == "unreachable" && lab.get("10.1.0.1") == "eth0")
    }

    @Test("R1-16, B-01: local and main are never one: the order of the rules decides, not the longer prefix")
    func localFirst() throws {
        try lab.addRoute("127.0.0.0/8", "lo", table: 255)
        try lab.addRoute("127.5.0.0/16", "eth0", table: 254)
        #expect(try lab.get("127.5.0.1") == "lo")
        try lab.remove { $0.priority = 0 }
        #expect(try lab.get("127.5.0.1") == "eth0")
        try lab.add(40_000) { $0.table = .local }
        #expect(try lab.get("127.5.0.1") == "eth0" && lab.get("127.6.0.1") == "lo")
    }

    @Test("10,000 rules, each a goto to the next: a lookup passes all of them and ends")
    func chainOfGotos() throws {
        try lab.addRoute("0.0.0.0/0", "eth0", table: 254)
        let rules = (UInt32(1)...10_000).map { priority in
            TransactionOperation.object(
                ObjectOperation(
                    "default",
                    .writeRule(.add, RuleLab.fields { ($0.priority, $0.target) = (priority, priority + 1) })))
        }
        _ = try lab.plane.transact(rules)
        #expect(try lab.get("9.9.9.9") == "eth0")
        try lab.add(10_001) { $0.action = .prohibit }
        #expect(try lab.get("9.9.9.9") == "rule prohibit")
        // From one in the middle, too.
        try lab.remove { $0.priority = 5_000 }
        #expect(try lab.get("9.9.9.9") == "rule prohibit")
    }

    @Test("An explained lookup says of every rule why it was not for the packet, or what came of it")
    func explained() throws {
        try lab.addRoute("10.0.0.0/8", "eth0", table: 254)
        try lab.add(5) { $0.action = .nop }
        try lab.add(10) { ($0.mark, $0.action) = (1, .prohibit) }
        try lab.add(20) { $0.target = 21 }
        try lab.add(30) { $0.target = 50 }
        try lab.add(40, table: 7)
        try lab.add(50) { ($0.table, $0.suppressedLength) = (.main, 8) }
        var query = LookupQuery(destination: try IPAddress("10.0.0.1"))
        var trace: LookupTrace? = LookupTrace()
        _ = try lab.plane.forwarding("default").lookup(query, &trace)
        func steps() -> [String] {
            (trace?.steps ?? []).map { "\($0.rule.priority) \($0.course)" }
        }
        #expect(
            steps() == [
                "0 lacksTable", "5 passes", "10 isForOthers(Routing.PolicyRule.Selector.mark)", "20 isUnresolved",
                "30 goes(to: 50)", "50 suppresses", "32766 asks",
            ])
        query.mark = 1
        trace = LookupTrace()
        _ = try lab.plane.forwarding("default").lookup(query, &trace)
        #expect(steps() == ["0 lacksTable", "5 passes", "10 refuses"])
    }
}
