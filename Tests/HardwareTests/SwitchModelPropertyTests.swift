import Addressing
import ChangeLog
import ControlPlane
import Routing
import TestSupport
import Testing

@testable import Hardware

/// Random changes, faults and flaps, from a seed; what must hold at every step is checked at every step.
@Suite struct SwitchModelPropertyTests {
    private struct Flapping {
        var lab: ModelLab
        var random: SeededGenerator
        /// What was said last of each prefix, by the entry that it was said of.
        var said: [Prefix: (version: ChangeSequence, state: HardwareState)] = [:]
        var processed = ChangeSequence.zero

        mutating func step() throws {
            let prefix = "10.\(Int.random(in: 0..<12, using: &random)).0.0/16"
            let six = "2001:db8:\(Int.random(in: 0..<6, using: &random))::/48"
            let isThere = lab.routes[try Prefix(six)] != nil
            switch Int.random(in: 0..<20, using: &random) {
            case 16, 17: nextHop()
            case 18, 19: try lab.put(prefix, nhid: UInt32.random(in: 1...6, using: &random))
            case 0...4: try lab.put(prefix, hop(), metric: UInt32.random(in: 1...3, using: &random))
            case 5: try lab.put(prefix, type: [.blackhole, .prohibit].randomElement(using: &random) ?? .throw)
            case 6, 7: try lab.delete(prefix)
            case 8: try lab.put(six, hop(6))
            case 9: if isThere { try lab.append(six, hop(6)) }
            case 10: try lab.delete(six)
            case 11:
                let states: [NeighbourState?] = [.reachable, .failed, .incomplete, nil]
                try lab.neighbour(
                    "eth\(Int.random(in: 0..<3, using: &random))", "192.0.2.\(Int.random(in: 1...2, using: &random))",
                    states.randomElement(using: &random) ?? nil)
            case 12: lab.link("eth\(Int.random(in: 0..<3, using: &random))", isOffloaded: Bool.random(using: &random))
            case 13: lab.check([.open, .strict].randomElement(using: &random) ?? .open)
            case 14: try lab.retry(prefix)
            default: settings()
            }
            try listen(UInt64.random(in: 0...4, using: &random))
        }

        private mutating func hop(_ family: Int = 4) -> String {
            let device = "eth\(Int.random(in: 0..<3, using: &random))"
            let number = Int.random(in: 1...2, using: &random)
            return (family == 4 ? "192.0.2.\(number)" : "fe80::\(number)") + "@\(device)"
        }

        /// 1 to 4 lead somewhere, 5 and 6 are groups of them.
        private mutating func nextHop() {
            let id = UInt32.random(in: 1...6, using: &random)
            let goes = Int.random(in: 0..<5, using: &random) == 0
            if id > 4 {
                if goes { lab.group(id) } else { lab.group(id, .random(in: 1...2, using: &random), 3) }
            } else if Int.random(in: 0..<8, using: &random) == 0 {
                lab.blackhole(id)
            } else {
                lab.nextHop(id, goes ? nil : hop())
            }
        }

        private mutating func settings() {
            lab.change { settings in
                settings.capacity.ipv4 = [nil, 3, 6].randomElement(using: &random) ?? nil
                settings.capacity.nexthops = [nil, 2, 4].randomElement(using: &random) ?? nil
                settings.faults.failsRouteDelete = Int.random(in: 0..<4, using: &random) == 0
                settings.faults.failEvery = [0, 0, 2, 5].randomElement(using: &random) ?? 0
                settings.faults.duplicateEvery = [0, 3].randomElement(using: &random) ?? 0
                settings.faults.staleEvery = [0, 3].randomElement(using: &random) ?? 0
                settings.faults.reorders = Bool.random(using: &random)
            }
        }

        mutating func listen(_ milliseconds: UInt64) throws {
            for report in lab.reports(after: milliseconds) {
                let prefix = report.key.prefix(report.table.family)
                // As the control plane takes it: what is not of the present entry is stale.
                if lab.routes[prefix]?.value.version == report.version { said[prefix] = (report.version, report.state) }
            }
            #expect(lab.model.processed >= processed)
            processed = lab.model.processed
        }

        /// Once nothing is under way, each first route has been answered for, at its version.
        mutating func settle() throws {
            lab.change { settings in
                settings.capacity = .init()
                settings.faults = .init()
            }
            // Those that wait have their pause, and what is held its delay.
            for _ in 0..<80 { try listen(1_000) }
            #expect(lab.model.deadline == nil && lab.model.queueLength == 0)
            for (prefix, route) in lab.routes {
                #expect(said[prefix]?.version == route.value.version, "\(prefix)")
            }
            for prefix in said.keys where lab.routes[prefix] == nil { said[prefix] = nil }
        }
    }

    @Test(
        "Whatever happens, each route is answered for at its version, and what is counted is there",
        arguments: UInt64(1)...48)
    func random(seed: UInt64) throws {
        var settings = SwitchSettings()
        settings.seed = seed
        settings.latency = .init(minimum: 0, maximum: Int(seed % 7)) ?? .standard
        var flapping = Flapping(lab: ModelLab(settings), random: SeededGenerator(seed: seed))
        for _ in 0..<300 { try flapping.step() }
        try flapping.settle()
        // Without faults and with room, a retry brings everything where it belongs, by what is known of neighbours and links.
        for prefix in flapping.lab.routes.keys { try flapping.lab.retry("\(prefix)") }
        try flapping.listen(10)
        #expect(flapping.said.values.allSatisfy { $0.state != .failed })
        let there = flapping.said.values.count { $0.state != .none }
        let occupancy = flapping.lab.model.occupancy
        // Deletions that failed left theirs behind.
        #expect(occupancy.ipv4 + occupancy.ipv6 >= there)
    }

    @Test("Entries are found, however many come and go", arguments: UInt64(1)...8)
    func entries(seed: UInt64) throws {
        var random = SeededGenerator(seed: seed)
        var table = EntryTable()
        var numbers: [RouteKey: Int] = [:]
        for _ in 0..<4_000 {
            let prefix = try Prefix(
                masking: IPAddress(inet: UInt32.random(in: 0..<64, using: &random) << 22),
                length: UInt8.random(in: 8...24, using: &random))
            let key = RouteKey(prefix, tos: 0, metric: 0, position: 0)
            #expect(table.find(3, key) == numbers[key])
            #expect(table.find(4, key) == nil)
            if let number = numbers.removeValue(forKey: key) {
                table.remove(number)
            } else {
                numbers[key] = table.insert(SwitchEntry(key: key, version: 1, group: 0, table: 3))
            }
            #expect(table.count == numbers.count)
        }
        table._checkInvariants()
    }

    @Test("An entry of a full table takes no more than 80 bytes")
    func bytes() throws {
        var lab = ModelLab()
        for index in 0..<200_000 { try lab.put("\(index >> 16 + 1).\(index >> 8 & 255).\(index & 255).0/24", "eth0") }
        lab.now += 2
        while let deadline = lab.model.deadline, deadline <= lab.now * 1_000_000 {
            _ = lab.model.advance(to: lab.now * 1_000_000, limit: 4_096)
        }
        let count = lab.model.occupancy.ipv4
        #expect(count > 100_000)
        #expect(lab.model.entryBytes <= 80 * count, "\(lab.model.entryBytes / count)")
    }
}
