import Addressing
import ChangeLog
import Routing
import Storage
import TestSupport
import Testing

@testable import ControlPlane

/// Registrations: what is refused, and what a restart leaves.
@Suite struct ListenerTests {
    private let plane = ControlPlane(limits: ControlPlane.Limits(logBytes: 1 << 20))

    private func settings(
        _ name: String, role: ListenerSettings.Role = .observer, _ edit: (inout EventFilter) -> Void = { _ in }
    ) -> ListenerSettings {
        var filter = EventFilter()
        edit(&filter)
        return ListenerSettings(name: name, role: role, filter: filter, onOverflow: .close, leaseSeconds: 7)
    }

    private func everything(_ filter: inout EventFilter) {
        filter.kinds = [.route, .peer]
        filter.selection.namespaces = ["blue", "default"]
        filter.selection.families = [.inet, .inet6]
        filter.selection.tables = [.main, TableID(rawValue: 70_000)]
        filter.selection.within = [.default(.inet), .default(.inet6)]
        filter.selection.protocols = [.static, .bgp]
        filter.view = .best
        filter.hardware = .setting
    }

    @Test("A name is taken once, has a letter, and is found like the id")
    func names() throws {
        let added = try plane.addListener(settings("one"))
        #expect(added.listener.id == added.sequence && added.listener.version == added.sequence)
        #expect(
            try plane.listener("one") == added.listener
                && plane.listener("\(added.sequence.rawValue)") == added.listener)
        for (name, reason) in [
            ("one", FIBError.Reason.listenerExists), ("12", .listenerNameInvalid), ("", .listenerNameInvalid),
            ("a b", .listenerNameInvalid),
        ] {
            let error = #expect(throws: FIBError.self) { try plane.addListener(settings(name)) }
            #expect(error?.reason == reason, "\(name)")
        }
        let head = plane.log.head
        #expect(try plane.addListener(settings("dry"), dryRun: true).listener.settings.name == "dry")
        #expect(plane.log.head == head && plane.presentListeners.count == 1)
        _ = try plane.removeListener(added.listener.id)
        #expect(throws: FIBError.self) { try plane.listener("one") }
        #expect(try plane.addListener(settings("one")).listener.id > added.listener.id)
    }

    @Test("There are so many and no more")
    func limit() throws {
        var limits = ControlPlane.Limits(logBytes: 1 << 20)
        limits.listeners = 3
        let plane = ControlPlane(limits: limits)
        for number in 0..<3 { _ = try plane.addListener(settings("l\(number)")) }
        let error = #expect(throws: FIBError.self) { try plane.addListener(settings("l3")) }
        #expect(error?.errno == .enobufs && error?.reason == .tooManyListeners)
    }

    @Test("Another filter makes an acknowledgement void; anything else doesn't, nor does it make another version")
    func changes() throws {
        let id = try plane.addListener(settings("one")).listener.id
        let version = try plane.listener("one").version
        plane.acknowledge([(id, version, ChangeSequence(rawValue: 1))])
        #expect(try plane.listener("one").acknowledged.rawValue == 1 && plane.listener("one").version == version)
        // Older, or of another registration: ignored.
        plane.acknowledge([(id, version, .zero), (id, version.next, plane.log.head)])
        #expect(try plane.listener("one").acknowledged.rawValue == 1)
        let lease = try plane.changeListener(id) { $0.leaseSeconds = nil }
        #expect(lease.listener.acknowledged.rawValue == 1 && lease.listener.version == lease.sequence)
        #expect(try plane.changeListener(id) { $0.leaseSeconds = nil }.sequence == plane.log.head)
        let stale = #expect(throws: FIBError.self) {
            try plane.changeListener(id, condition: .version(version)) { $0.filter.view = .best }
        }
        #expect(stale?.errno == .estale)
        #expect(try plane.changeListener(id) { $0.filter.view = .best }.listener.acknowledged == .zero)
    }

    @Test("An acknowledgement of what other acknowledgements have brought about is no change")
    func idle() throws {
        let listeners = try ["one", "two"].map { try plane.addListener(settings($0)).listener }
        _ = try plane.write(.add, try routeWrite(plane, "10.0.0.0/24", metric: 5, ["eth1"]))
        let news = plane.log.head
        func acknowledgeAll() { plane.acknowledge(listeners.map { ($0.id, $0.version, plane.log.head) }) }
        acknowledgeAll()
        let head = plane.log.head
        #expect(plane.presentListeners.allSatisfy { $0.acknowledged >= news } && head > news)
        for _ in 0..<3 { acknowledgeAll() }
        #expect(plane.log.head == head)
        // More of them than one look into the log takes in, and what comes after.
        for number in 0..<200 { _ = try plane.changeListener(listeners[0].id) { $0.leaseSeconds = 100 + number } }
        _ = try plane.write(.add, try routeWrite(plane, "10.0.1.0/24", metric: 5, ["eth1"]))
        let later = plane.log.head
        plane.acknowledge([(listeners[1].id, listeners[1].version, later)])
        #expect(try plane.listener("two").acknowledged == later)
    }

    @Test("A restart leaves them as they were, from the journal or a checkpoint", arguments: [1 << 10, 64 << 20])
    func restart(checkpointBytes: Int) throws {
        let store = MemoryStore()
        var limits = ControlPlane.Limits(logBytes: 1 << 20)
        limits.checkpointBytes = checkpointBytes
        let first = try ControlPlane(limits: limits, store: store)
        let kept = try first.addListener(settings("kept", role: .driver, everything)).listener
        let gone = try first.addListener(settings("gone")).listener
        _ = try first.addListener(settings("changed"))
        for number in 0..<60 {
            _ = try first.write(.add, try routeWrite(first, "10.0.\(number).0/24", metric: 5, ["eth1"]))
            first.acknowledge([(kept.id, kept.version, first.log.head)])
        }
        _ = try first.removeListener(gone.id)
        _ = try first.changeListener(try first.listener("changed").id) { $0.onOverflow = .reset }
        let all = first.presentListeners
        let head = first.log.head
        #expect(eventually { first.log.durable == head })
        let crashed = store.reopened()
        first.close()
        #expect((store.contents.checkpoint != nil) == (checkpointBytes < 1 << 20))
        for again in [crashed, store.reopened()] {
            let second = try ControlPlane(limits: limits, store: again)
            #expect(second.presentListeners == all && all.count == 2 && all[0].acknowledged > kept.version)
            second.close()
        }
    }

    @Test("No stream hears of them")
    func silent() throws {
        let head = plane.log.head
        _ = try plane.addListener(settings("one"))
        let run = try #require(plane.log.read(after: head))
        var filter = EventFilter()
        filter.kinds = Set(ObjectKind.allCases)
        #expect(run.count == 1 && run.allSatisfy { !filter.selects($0) })
    }
}
