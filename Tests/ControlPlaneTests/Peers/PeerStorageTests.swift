import Addressing
import ChangeLog
import PathAttributes
import Routing
import ServiceSupport
import Storage
import TestSupport
import Testing
import Threads

@testable import ControlPlane

/// What is left of peers over a restart.
@Suite struct PeerStorageTests {
    private let store = MemoryStore()
    private let clock = PeerClock()

    private func lab(_ store: MemoryStore) throws -> PeerLab { try PeerLab(store, clock: clock) }
    private func settle(_ lab: PeerLab) { #expect(eventually { lab.plane.log.durable == lab.plane.log.head }) }

    @Test("After a clean end they are there, with what is left of their time and who said so")
    func cleanEnd() throws {
        let first = try lab(store)
        try first.connect()
        try first.tell(1_400, from: "192.0.2.1")
        try first.tell(500, "198.51.100.7")
        let before = first.all
        first.plane.close()
        clock.move(seconds: 100)
        let second = try lab(store.reopened())
        defer { second.plane.close() }
        #expect(second.all == before && before.count == 2)
        // Numbers of peers are of the past, as all numbers are.
        second.plane.snapshot()._checkInvariants()
        #expect(second.peer()?.stored.source == PeerLab.address("192.0.2.1"))
        #expect(second.peer("198.51.100.7")?.stored.information.mtu?.isLocked == true)
        _ = second.plane.expirePeers()
        #expect(second.mtu() == 1_400)
        clock.move(seconds: 501)
        _ = second.plane.expirePeers()
        #expect(second.all == [])
    }

    @Test("What has come to its end meanwhile isn't there any more")
    func expiredMeanwhile() throws {
        let first = try lab(store)
        try first.tell(1_400)
        first.plane.close()
        clock.move(seconds: 600)
        let second = try lab(store.reopened())
        defer { second.plane.close() }
        #expect(second.all == [])
    }

    @Test("A crash leaves them as they were stored some time before; what was forgotten on request stays forgotten")
    func crash() throws {
        let first = try lab(store)
        for host in 1...5 { try first.tell(1_400, "203.0.113.\(host)") }
        first.plane.storePeersIfDue()
        settle(first)
        try first.tell(1_300, "203.0.113.2")
        try first.tell(1_300, "203.0.113.6")
        // Not due yet.
        first.plane.storePeersIfDue()
        settle(first)
        let early = try lab(store.reopened())
        #expect(early.mtu("203.0.113.2") == 1_400 && early.mtu("203.0.113.6") == nil && early.all.count == 5)
        early.plane.close()

        let sequence = try first.plane.forgetPeer(PeerLab.address("203.0.113.3"), in: "default").stored
        settle(first)
        #expect(first.plane.log.durable >= sequence)
        let late = try lab(store.reopened())
        #expect(late.all == first.all && late.peer("203.0.113.3") == nil && late.all.count == 5)
        late.plane.close()
        first.plane.close()
    }

    @Test("Whoever is told that a peer is forgotten finds it forgotten after a crash, whatever is stored meanwhile")
    func forgottenByMany() throws {
        let first = try lab(store)
        for host in 1...200 { try first.tell(1_400, "203.0.113.\(host)") }
        _ = first.plane.storePeers()
        let threads = (0..<4).map { worker in
            Thread(name: "forget-\(worker)") {
                for host in 1...200 where host % 4 == worker {
                    _ = try? first.plane.forgetPeer(PeerLab.address("203.0.113.\(host)"), in: "default")
                    if host % 8 == worker { _ = first.plane.storePeers() }
                }
            }
        }
        for thread in threads { thread.join() }
        first.plane.committed()
        settle(first)
        let second = try lab(store.reopened())
        #expect(second.all == [])
        second.plane.close()
        first.plane.close()
    }

    @Test("A namespace that was removed is gone after a crash, and its name is free, whatever was stored of its peers")
    func removedNamespace() throws {
        let first = try lab(store)
        for _ in 0..<2 {
            _ = try first.plane.putNamespace("blue") { _ in NamespaceSettings() }
            try first.tell(1_400, in: "blue")
            let table = try first.plane.table("blue", .inet, .main)
            var fields = RouteInfo.Fields()
            fields.nextHops = [NextHop(device: "eth0")]
            let route = try Route.validated(prefix: .default(.inet), tos: 0, metric: nil, fields: fields)
            _ = try first.plane.write(.add, RouteWrite(table, route, EntryWriter()))
            _ = first.plane.storePeers()
            _ = try first.plane.deleteNamespace("blue")
            settle(first)
        }
        let second = try lab(store.reopened())
        #expect(second.all == [] && second.plane.snapshot().namespaces.map(\.name) == ["default"])
        _ = try second.plane.putNamespace("blue") { _ in NamespaceSettings() }
        #expect(second.peer(in: "blue") == nil)
        second.plane.close()
        first.plane.close()
    }

    @Test("Nothing more is stored while what was stored last waits for the disk")
    func fullDisk() throws {
        let first = try lab(store)
        try first.tell(1_400)
        first.plane.storePeersIfDue()
        settle(first)
        store.hold()
        var made = 0
        for round in 0..<5 {
            clock.move(seconds: 60)
            try first.tell(1_300 - UInt32(round))
            let head = first.plane.log.mark.head
            first.plane.storePeersIfDue()
            if first.plane.log.mark.head > head { made += 1 }
        }
        #expect(made == 1)
        store.release()
        settle(first)
        first.plane.close()
    }

    @Test("What many have forgotten while the disk was busy is written once")
    func together() throws {
        let first = try lab(store)
        for host in 1...200 { try first.tell(1_400, "203.0.113.\(host)") }
        _ = first.plane.storePeers()
        first.plane.committed()
        settle(first)
        store.hold()
        for host in 1...200 { try first.plane.forgetPeer(PeerLab.address("203.0.113.\(host)"), in: "default") }
        store.release()
        settle(first)
        var batches = 0
        try store.readJournal { if $0.body.first == RecordKind.peers.rawValue { batches += 1 } }
        #expect(batches < 10)
        let second = try lab(store.reopened())
        #expect(second.all == [])
        second.plane.close()
        first.plane.close()
    }

    @Test("Messages, which wait for no disk, say nothing of how long it takes")
    func latencies() throws {
        let first = try lab(store)
        // The first of all is written down.
        try first.tell(1_300)
        settle(first)
        let before = first.plane.latencies.durable.now.buckets.reduce(0, +)
        for host in 1...100 {
            try first.tell(1_400, "203.0.113.\(host)")
            settle(first)
        }
        #expect(first.plane.latencies.durable.now.buckets.reduce(0, +) == before)
        first.plane.close()
    }

    @Test("A cursor that knows of peers is honoured after a restart only if there never was one", arguments: [0, 1, 2])
    func cursors(peers: Int) throws {
        let first = try lab(store)
        if peers == 1 {
            try first.tell(1_400)
        } else if peers == 2 {
            _ = try first.plane.mayTell(PeerLab.address("203.0.113.9"), .error, in: "default")
        }
        settle(first)
        let cursor = first.plane.log.head
        // A crash.
        let second = try lab(store.reopened())
        #expect((cursor >= second.plane.log.mark(of: .all).floor) == (peers == 0))
        #expect(cursor >= second.plane.log.mark.floor)
        second.plane.close()
        let third = try lab(store.reopened())
        #expect((cursor >= third.plane.log.mark(of: .all).floor) == (peers == 0))
        third.plane.close()
        first.plane.close()
    }

    @Test("Only what is different is written, and nothing if nothing is")
    func differences() throws {
        let first = try lab(store)
        for host in 1...100 { try first.tell(1_400, "203.0.113.\(host)") }
        clock.move(seconds: 60)
        first.plane.storePeersIfDue()
        settle(first)
        func sizes() throws -> [Int] {
            var sizes: [Int] = []
            // The first says only that there are some.
            try store.readJournal { batch in
                if batch.body.first == RecordKind.peers.rawValue, batch.body.count > 1 {
                    sizes.append(batch.body.count)
                }
            }
            return sizes
        }
        #expect(try sizes().count == 1)
        clock.move(seconds: 60)
        first.plane.storePeersIfDue()
        settle(first)
        #expect(try sizes().count == 1)
        try first.tell(1_300, "203.0.113.7")
        clock.move(seconds: 60)
        first.plane.storePeersIfDue()
        settle(first)
        let all = try sizes()
        #expect(all.count == 2 && all[1] < 64 && all[0] > 1_500)
        first.plane.close()
    }

    @Test("Checkpoints have them, and what is stored after one goes on from there", arguments: UInt64(1)...4)
    func checkpoints(seed: UInt64) throws {
        let limits = { () -> ControlPlane.Limits in
            var limits = ControlPlane.Limits(logBytes: 1 << 20)
            limits.checkpointBytes = 2_000
            return limits
        }()
        let clock = clock
        let first = try ControlPlane(limits: limits, store: store, clock: { clock.now })
        var writer = RandomWriter(seed: seed)
        var survivors: [(MemoryStore, Set<String>)] = []
        func peers(_ plane: ControlPlane) -> Set<String> {
            var (walk, texts) = (PeerWalk(plane.snapshot(), families: nil), Set<String>())
            while let peer = walk.next() {
                if peer.stored.information.isEmpty { continue }
                texts.insert("\(peer.namespace) \(peer.address) \(peer.version.rawValue) \(peer.hash)")
            }
            return texts
        }
        for step in 0..<300 {
            writer.step(first)
            if step % 10 == 9 {
                _ = first.storePeers()
                first.committed()
                #expect(eventually { first.log.durable == first.log.head })
                survivors.append((store.reopened(), peers(first)))
            }
        }
        first.close()
        #expect(store.contents.checkpoint != nil)
        for (store, expected) in survivors {
            let second = try ControlPlane(limits: limits, store: store, clock: { clock.now })
            #expect(peers(second) == expected)
            second.close()
        }
    }

    @Test("What a namespace and its links say of paths is kept")
    func settings() throws {
        let first = try lab(store)
        var settings = NamespaceSettings()
        (settings.paths.inet.discovery, settings.paths.inet.leastMTU) = (.verified, 600)
        (settings.paths.inet.isForwarding, settings.paths.inet6.acceptsRedirects) = (true, false)
        (settings.paths.inet.hasSecureRedirects, settings.paths.inet.hasSharedMedia) = (false, false)
        (settings.paths.inet6.mtuLifetime, settings.paths.inet6.redirectLifetime) = (60, 30)
        settings.paths.limits.threshold = 7
        settings.paths.guards.floors = [
            .init(try Prefix("10.0.0.0/8"), 1_400), .init(try Prefix("2001:db8::/32"), 1_300),
        ]
        settings.paths.guards.ignoredSources = [try Prefix("192.0.2.0/24")]
        settings.paths.guards.ignoredDestinations = [try Prefix("2001:db8:1::/48")]
        (settings.paths.guards.peersPerSource, settings.paths.guards.messagesPerSecond) = (5, 6)
        let wanted = settings
        _ = try first.plane.putNamespace("blue") { _ in wanted }
        var edit = LinkEdit(name: "eth0")
        edit.acceptsRedirects = false
        _ = try first.plane.change(ObjectOperation("blue", .putLink(edit)))
        first.plane.close()
        let second = try lab(store.reopened())
        defer { second.plane.close() }
        #expect(try second.plane.storedNamespace("blue").stored.settings == wanted)
        #expect(try second.plane.object(.link("eth0"), in: "blue").0?.link?.acceptsRedirects == false)
        for host in 1...50 { try second.tell(1_400, "203.0.113.\(host)", in: "blue") }
        #expect(second.all.count <= 8)
    }

    @Test("A row that no writer writes is damage, not a crash")
    func damage() throws {
        var writer = RecordWriter()
        let lab = try PeerLab()
        try lab.tell(1_400, from: "192.0.2.1")
        writer.append(try #require(lab.peer()))
        let bytes = writer.bytes
        for length in 0..<bytes.count {
            var reader = RecordReader(Array(bytes[..<length]))
            #expect(throws: RecordReader.Malformed.self) { try reader.peer() }
        }
        for place in bytes.indices {
            for value: UInt8 in [0, 1, 0x7F, 0x80, 0xFF] {
                var changed = bytes
                changed[place] = value
                var reader = RecordReader(changed)
                _ = try? reader.peer()
            }
        }
    }
}
