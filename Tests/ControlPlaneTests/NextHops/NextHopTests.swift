import Addressing
import ChangeLog
import Routing
import TestSupport
import Testing

@testable import ControlPlane

/// Nexthop objects, groups of them, and routes that lead where they lead.
@Suite struct NextHopTests {
    /// `id:eth0` or `id:address%eth0`, groups as `id:[members]`.
    private static func list(_ lab: LinkLab) -> [String] {
        lab.plane.snapshot().namespaces.flatMap { $0.objects.all(.nexthop) }.compactMap(\.nextHop).map { object in
            switch object.target {
            case .blackhole: "\(object.id):blackhole"
            case .group(let members):
                "\(object.id):[\(members.map { $0.weight == 1 ? "\($0.id)" : "\($0.id)x\($0.weight)" }.joined(separator: " "))]"
            case .leg(let hop):
                "\(object.id):\([hop.gateway.map { "\($0)" }, hop.device].compactMap(\.self).joined(separator: "%"))"
            }
        }
    }

    private static func way(_ lab: LinkLab, _ destination: String) throws -> String {
        var trace: LookupTrace?
        switch try lab.plane.forwarding("default").lookup(LookupQuery(destination: try IPAddress(destination)), &trace)
        {
        case .nothing: return "nothing"
        case .refusedByRule: return "a rule"
        case .refused(let found): return found.type.name
        case .route(let found):
            return [found.hop?.gateway.map { "\($0)" }, found.hop?.device].compactMap(\.self).joined(separator: "%")
        }
    }

    @Test("A route leads where its nexthop object leads, also after that has been replaced, which no route tells")
    func replacement() throws {
        var lab = LinkLab()
        try lab.nextHop(1, "192.0.2.1%eth0")
        try lab.add("10.0.0.0/8", nhid: 1)
        #expect(try Self.way(lab, "10.0.0.1") == "192.0.2.1%eth0")
        _ = lab.news()
        try lab.nextHop(1, "192.0.2.9%eth1")
        #expect(lab.news() == ["nexthop replace 1"])
        #expect(try Self.way(lab, "10.0.0.1") == "192.0.2.9%eth1")
        try lab.nextHop(1, "192.0.2.9%eth1")
        #expect(lab.news() == [])
    }

    @Test("Flows are shared out among the members of a group by their weights (R1-51)")
    func weights() throws {
        let lab = LinkLab()
        try lab.nextHop(1, "192.0.2.1%eth0")
        try lab.nextHop(2, "192.0.2.2%eth1")
        try lab.nextHop(10) { $0.members = [.init(id: 1, weight: 3), .init(id: 2)] }
        try lab.add("10.0.0.0/8", nhid: 10)
        let view = try lab.plane.forwarding("default")
        var counts: [String: Int] = [:]
        for number in UInt32(0)..<4_000 {
            var trace: LookupTrace?
            guard case .route(let found) = view.lookup(.init(destination: IPAddress(inet: 10 << 24 | number)), &trace)
            else { continue }
            counts[found.hop?.device ?? "", default: 0] += 1
        }
        #expect((2_850...3_150).contains(counts["eth0"] ?? 0) && counts["eth1"] == 4_000 - (counts["eth0"] ?? 0))
    }

    @Test("What leads to a blackhole refuses with EINVAL, also through a group of it alone")
    func blackhole() throws {
        let lab = LinkLab()
        try lab.nextHop(4) { $0.isBlackhole = true }
        try lab.group(21, 4)
        try lab.add("10.0.0.0/8", nhid: 4)
        try lab.add("10.1.0.0/16", nhid: 21)
        for destination in ["10.0.0.1", "10.1.0.1"] { #expect(try Self.way(lab, destination) == "blackhole") }
        try lab.nextHop(4, "eth0")
        #expect(try Self.way(lab, "10.1.0.1") == "eth0")
    }

    @Test("With a nexthop go its places in groups, groups that are empty without it, and the routes that use what went")
    func removal() throws {
        var lab = LinkLab()
        try lab.nextHop(1, "192.0.2.1%eth0")
        try lab.nextHop(2, "192.0.2.2%eth1")
        try lab.group(10, 1, 2)
        try lab.group(11, 1)
        try lab.add("10.0.0.0/8", nhid: 10)
        try lab.add("10.1.0.0/16", nhid: 11)
        try lab.add("10.2.0.0/16", nhid: 1)
        try lab.add("10.3.0.0/16", "192.0.2.1%eth0")
        _ = lab.news()
        try lab.removeNextHop(1)
        #expect(
            lab.news() == [
                "nexthop delete 1", "nexthop replace 10 (nexthop-removed #0)", "nexthop delete 11 (nexthop-removed #0)",
                "delete 10.1.0.0/16 nhid 11 (nexthop-removed #0)", "delete 10.2.0.0/16 nhid 1 (nexthop-removed #0)",
            ])
        #expect(Self.list(lab) == ["2:192.0.2.2%eth1", "10:[2]"])
        #expect(lab.routes == ["10.0.0.0/8", "10.3.0.0/16"])
        lab.plane.snapshot()._checkInvariants()
    }

    enum LinkEnd: String, CaseIterable { case down, carrier, removed }

    @Test(
        "Nexthops over a link that goes down, loses its carrier or is removed go with it", arguments: LinkEnd.allCases)
    func links(_ end: LinkEnd) throws {
        var lab = LinkLab()
        try lab.put("eth0", isUp: true)
        try lab.nextHop(1, "192.0.2.1%eth0")
        try lab.nextHop(2, "eth1")
        try lab.group(10, 1, 2)
        try lab.add("10.0.0.0/8", nhid: 10)
        try lab.add("10.1.0.0/16", nhid: 1)
        _ = lab.news()
        let reason: String
        switch end {
        case .down:
            reason = "link-down"
            try lab.put("eth0", isUp: false)
        case .carrier:
            reason = "carrier-lost"
            try lab.setCarrier("eth0", false)
        case .removed:
            reason = "link-removed"
            try lab.remove("eth0")
        }
        let news = lab.news()
        #expect(
            Array(news.dropFirst()) == [
                "nexthop delete 1 (\(reason) #0)", "nexthop replace 10 (\(reason) #0)",
                "delete 10.1.0.0/16 nhid 1 (nexthop-removed #1)",
            ])
        #expect(Self.list(lab) == ["2:eth1", "10:[2]"] && lab.routes == ["10.0.0.0/8"])
    }

    @Test("A transaction may remove many nexthops: their users go in one walk, and what came later stays")
    func manyAtOnce() throws {
        let lab = LinkLab()
        for id in UInt32(1)...4 {
            try lab.nextHop(id, "eth\(id)")
            try lab.add("10.\(id).0.0/16", nhid: id)
        }
        let table = try lab.plane.table("default", .inet, .main)
        var fields = RouteInfo.Fields()
        fields.nextHopID = 4
        let late = try Route.validated(prefix: try Prefix("10.9.0.0/16"), tos: 0, metric: nil, fields: fields)
        let removals = [UInt32(1), 2].map {
            TransactionOperation.object(ObjectOperation("default", .removeNextHop($0)))
        }
        let done = try lab.plane.transact(
            [removals[0], .route(.write(.add, RouteWrite(table, late, EntryWriter()))), removals[1]])
        #expect(done.sequence == lab.plane.log.head)
        #expect(lab.routes == ["10.3.0.0/16", "10.4.0.0/16", "10.9.0.0/16"])
    }

    @Test("An id whose routes are still to go isn't given to another nexthop (EBUSY)")
    func reuse() throws {
        let lab = LinkLab()
        try lab.nextHop(1, "eth1")
        try lab.add("10.0.0.0/8", nhid: 1)
        var fields = NextHopFields()
        (fields.id, fields.device) = (1, "eth2")
        let operations = [ObjectOperation.Action.removeNextHop(1), .writeNextHop(.add, fields)]
            .map { TransactionOperation.object(ObjectOperation("default", $0)) }
        let error = #expect(throws: TransactionError.self) { try lab.plane.transact(operations) }
        #expect(error?.error.errno == .ebusy && error?.index == 1)
        #expect(Self.list(lab) == ["1:eth1"] && lab.routes == ["10.0.0.0/8"])
    }

    @Test("Ids that no one says are found as the kernel finds them: upwards, and not again soon")
    func ids() throws {
        let lab = LinkLab()
        try lab.nextHop(2, "eth0")
        #expect(try lab.nextHop(nil, verb: .add) { $0.device = "eth1" }.id == 1)
        #expect(try lab.nextHop(0, verb: .add) { $0.device = "eth1" }.id == 3)
        try lab.removeNextHop(3)
        #expect(try lab.nextHop(nil, verb: .add) { $0.device = "eth1" }.id == 4)
    }

    /// What is refused, with its errno; nothing changes.
    @Test(
        "What the kernel refuses is refused (net/ipv4/nexthop.c)",
        arguments: [
            ("no dev", "EINVAL nexthop-missing"), ("group of unknown", "EINVAL nexthop-object-unknown"),
            ("group of a group", "EINVAL nexthop-invalid"), ("a member twice", "EINVAL nexthop-invalid"),
            ("blackhole among others", "EINVAL nexthop-invalid"), ("group and dev", "EINVAL nexthop-invalid"),
            ("blackhole and dev", "EINVAL nexthop-invalid"), ("weight 257", "EINVAL weight-invalid"),
            ("empty group", "EINVAL nexthop-invalid"), ("other family", "EINVAL family-mismatch"),
            ("onlink alone", "EINVAL gateway-invalid"), ("multicast gateway", "EINVAL gateway-invalid"),
            ("there already", "EEXIST nexthop-exists"), ("change of nothing", "ENOENT nexthop-not-found"),
            ("replace without id", "EINVAL nexthop-invalid"), ("append", "EOPNOTSUPP unsupported"),
            ("single for group", "EINVAL nexthop-invalid"), ("group for single", "EINVAL nexthop-invalid"),
            ("blackhole into a group", "EINVAL nexthop-invalid"),
            ("IPv4 under an IPv6 route", "EINVAL family-mismatch"),
            ("IPv4 into its group", "EINVAL family-mismatch"), ("gateway under scope host", "EINVAL scope-invalid"),
            ("onlink under scope link", "EINVAL scope-invalid"), ("in itself", "EINVAL nexthop-object-unknown"),
        ])
    func refusals(_ name: String, _ expected: String) throws {
        let lab = LinkLab()
        try lab.nextHop(1, "192.0.2.1%eth0")
        try lab.nextHop(2, "eth1")
        try lab.nextHop(3, "eth3")
        try lab.nextHop(4) { $0.isBlackhole = true }
        try lab.nextHop(5, "2001:db8::1%eth0")
        try lab.nextHop(6, "2001:db8::2%eth0")
        try lab.group(10, 1, 2)
        try lab.group(12, 6)
        try lab.add("2001:db8:1::/48", nhid: 5)
        try lab.add("2001:db8:2::/48", nhid: 12)
        try lab.add("10.0.0.1/32", nhid: 3, scope: .host)
        try lab.add("10.1.0.0/16", nhid: 2, scope: .link)
        let head = lab.plane.log.head
        let error = #expect(throws: FIBError.self) { try Self.attempt(name, lab) }
        #expect(error.map { "\($0.errno.rawValue) \($0.reason.rawValue)" } == expected, "\(error?.message ?? "")")
        #expect(lab.plane.log.head == head)
    }

    private static func attempt(_ name: String, _ lab: LinkLab) throws {
        typealias Member = NextHopObject.Member
        func members(_ ids: UInt32...) -> [Member] { ids.map { Member(id: $0) } }
        let gateway = try IPAddress("192.0.2.7")
        switch name {
        case "no dev": try lab.nextHop(30) { $0.gateway = gateway }
        case "group of unknown": try lab.group(30, 1, 99)
        case "group of a group": try lab.group(30, 10)
        case "a member twice": try lab.group(30, 1, 1)
        case "in itself": try lab.group(30, 30)
        case "blackhole among others": try lab.group(30, 1, 4)
        case "group and dev": try lab.nextHop(30) { ($0.members, $0.device) = (members(1), "eth0") }
        case "blackhole and dev": try lab.nextHop(30) { ($0.isBlackhole, $0.device) = (true, "eth0") }
        case "weight 257": try lab.nextHop(30) { $0.members = [Member(id: 1, weight: 257)] }
        case "empty group": try lab.nextHop(30) { $0.members = [] }
        case "other family":
            try lab.nextHop(30) { ($0.family, $0.gateway, $0.device) = (.inet6, gateway, "eth0") }
        case "onlink alone": try lab.nextHop(30) { ($0.flags, $0.device) = (.onlink, "eth0") }
        case "multicast gateway": try lab.nextHop(30, "224.0.0.1%eth0")
        case "there already": try lab.nextHop(1, verb: .add) { $0.device = "eth0" }
        case "change of nothing": try lab.nextHop(30, verb: .change) { $0.device = "eth0" }
        case "replace without id": try lab.nextHop(nil) { $0.device = "eth0" }
        case "append": try lab.nextHop(30, verb: .append) { $0.device = "eth0" }
        case "single for group": try lab.nextHop(10, "eth0")
        case "group for single": try lab.group(1, 2)
        case "blackhole into a group": try lab.nextHop(1) { $0.isBlackhole = true }
        case "IPv4 under an IPv6 route": try lab.nextHop(5, "192.0.2.7%eth0")
        case "IPv4 into its group": try lab.nextHop(6, "192.0.2.7%eth0")
        case "gateway under scope host": try lab.nextHop(3, "192.0.2.7%eth0")
        case "onlink under scope link":
            try lab.nextHop(2) { ($0.gateway, $0.device, $0.flags) = (gateway, "eth0", .onlink) }
        default: Issue.record("no such attempt: \(name)")
        }
    }

    @Test("Where nexthops are checked, a nexthop needs a link that is up with a carrier, and a way to its gateway")
    func strict() throws {
        let lab = LinkLab()
        _ = try lab.plane.putNamespace("default") { settings in
            var settings = settings ?? NamespaceSettings()
            settings.nextHopCheck = .strict
            return settings
        }
        try lab.put("eth0", ["192.0.2.1/24"], isUp: true)
        try lab.put("eth1", ["198.51.100.1/24"], isUp: false)
        try lab.put("eth2", isUp: true)
        try lab.setCarrier("eth2", false)
        func refusal(_ hop: String) -> String? {
            do {
                try lab.nextHop(30, hop)
                return nil
            } catch let error as FIBError {
                return error.errno.rawValue
            } catch { return "\(error)" }
        }
        #expect(refusal("eth9") == "EINVAL" && refusal("eth1") == "ENETDOWN" && refusal("eth2") == "ENETDOWN")
        #expect(refusal("203.0.113.1%eth0") == "ENETUNREACH" && refusal("198.51.100.2%eth0") == "ENETUNREACH")
        #expect(refusal("192.0.2.2%eth0") == nil && refusal("fe80::1%eth0") == nil && refusal("eth0") == nil)
    }

    // MARK: Routes

    @Test("R1-82, R1-84, R1-100: a route names a nexthop that is there, of a family that it can use")
    func routes() throws {
        let lab = LinkLab()
        try lab.nextHop(1, "192.0.2.1%eth0")
        try lab.nextHop(5, "2001:db8::1%eth0")
        try lab.group(10, 1, 5)
        func refusal(_ text: String, _ nhid: UInt32, _ scope: RouteScope = .global) -> String? {
            do {
                try lab.add(text, nhid: nhid, scope: scope)
                return nil
            } catch { return (error as? FIBError).map { "\($0.errno.rawValue) \($0.reason.rawValue)" } }
        }
        #expect(refusal("10.0.0.0/8", 99) == "EINVAL nexthop-object-unknown")
        #expect(refusal("2001:db8::/32", 1) == "EINVAL family-mismatch")
        #expect(refusal("2001:db8::/32", 10) == "EINVAL family-mismatch")
        #expect(refusal("10.0.0.1/32", 1, .host) == "EINVAL scope-invalid")
        #expect(refusal("10.0.0.1/32", 10, .host) == "EINVAL scope-invalid")
        #expect(refusal("10.0.0.0/8", 10) == nil && refusal("10.1.0.0/16", 5) == nil)
        #expect(refusal("2001:db8::/32", 5) == nil)
        var selector = RouteSelector(prefix: try Prefix("10.0.0.0/8"))
        selector.nextHopID = 99
        let error = #expect(throws: FIBError.self) { try lab.plane.delete("default", .main, selector) }
        #expect(error?.errno == .einval)
    }

    @Test("R1-101, R1-85: routes are deleted by nhid; by where it leads IPv4 finds none, and IPv6 doesn't compare")
    func deletion() throws {
        let lab = LinkLab()
        try lab.nextHop(1, "192.0.2.1%eth0")
        try lab.nextHop(5, "2001:db8::1%eth0")
        try lab.add("10.0.0.0/8", nhid: 1)
        try lab.add("2001:db8::/32", nhid: 5)
        func delete(_ text: String, _ fill: (inout RouteSelector) throws -> Void) throws -> Bool {
            var selector = RouteSelector(prefix: try Prefix(text))
            try fill(&selector)
            do throws(FIBError) {
                _ = try lab.plane.delete("default", .main, selector)
                return true
            } catch {
                #expect(error.errno == .esrch)
                return false
            }
        }
        #expect(try !delete("10.0.0.0/8") { $0.nextHops = [try leg("192.0.2.1%eth0")] })
        #expect(try !delete("10.0.0.0/8") { $0.nextHopID = 5 })
        #expect(try delete("10.0.0.0/8") { $0.nextHopID = 1 })
        #expect(try delete("2001:db8::/32") { $0.nextHops = [NextHop(device: "eth7")] })
    }

    @Test("R1-24: an IPv6 route with a nexthop object is no sibling, and stands beside others of its key")
    func siblings() throws {
        let lab = LinkLab()
        try lab.nextHop(5, "2001:db8::1%eth0")
        try lab.nextHop(6, "2001:db8::1%eth0")
        try lab.add("2001:db8:1::/48", nhid: 5)
        #expect(throws: FIBError.self) { try lab.add("2001:db8:1::/48", nhid: 5, verb: .append) }
        try lab.add("2001:db8:1::/48", nhid: 6, verb: .append)
        try lab.add("2001:db8:1::/48", "2001:db8::1%eth0", verb: .append)
        try lab.add("2001:db8:1::/48", "2001:db8::2%eth0", verb: .append)
        #expect(lab.routes.count == 3)
        lab.plane.snapshot()._checkInvariants()
    }

    @Test(
        "Removing a nexthop that many routes use goes in runs, and a crash in the middle leaves none of them for good")
    func crash() throws {
        let store = MemoryStore()
        let plane = try ControlPlane(limits: ControlPlane.Limits(logBytes: 64 << 20), store: store)
        let lab = LinkLab(plane)
        try lab.nextHop(1, "eth0")
        try lab.nextHop(2, "eth0")
        try lab.group(10, 1)
        for number in 0..<3_000 {
            try lab.add("10.\(number / 256).\(number % 256).0/24", nhid: number % 3 == 0 ? 2 : number % 3 == 1 ? 1 : 10)
        }
        let head = plane.log.head
        #expect(eventually { plane.log.durable >= head })
        store.hold()
        try lab.removeNextHop(1)
        // Not a single change of the removal is kept; then the removal with some of its runs.
        var survivors = [store.reopened()]
        for _ in 0..<2 {
            let before = store.commits
            store.releaseOne()
            #expect(eventually { store.commits > before || plane.log.durable == plane.log.head })
            survivors.append(store.reopened())
        }
        store.release()
        plane.close()
        survivors.append(store.reopened())
        for (index, survivor) in survivors.enumerated() {
            let second = try ControlPlane(limits: ControlPlane.Limits(logBytes: 64 << 20), store: survivor)
            let isThere = second.snapshot().namespaces[0].objects[.nextHop(1)] != nil
            #expect(isThere == (index == 0))
            var selection = RouteSelection()
            selection.nextHopIDs = [1, 10]
            #expect(second.snapshot().summary(of: selection).count == (isThere ? 2_000 : 0))
            #expect(second.snapshot().unfinished.isEmpty)
            second.snapshot()._checkInvariants()
            second.close()
        }
    }
}
