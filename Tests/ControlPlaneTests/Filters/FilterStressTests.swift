import ChangeLog
import ControlPlane
import Routing
import ServiceSupport
import TestSupport
import Testing
import Threads
import TrafficControl

/// Filters, chains, templates, qdiscs with blocks of their own and shared ones, their links and namespaces, changed by several at once,
/// beside who takes snapshots and asks about packets. To be run under the thread sanitizer too.
@Suite(.serialized) struct FilterStressTests {
    private let plane = ControlPlane(limits: .init(logBytes: 256 << 20))
    private let all = {
        var filter = EventFilter()
        filter.kinds = Set(ObjectKind.allCases)
        return filter
    }()

    @Test(
        "After each round counts are exact, no priority is empty, snapshots and the changes after them are what there is",
        arguments: UInt64(1)...4)
    func everythingAtOnce(seed: UInt64) {
        var mirrors: [Mirror] = []
        for round in UInt64(0)..<4 {
            mirrors.append(Mirror(all, plane.snapshot()))
            let isOver = Locked(false, rank: .leaf)
            let readers = [reader("snapshots", isOver) { snapshots() }, reader("packets", isOver) { packets() }]
            let writers = (UInt64(0)..<4).map { place in
                Thread(name: "writer-\(place)") { write(seed * 100 + round * 10 + place) }
            }
            for writer in writers { writer.join() }
            isOver.withLock { $0 = true }
            for reader in readers { reader.join() }
            check(&mirrors)
        }
    }

    private func reader(_ name: String, _ isOver: Locked<Bool>, _ look: @escaping @Sendable () -> Void) -> Thread {
        Thread(name: name) { while !isOver.withLock({ $0 }) { look() } }
    }

    private func write(_ seed: UInt64) {
        var writer = RandomWriter(seed: seed)
        for step in 0..<300 {
            switch step % 50 {
            case 30: _ = try? plane.transact((0..<4).map { _ in .traffic(writer.trafficOperation()) })
            case 40: _ = try? plane.tryOut([.traffic(writer.trafficOperation())])
            case 49: if seed.isMultiple(of: 4) { _ = try? plane.deleteNamespace("blue") }
            case 0: _ = try? plane.putNamespace("blue") { _ in NamespaceSettings() }
            default: writer.writeFilters(plane)
            }
        }
    }

    /// What a replay gives is the state at one number, whatever is written meanwhile.
    private func snapshots() {
        let snapshot = plane.snapshot()
        snapshot._checkInvariants()
        let replay = Mirror(all, snapshot)
        #expect(replay.summaries == all.summaries(of: snapshot))
    }

    private func packets() {
        var bits = FlowBits()
        (bits[.etherType], bits[.ipProtocol], bits[.dstPort]) = (0x800, 6, 2)
        for place in [BlockIdentity.Place.shared(1), .shared(2), .ingress("dev1")] {
            _ = try? plane.classify(Packet(.ip, bits), in: place, of: "default", counts: true)
        }
    }

    @Test("Dry runs that would remove a qdisc are in the way of no one who changes its filters")
    func dryRunsBeside() throws {
        try addQdiscs(["dev1"], block: 1)
        let plane = plane
        let isOver = Locked(false, rank: .leaf)
        let dryRuns = reader("dry-runs", isOver) {
            _ = try? plane.tryOut([.traffic(TrafficOperation("default", .removeQdisc(device: "dev1", nil)))])
        }
        for number in UInt64(1)...100 { #expect(throws: Never.self) { try add(port: number, to: 1) } }
        isOver.withLock { $0 = true }
        dryRuns.join()
        plane._checkTraffic()
    }

    @Test("A chain that a dry run takes out for a moment, or makes, is there, or isn't, for who asks meanwhile")
    func chainsBesideDryRuns() throws {
        try addQdiscs(["dev1"], block: 1)
        let plane = plane
        let isOver = Locked(false, rank: .leaf)
        let dryRuns = reader("dry-runs", isOver) {
            _ = try? plane.tryOut([
                .traffic(TrafficOperation("default", .removeChain(.shared(1), 5))),
                .traffic(TrafficOperation("default", .addChain(.shared(1), 6, nil))),
            ])
        }
        for _ in 0..<200 {
            let add = TrafficOperation("default", .addChain(.shared(1), 5, nil), condition: .absent)
            let version = try plane.change(add).sequence
            let removal = TrafficOperation("default", .removeChain(.shared(1), 5), condition: .version(version))
            let removed = try plane.change(removal)
            guard case .chain(let chain)? = removed.object else {
                Issue.record("no chain was removed")
                continue
            }
            #expect(chain.identity.index == 5 && chain.version == version)
            let other = TrafficOperation("default", .addChain(.shared(1), 6, nil), condition: .absent)
            _ = try plane.change(other)
            _ = try plane.change(TrafficOperation("default", .removeChain(.shared(1), 6)))
        }
        isOver.withLock { $0 = true }
        dryRuns.join()
        plane._checkTraffic()
    }

    @Test("What others change while a link goes isn't put down to that")
    func causesOfOthers() throws {
        for device in ["dev1", "dev2"] {
            _ = try plane.change(ObjectOperation("default", .putLink(LinkEdit(name: device))))
        }
        for _ in 0..<3_000 {
            let draft = ActionDraft(.mirred(Mirred(.mirror, .egress, to: "dev2")))
            _ = try plane.change(TrafficOperation("default", .writeAction(draft, replaces: false)))
        }
        let start = plane.log.head
        let plane = plane
        let remover = Thread(name: "remover") {
            _ = try? plane.change(ObjectOperation("default", .removeLink("dev2")))
        }
        while plane.log.head < start.advanced(by: 100) {}
        let others = try (0..<50).map { _ in
            let draft = ActionDraft(.gact(Gact(.drop)))
            return try plane.change(TrafficOperation("default", .writeAction(draft, replaces: false))).sequence
        }
        remover.join()
        var (causes, position) = ([ChangeSequence: String](), start)
        while let run = plane.log.read(after: position), let last = run.last {
            for change in run { causes[change.sequence] = change.batch?.cause?.reason ?? "none" }
            position = last.sequence
        }
        #expect(others.allSatisfy { causes[$0] == "none" })
        #expect(causes.values.count { $0 == "link-removed" } == 3_000)
    }

    @Test("A qdisc that comes to a shared block while the block's last one goes has a block that takes filters")
    func sharedBlockThatGoes() throws {
        for round in UInt64(1)...100 {
            try addQdiscs(["dev1"], block: 1)
            for port in UInt64(1)...5 { try add(port: port, to: 1) }
            let plane = plane
            let remover = Thread(name: "remover") {
                _ = try? plane.change(TrafficOperation("default", .removeQdisc(device: "dev1", nil)))
            }
            try addQdiscs(["dev2"], block: 1)
            remover.join()
            #expect(throws: Never.self, "\(round)") { try add(port: 1_000 + round, to: 1) }
            _ = try plane.change(TrafficOperation("default", .removeQdisc(device: "dev2", nil)))
            plane._checkTraffic()
        }
    }

    @Test("An action that goes after the block that it leads into leads there again when that is taken back")
    func actionsTakenBack() throws {
        try addQdiscs(["dev1"], block: 1)
        try addQdiscs(["dev2"], block: 2)
        try add(port: 1, to: 1, [ActionDraft(.gact(Gact(.goto(chain: 2))), index: 3)])
        try add(port: 1, to: 2, [ActionDraft("gact", index: 3)])
        var inBlock2 = FilterSelector()
        inBlock2.priority = 1
        let operations = [
            TrafficOperation("default", .removeQdisc(device: "dev1", nil)),
            TrafficOperation("default", .removeFilters(.shared(2), inBlock2)),
        ].map { TransactionOperation.traffic($0) }
        let before = plane.snapshot()
        _ = try plane.tryOut(operations)
        #expect(throws: TransactionError.self) { try plane.transact(operations + [operations[0]]) }
        plane._checkTraffic()
        #expect(all.summaries(of: plane.snapshot()) == all.summaries(of: before))
        _ = try plane.transact(operations)
        plane._checkTraffic()
        _ = try plane.change(TrafficOperation("default", .removeQdisc(device: "dev2", nil)))
        var bits = FlowBits()
        bits[.etherType] = 0x800
        #expect(throws: FIBError.self) {
            try plane.classify(Packet(.ip, bits), in: .shared(2), of: "default", counts: false)
        }
    }

    private func addQdiscs(_ devices: [String], block: UInt32) throws {
        for device in devices {
            _ = try plane.change(ObjectOperation("default", .putLink(LinkEdit(name: device))))
            let qdisc = try Qdisc(.ingress, on: device, ingressBlock: block)
            _ = try plane.change(TrafficOperation("default", .addQdisc(qdisc)))
        }
    }

    private func add(port: UInt64, to block: UInt32, _ actions: [ActionDraft] = []) throws {
        var write = FilterWrite()
        (write.kind, write.protocol, write.priority) = ("flower", .ip, 1)
        write.options = ["keys": .object(["ip_proto": .text("tcp"), "dst_port": .number(port)])]
        write.actions = actions
        _ = try plane.change(TrafficOperation("default", .writeFilter(.shared(block), write)))
    }

    private func check(_ mirrors: inout [Mirror]) {
        plane._checkTraffic()
        let end = plane.snapshot()
        end._checkInvariants()
        for place in mirrors.indices {
            mirrors[place].follow(plane.log, to: end.sequence)
            #expect(mirrors[place].summaries == all.summaries(of: end))
        }
        #expect(end.sequence > .zero && !Mirror(all, end).hashes.isEmpty)
        checkTargets(end)
    }

    /// R4-98.
    private func checkTargets(_ end: Snapshot) {
        let links = Set(
            all.objects(of: end).filter { $0.kind == .link }.map { "\($0.namespace) \($0.link?.name ?? "")" })
        var traffic = all.traffic(of: end)
        while let object = traffic.next() {
            guard case .action(let namespace, let action) = object, case .mirred(let mirred) = action.content else {
                continue
            }
            #expect(mirred.device.isEmpty || links.contains("\(namespace) \(mirred.device)"))
        }
    }
}
