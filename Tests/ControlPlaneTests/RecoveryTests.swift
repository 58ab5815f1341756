import Addressing
import ChangeLog
import Routing
import ServiceSupport
import Storage
import Synchronization
import TestSupport
import Testing
import Threads
import TrafficControl

@testable import ControlPlane

@Suite struct RecoveryTests {
    @Test("After a clean end everything is there, and numbers go on where they were", arguments: UInt64(1)...6)
    func cleanEnd(seed: UInt64) throws {
        let store = MemoryStore()
        let first = try plane(store)
        var writer = RandomWriter(seed: seed)
        for _ in 0..<300 { writer.step(first) }
        first.close()
        let second = try plane(store.reopened())
        defer { second.close() }
        #expect(State(second) == State(first))
        #expect(second.epoch == first.epoch && second.log.upcoming == first.log.head.next)
    }

    @Test("A change that falls between the journal's look for changes and the stop becomes durable")
    func changeBeforeStop() throws {
        let store = MemoryStore()
        let plane = try plane(store)
        settle(plane)
        let write = try routeWrite(plane, 1)
        let isAsked = Atomic<Bool>(false)
        let closing = Locked<Thread?>(nil, rank: .leaf)
        store.whenAsked {
            // The journal's thread has seen an empty log by now.
            _ = try? plane.write(.replace, write)
            closing.withLock { $0 = Thread(name: "stop") { plane.close() } }
            _ = eventually { plane.journal?.isStopping ?? true }
            isAsked.store(true, ordering: .releasing)
        }
        plane.journal?.signal.raise()
        #expect(eventually { isAsked.load(ordering: .acquiring) })
        closing.withLock { $0.take() }?.join()
        let second = try self.plane(store.reopened())
        defer { second.close() }
        #expect(second.log.head == plane.log.head && State(second) == State(plane))
    }

    @Test("A crash at any moment leaves what was durable, and one can go on from there", arguments: UInt64(1)...6)
    func crash(seed: UInt64) throws {
        let store = MemoryStore()
        let first = try plane(store, checkpointBytes: 3_000)
        var writer = RandomWriter(seed: seed)
        var states: [ChangeSequence: State] = [:]
        var survivors: [MemoryStore] = []
        for step in 0..<200 {
            writer.step(first)
            let snapshot = first.snapshot()
            states[snapshot.sequence] = State(snapshot)
            if Int.random(in: 0..<4, using: &writer.random) == 0 { settle(first) }
            if step % 3 == 0 { survivors.append(store.reopened()) }
        }
        first.close()
        #expect(store.contents.checkpoint != nil)
        var compared = 0
        for survivor in survivors {
            let reserved = survivor.contents.reserved
            let second = try plane(survivor)
            let snapshot = second.snapshot()
            // Where an operation was cut, it has been finished by now, and there is no such state to compare with.
            if let expected = states[snapshot.sequence] {
                #expect(State(snapshot) == expected)
                compared += 1
            }
            #expect(second.log.upcoming.rawValue > reserved)
            second._checkTraffic()
            for _ in 0..<20 { writer.step(second) }
            second.snapshot()._checkInvariants()
            second._checkTraffic()
            second.close()
        }
        #expect(compared > survivors.count / 2)
    }

    @Test("A qdisc from a checkpoint gives packets to its blocks, which go with it")
    func qdiscFromACheckpoint() throws {
        let store = MemoryStore()
        let first = try plane(store, checkpointBytes: 1_000)
        _ = try first.change(ObjectOperation("default", .putLink(LinkEdit(name: "eth0"))))
        _ = try first.change(
            TrafficOperation("default", .addQdisc(try Qdisc(.clsact, on: "eth0", ingressBlock: 22))))
        for number in UInt32(1)...200 { try write(first, number) }
        settle(first)
        first.close()
        #expect(store.contents.checkpoint != nil)
        let second = try plane(store.reopened())
        defer { second.close() }
        second._checkTraffic()
        _ = try second.change(TrafficOperation("default", .removeQdisc(device: "eth0", nil)))
        var blocks = EventFilter()
        blocks.kinds = [.block]
        #expect(blocks.objects(of: second.snapshot()).isEmpty)
    }

    @Test("A clean end after a crash leaves out the numbers that the crash may have lost")
    func numbersOfACrash() throws {
        let store = MemoryStore()
        let first = try plane(store)
        try write(first, 1)
        settle(first)
        // Given out and seen, and lost with the process.
        store.hold()
        try write(first, 2)
        let lost = first.log.head
        let crashed = store.reopened()
        store.release()
        first.close()
        let second = try plane(crashed)
        #expect(second.log.upcoming > lost)
        second.close()
        let third = try plane(crashed.reopened())
        #expect(third.log.upcoming > lost && third.log.head < lost)
        try write(third, 3)
        #expect(third.log.head > lost)
        third.close()
    }

    @Test("A flush that the disk cuts says so, and goes on by itself when there is room")
    func cutByAFullDisk() throws {
        let store = MemoryStore()
        let plane = try plane(store)
        defer { plane.close() }
        _ = try plane.transact(try (0..<100_000).map { .write(.add, try routeWrite(plane, $0)) })
        settle(plane)
        store.refuse(.full("no room"))
        try write(plane, 5)
        let flushed = Result { () throws(FIBError) in try plane.flush(RouteSelection()) }
        if case .success(let part) = flushed {
            #expect(!part.isThrough && part.count < 100_000 && part.count > 0)
        }
        #expect(plane.snapshot().summary(of: RouteSelection()).count > 0)
        store.refuse(nil)
        guard case .success = flushed else { return }
        // Without a look at the tables meanwhile: the thread sanitizer doesn't see that a reference count orders a reader
        // that lets go of a node before the writer who then changes it in place; and each snapshot has the nodes copied.
        #expect(eventually { plane.operations.withLock { $0.isEmpty } })
        #expect(plane.snapshot().summary(of: RouteSelection()).count == 0)
        settle(plane)
    }

    @Test("The history from before a restart leads a mirror to the state", arguments: UInt64(1)...6)
    func history(seed: UInt64) throws {
        let store = MemoryStore()
        let first = try plane(store, checkpointBytes: 3_000)
        var writer = RandomWriter(seed: seed)
        var mirrors: [Mirror] = []
        for step in 0..<300 {
            writer.step(first)
            if step % 30 == 0 { mirrors += ConvergingFilters.all.map { Mirror($0, first.snapshot()) } }
            if step % 10 == 0 { settle(first) }
        }
        first.close()
        let second = try plane(store.reopened())
        defer { second.close() }
        for _ in 0..<50 { writer.step(second) }
        let end = second.snapshot()
        var followed = 0
        for var mirror in mirrors where mirror.sequence >= second.log.mark(of: mirror.filter.lanes).floor {
            mirror.follow(second.log, to: end.sequence)
            #expect(mirror.summaries == mirror.filter.summaries(of: end), "\(mirror.filter)")
            followed += 1
        }
        #expect(followed > 0)
    }

    @Test("A flush that was cut is finished at the next start, and takes nothing that came later")
    func cutFlush() throws {
        let store = MemoryStore()
        let first = try plane(store)
        let count: UInt32 = 50_000
        _ = try first.transact(try (0..<count).map { .write(.add, try routeWrite(first, $0)) })
        settle(first)
        store.hold()
        _ = try first.flush(RouteSelection())
        try write(first, 7)
        var cuts = 0
        while first.log.durable < first.log.head {
            let before = store.commits
            store.releaseOne()
            #expect(eventually { store.commits > before })
            let survivor = store.reopened()
            let left = try Recovery(survivor, logBytes: 1 << 20).place.summaries.routes.count
            guard left > 1, left < count else { continue }
            cuts += 1
            let second = try plane(survivor)
            #expect(second.snapshot().summary(of: RouteSelection()).count == 0)
            try write(second, 9)
            second.close()
            let third = try plane(survivor.reopened())
            #expect(third.snapshot().summary(of: RouteSelection()).count == 1)
            third.close()
        }
        #expect(cuts > 0)
        store.release()
        first.close()
    }

    @Test("A namespace whose removal was cut is gone after the next start")
    func cutRemoval() throws {
        let store = MemoryStore()
        let first = try plane(store)
        _ = try first.putNamespace("blue") { _ in NamespaceSettings() }
        _ = try first.transact(try (0..<3_000).map { .write(.add, try routeWrite(first, $0, "blue")) })
        settle(first)
        let before = first.log.head
        store.hold()
        _ = try first.deleteNamespace("blue")
        #expect(eventually { store.waiting > 0 })
        store.releaseOne()
        #expect(eventually { first.log.durable > before })
        let second = try plane(store.reopened())
        let snapshot = second.snapshot()
        #expect(snapshot.namespaces.map(\.name) == ["default"] && snapshot.summary(of: RouteSelection()).count == 0)
        second.close()
        store.release()
        first.close()
    }

    @Test("A namespace that was removed and came back keeps what it has got since, over a restart")
    func namespaceThatCameBack() throws {
        let store = MemoryStore()
        let first = try plane(store)
        _ = try first.putNamespace("blue") { _ in NamespaceSettings() }
        _ = try first.deleteNamespace("blue")
        _ = try first.putNamespace("blue") { _ in NamespaceSettings() }
        _ = try first.change(ObjectOperation("blue", .putLink(LinkEdit(name: "eth0"))))
        first.close()
        let second = try plane(store.reopened())
        defer { second.close() }
        #expect(State(second) == State(first))
        #expect(try second.object(.link("eth0"), in: "blue").0 != nil)
    }

    @Test("With a full disk nothing new is taken, and what was applied becomes durable when there is room")
    func fullDisk() throws {
        let store = MemoryStore()
        let plane = try plane(store)
        defer { plane.close() }
        try write(plane, 1)
        settle(plane)
        store.refuse(.full("no room"))
        try write(plane, 2)
        #expect(eventually { plane.storeStatus == .blocked("no room") })
        let error = #expect(throws: FIBError.self) { try write(plane, 3) }
        #expect(error?.errno == .enospc && error?.reason == .storeFull)
        #expect(plane.log.durable < plane.log.head)
        store.refuse(nil)
        #expect(eventually { plane.storeStatus == .writing })
        settle(plane)
        try write(plane, 3)
    }

    @Test("After a failed sync nothing becomes durable any more, and nothing is taken")
    func failedSync() throws {
        let store = MemoryStore()
        let plane = try plane(store)
        defer { plane.close() }
        try write(plane, 1)
        settle(plane)
        let durable = plane.log.durable
        store.refuse(.failed("EIO"))
        try write(plane, 2)
        #expect(eventually { plane.storeStatus == .failed("EIO") })
        store.refuse(nil)
        let error = #expect(throws: FIBError.self) { try write(plane, 3) }
        #expect(error?.reason == .storeFailed && plane.log.durable == durable)
    }

    // MARK: Help

    private func plane(_ store: MemoryStore, checkpointBytes: Int = 64 << 20) throws -> ControlPlane {
        var limits = ControlPlane.Limits(logBytes: 64 << 20)
        limits.checkpointBytes = checkpointBytes
        return try ControlPlane(limits: limits, store: store)
    }

    private func settle(_ plane: ControlPlane) {
        let head = plane.log.head
        #expect(eventually { plane.log.durable >= head })
    }

    private func write(_ plane: ControlPlane, _ number: UInt32) throws {
        _ = try plane.write(.replace, try routeWrite(plane, number))
    }

    private func routeWrite(
        _ plane: ControlPlane, _ number: UInt32, _ namespace: String = "default"
    ) throws -> RouteWrite {
        let prefix = try Prefix(address: IPAddress(inet: 10 << 24 | number << 8), length: 24)
        var fields = RouteInfo.Fields()
        fields.nextHops = [NextHop(device: "eth0")]
        let route = Route(prefix: prefix, info: RouteInfo(fields))
        let table = try plane.table(namespace, .inet, .main)
        return RouteWrite(table, route, EntryWriter())
    }

    /// What there is, in order, with versions.
    private struct State: Equatable {
        var rows: [String] = []
        var objects: [String] = []

        init(_ plane: ControlPlane) { self.init(plane.snapshot()) }

        init(_ snapshot: Snapshot) {
            snapshot._checkInvariants()
            var walk = RouteWalk(snapshot, RouteSelection())
            while let (table, route) = walk.next() {
                rows.append(
                    "\(table.namespace) \(table.family) \(table.id) \(route.key) \(route.value.version) \(route.value.hash)"
                )
            }
            objects = EventFilter.everything.objects(of: snapshot).map {
                "\($0.namespace) \($0.value) \($0.status) \($0.version)"
            }
            var traffic = EventFilter.everything.traffic(of: snapshot)
            while let object = traffic.next() {
                var bytes: [UInt8] = []
                object.appendEntry(to: &bytes)
                let place = if case .filter(_, let filter) = object { "\(filter.place)" } else { "" }
                objects.append("\(object.version) \(place) " + String(decoding: bytes, as: UTF8.self))
            }
        }
    }
}
