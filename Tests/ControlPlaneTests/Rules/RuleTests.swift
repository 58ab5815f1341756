import Addressing
import ChangeLog
import Routing
import Testing

@testable import ControlPlane

/// Which rules there are, and in which order: section 1.1 by its numbers, and the vectors of appendix E.
@Suite struct RuleTests {
    private let lab = RuleLab()

    @Test("R1-05: a namespace begins with three IPv4 rules and two IPv6 rules of the kernel")
    func defaults() throws {
        #expect(lab.rules() == ["0 local", "32766 main", "32767 default"])
        #expect(lab.rules(.inet6) == ["0 local", "32766 main"])
        let all = lab.plane.snapshot().namespaces.flatMap { $0.objects.all(.rule) }
        #expect(all.allSatisfy { $0.rule?.rule.protocol == .kernel } && Set(all.map(\.hash)).count == 5)
        // In one transaction with it.
        _ = try lab.plane.putNamespace("blue") { _ in NamespaceSettings() }
        let changes = try #require(lab.plane.log.read(after: ChangeSequence(rawValue: 6)))
        #expect(changes.count == 6 && Set(changes.map { $0.batch?.transaction.rawValue }) == [7])
    }

    @Test("R1-01: namespaces and families have rules of their own")
    func apart() throws {
        _ = try lab.plane.putNamespace("blue") { _ in NamespaceSettings() }
        try lab.add(100, table: 50)
        try lab.add(100, .inet6) { $0.table = TableID(rawValue: 60) }
        #expect(lab.rules(.inet6).contains("100 60") && !lab.rules(.inet6).contains("100 50"))
        let blue = try lab.plane.rules(RuleSelector(RuleFields()), in: "blue").0
        #expect(blue.count == 5)
    }

    @Test("R1-06: rules stand by their priorities, and a new one behind the others of its priority")
    func order() throws {
        for table in [UInt32(3), 1, 2] { try lab.add(100, table: table) }
        try lab.add(99, table: 4)
        try lab.add(101, table: 5)
        #expect(lab.rules() == ["0 local", "99 4", "100 3", "100 1", "100 2", "101 5", "32766 main", "32767 default"])
        // What leaves makes room at no end but the last.
        try lab.remove { fields in
            fields.priority = 100
            fields.table = TableID(rawValue: 3)
        }
        try lab.add(100, table: 3)
        #expect(lab.rules()[2...4] == ["100 1", "100 2", "100 3"])
    }

    @Test("R1-07: without a priority, one less than that of the second rule; 0 if there is none, or it is 0")
    func automaticPriority() throws {
        #expect(try lab.add(nil, table: 60).rule.priority == 32_765)
        #expect(try lab.add(nil, table: 61).rule.priority == 32_764)
        try lab.add(100, table: 50)
        #expect(try lab.add(nil, table: 62).rule.priority == 99)
        try lab.add(0, table: 70)
        #expect(try lab.add(nil, table: 71).rule.priority == 0)
        for _ in 0..<2 { try lab.remove(.inet6) { _ in } }
        #expect(lab.rules(.inet6) == [])
        #expect(try lab.add(nil, .inet6) { $0.table = .main }.rule.priority == 0)
        #expect(try lab.add(nil, .inet6) { $0.table = .local }.rule.priority == 0)
    }

    @Test("R1-07: a tos with ECN bits is refused, and in IPv4 one beyond the bits that are compared")
    func tos() {
        for (tos, family) in [(UInt8(1), AddressFamily.inet), (3, .inet6), (0x20, .inet), (0xE0, .inet)] {
            #expect(lab.refusal { try lab.add(10, family) { $0.tos = tos } } == "EINVAL tos-invalid R1-07", "\(tos)")
        }
        #expect(lab.refusal { try lab.add(10, .inet6) { $0.tos = 0xE0 } } == nil)
        let both = lab.refusal {
            try lab.add(10) { fields in
                fields.tos = 8
                fields.dscp = 2
            }
        }
        #expect(both == "EINVAL tos-invalid ")
    }

    @Test("R1-11: a goto leads forward, to somewhere, and is the only action")
    func gotoForward() {
        #expect(lab.refusal { try lab.add(200) { $0.target = 100 } } == "EINVAL rule-invalid R1-11")
        #expect(lab.refusal { try lab.add(200) { $0.target = 200 } } == "EINVAL rule-invalid R1-11")
        let two = lab.refusal {
            try lab.add(200) { fields in
                fields.target = 300
                fields.table = .main
            }
        }
        #expect(two == "EINVAL rule-invalid R1-11")
        // Without a priority too: it gets 32765.
        #expect(lab.refusal { try lab.add(nil) { $0.target = 32_765 } } == "EINVAL rule-invalid R1-11")
        #expect(lab.refusal { try lab.add(nil) { $0.target = 32_766 } } == nil)
    }

    @Test("R1-12: the same rule once more is refused, and any other of the priority isn't")
    func exists() throws {
        try lab.add(100, table: 50)
        let before = lab.plane.log.head
        #expect(lab.refusal { try lab.add(100, table: 50) } == "EEXIST rule-exists R1-12")
        #expect(lab.plane.log.head == before)
        // Each field counts.
        let fills: [(inout RuleFields) throws -> Void] = [
            { $0.protocol = .static }, { $0.source = try Prefix("10.0.0.0/8") },
            { $0.destination = try Prefix("10.0.0.0/8") }, { $0.tos = 8 }, { $0.dscp = 8 }, { $0.input = "eth0" },
            { $0.output = "eth0" }, { $0.mark = 1 }, { $0.markMask = 1 }, { $0.tunnel = 1 }, { $0.users = 0...5 },
            { $0.ipProtocol = IPProtocol(rawValue: 6) }, { $0.sourcePorts = 1...2 }, { $0.destinationPorts = 1...2 },
            { $0.isInverted = true }, { $0.suppressedLength = 0 }, { $0.suppressedGroup = 0 },
        ]
        for fill in fills {
            for expected in [nil, "EEXIST rule-exists R1-12"] {
                let refusal = lab.refusal {
                    try lab.add(100) { fields in
                        fields.table = TableID(rawValue: 50)
                        try fill(&fields)
                    }
                }
                #expect(refusal == expected)
            }
        }
        // What is as good as nothing said is the same.
        #expect(
            lab.refusal { try lab.add(100) { ($0.table, $0.users) = (TableID(rawValue: 50), 0...UInt32.max) } } != nil)
        #expect(lab.refusal { try lab.add(100) { ($0.table, $0.mark) = (TableID(rawValue: 50), 0) } } != nil)
    }

    @Test("R1-13: the first rule goes that agrees in what is said; those of the beginning may go too")
    func removal() throws {
        #expect(lab.refusal { try lab.remove { $0.priority = 555 } } == "ENOENT rule-not-found R1-13")
        try lab.remove { $0.priority = 0 }
        try lab.add(10) { ($0.table, $0.mark) = (TableID(rawValue: 5), 7) }
        try lab.add(11) { ($0.table, $0.input) = (TableID(rawValue: 5), "eth0") }
        try lab.add(12) { $0.action = .prohibit }
        #expect(try lab.remove { $0.table = TableID(rawValue: 5) }.rule.priority == 10)
        #expect(lab.refusal { try lab.remove { $0.mark = 7 } } != nil)
        #expect(try lab.remove { $0.input = "eth0" }.rule.priority == 11)
        #expect(try lab.remove { $0.action = .prohibit }.rule.priority == 12)
        #expect(lab.rules() == ["32766 main", "32767 default"])
    }

    @Test("Replacing means the first of the priority, in its place; what is so already changes nothing")
    func replace() throws {
        let first = try lab.add(100, table: 1)
        try lab.add(100, table: 2)
        let head = lab.plane.log.head
        try lab.add(100, verb: .replace) { $0.table = TableID(rawValue: 3) }
        #expect(lab.rules()[1...2] == ["100 3", "100 2"])
        let change = try #require(lab.plane.log.read(after: head)?.last)
        guard case .object(let object) = change.object else { return #expect(Bool(false), "no object") }
        #expect(change.operation == .replace && object.old?.rule == first)
        try lab.add(100, verb: .replace) { $0.table = TableID(rawValue: 3) }
        #expect(lab.plane.log.head == change.sequence)
        // Two that say the same are never there.
        let second = lab.refusal { try lab.add(100, verb: .replace) { $0.table = TableID(rawValue: 2) } }
        #expect(second == "EEXIST rule-exists R1-12")
        #expect(lab.refusal { try lab.add(77, verb: .change) { $0.table = .main } } == "ENOENT rule-not-found ")
        #expect(lab.refusal { try lab.add(nil, verb: .replace) { $0.table = .main } } == "EINVAL rule-invalid ")
        #expect(lab.refusal { try lab.add(77, verb: .prepend) } == "EOPNOTSUPP unsupported ")
        try lab.add(77, verb: .replace) { $0.action = .nop }
        #expect(lab.rules()[1] == "77 nop")
    }

    @Test("Followers are told where a rule comes in a list: add, append, replace, delete")
    func operations() throws {
        let start = lab.plane.log.head
        try lab.add(100, table: 1)
        try lab.add(100, table: 2)
        try lab.add(100, verb: .replace) { $0.table = TableID(rawValue: 3) }
        try lab.remove { $0.priority = 100 }
        try lab.remove { $0.priority = 100 }
        let changes = try #require(lab.plane.log.read(after: start))
        #expect(changes.map(\.operation) == [.add, .append, .replace, .delete, .delete])
    }

    @Test("A flush takes all that agree at once, and leaves what the kernel begins with unless that is asked for")
    func flush() throws {
        for priority in UInt32(1)...20 { try lab.add(priority, table: priority % 2 + 1) }
        var selector = RuleSelector(RuleFields())
        selector.fields.table = TableID(rawValue: 1)
        let refusal = lab.refusal { _ = try lab.plane.flushRules(selector, in: nil, expected: 11) }
        #expect(refusal == "ESTALE count-mismatch " && lab.rules().count == 23)
        #expect(try lab.plane.flushRules(selector, in: nil, expected: 10, dryRun: true).count == 10)
        #expect(lab.rules().count == 23)
        let head = lab.plane.log.head
        #expect(try lab.plane.flushRules(selector, in: ["nowhere"]).count == 0)
        #expect(try lab.plane.flushRules(selector, in: ["default"]).count == 10)
        let changes = try #require(lab.plane.log.read(after: head))
        #expect(Set(changes.map { $0.batch?.transaction }).count == 1 && changes.count == 10)
        var others = RuleSelector(RuleFields())
        others.spared = .kernel
        #expect(try lab.plane.flushRules(others, in: nil).count == 10 && lab.rules().count == 3)
        #expect(try lab.plane.flushRules(RuleSelector(RuleFields()), in: nil).count == 5 && lab.rules() == [])
    }

    @Test("Rules are limited in number, and one that is refused leaves nothing")
    func limit() throws {
        let many = (UInt32(1)...65_533).map { priority in
            TransactionOperation.object(
                ObjectOperation("default", .writeRule(.add, RuleLab.fields { $0.priority = priority })))
        }
        #expect(throws: TransactionError.self) { try lab.plane.transact(many) }
        #expect(lab.rules().count == 3)
        _ = try lab.plane.transact(Array(many.dropLast(2)))
        #expect(lab.refusal { try lab.add(70_000) } == "ENOBUFS too-many-objects ")
    }
}
