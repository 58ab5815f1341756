import Addressing
import ChangeLog
import Routing
import Storage
import TestSupport
import Testing

@testable import ControlPlane

/// What devices are set to, as objects that are kept.
@Suite struct DeviceSettingsTests {
    private func plane(_ store: MemoryStore, checkpointBytes: Int = 64 << 20) throws -> ControlPlane {
        var limits = ControlPlane.Limits(logBytes: 1 << 20)
        limits.checkpointBytes = checkpointBytes
        return try ControlPlane(limits: limits, store: store)
    }

    private func settings(_ name: String, seed: Int = 1) -> DeviceSettings {
        DeviceSettings(name: name, entry: #"{"name":"\#(name)","seed":\#(seed)}"#)
    }

    private func reason(_ body: () throws -> Void) -> FIBError.Reason? {
        do { try body() } catch { return (error as? FIBError)?.reason }
        return nil
    }

    private func versions(_ plane: ControlPlane) -> [String: UInt64] {
        let pairs = plane.keptDevices.all.map { ($0.device?.name ?? "", $0.version.rawValue) }
        return Dictionary(uniqueKeysWithValues: pairs)
    }

    @Test("Settings are created, replaced and removed by numbered changes; the same again is none")
    func changes() throws {
        let plane = ControlPlane(limits: .init(logBytes: 1 << 20))
        let start = plane.log.head
        let created = try plane.putDeviceSettings(settings("asic0"))
        #expect(created.outcome == .created && created.sequence == start.next && created.object.version == start.next)
        let same = try plane.putDeviceSettings(settings("asic0"))
        #expect(same.outcome == .unchanged && same.object === created.object && plane.log.head == start.next)
        let replaced = try plane.putDeviceSettings(settings("asic0", seed: 2))
        #expect(replaced.outcome == .replaced && replaced.object.hash != created.object.hash)
        let tried = try plane.removeDeviceSettings("asic0", dryRun: true)
        #expect(tried.outcome == .deleted && plane.keptDevices["asic0"] != nil)
        let removed = try plane.removeDeviceSettings("asic0")
        #expect(removed.outcome == .deleted && removed.object === replaced.object)
        #expect(plane.keptDevices.all.isEmpty && plane.keptDevices.hasHadAny)
        let operations = plane.log.read(after: start)?.map(\.operation)
        #expect(operations == [.add, .replace, .delete])
    }

    @Test("A condition that doesn't hold changes nothing")
    func conditions() throws {
        let plane = ControlPlane(limits: .init(logBytes: 1 << 20))
        let version = try plane.putDeviceSettings(settings("asic0"), condition: .absent).object.version
        let head = plane.log.head
        let wrong = WriteCondition.version(version.next)
        #expect(
            reason { _ = try plane.putDeviceSettings(settings("asic0", seed: 2), condition: .absent) }
                == .versionMismatch)
        #expect(
            reason { _ = try plane.putDeviceSettings(settings("asic0", seed: 2), condition: wrong) }
                == .versionMismatch)
        #expect(reason { _ = try plane.putDeviceSettings(settings("asic1"), condition: wrong) } == .versionMismatch)
        #expect(reason { _ = try plane.removeDeviceSettings("asic0", condition: wrong) } == .versionMismatch)
        #expect(reason { _ = try plane.removeDeviceSettings("asic1") } == .deviceNotFound)
        #expect(plane.log.head == head)
        #expect(
            try plane.putDeviceSettings(settings("asic0", seed: 2), condition: .version(version)).outcome == .replaced)
    }

    @Test(
        "What was set is there after a restart, with its versions, and so is that something was",
        arguments: [1, 64 << 20])
    func roundTrip(checkpointBytes: Int) throws {
        let store = MemoryStore()
        let first = try plane(store, checkpointBytes: checkpointBytes)
        #expect(!first.keptDevices.hasHadAny)
        // Longer than a key of an image has room for, and alike up to there.
        let names = [String(repeating: "x", count: 62) + "a", String(repeating: "x", count: 62) + "b", "asic0"]
        for name in names { _ = try first.putDeviceSettings(settings(name)) }
        _ = try first.putDeviceSettings(settings("asic0", seed: 7))
        first.close()
        #expect((store.contents.checkpoint != nil) == (checkpointBytes == 1))
        let second = try plane(store.reopened(), checkpointBytes: checkpointBytes)
        #expect(versions(second) == versions(first) && versions(second).count == 3)
        #expect(second.keptDevices["asic0"]?.device == settings("asic0", seed: 7))
        second.close()
    }

    @Test("That a device was removed outlives its changes", arguments: [1, 64 << 20])
    func removal(checkpointBytes: Int) throws {
        let store = MemoryStore()
        let first = try plane(store, checkpointBytes: checkpointBytes)
        _ = try first.putDeviceSettings(settings("asic0"))
        _ = try first.removeDeviceSettings("asic0")
        for number in 0..<20 {
            _ = try first.putNamespace("n\(number)") { _ in NamespaceSettings() }
            let head = first.log.head
            #expect(eventually { first.log.durable >= head })
        }
        first.close()
        let second = try plane(store.reopened())
        defer { second.close() }
        #expect(second.keptDevices.all.isEmpty && second.keptDevices.hasHadAny)
    }

    @Test("A store of version 3 from before devices were kept is read, and one goes on from there")
    func former() throws {
        let store = MemoryStore(reserved: 1)
        let namespace = StoredObject(
            .namespace(NamespaceSettings()), in: "default", version: ChangeSequence(rawValue: 1))
        var state = RecordWriter()
        state.append(byte: RecordKind.state.rawValue)
        state.append(1)
        state.append("default")
        // No operation goes on, and there are no listeners.
        state.append(0)
        state.append(0)
        var objects = RecordWriter()
        objects.append(byte: RecordKind.objects.rawValue)
        objects.append(namespace)
        var write = StoreWrite()
        write.parts = (1, [state.bytes, objects.bytes])
        write.checkpoint = Checkpoint(sequence: 1, parts: 2, summary: [0] + sums([namespace]))
        try store.commit(write)
        let first = try plane(store.reopened())
        #expect(!first.keptDevices.hasHadAny)
        _ = try first.putDeviceSettings(settings("asic0"))
        first.close()
    }

    @Test("A store whose sums say that a device is missing is refused, with its kind")
    func missing() throws {
        let store = MemoryStore(reserved: 1)
        let kept = StoredObject(.device(settings("asic0")), in: "", version: ChangeSequence(rawValue: 1))
        var writer = RecordWriter()
        writer.append(byte: RecordKind.changes.rawValue)
        writer.append(1)
        let change = Change(
            sequence: ChangeSequence(rawValue: 1), operation: .add, object: .object(ObjectChange(old: nil, new: kept)),
            batch: nil)
        writer.append(change, after: .zero)
        var summaries = KindSummaries()
        summaries.devices.add(kept.hash)
        summaries.devices.add(StoredObject(.device(settings("asic1")), in: "", version: .zero).hash)
        writer.append(summaries)
        var write = StoreWrite()
        write.batches = [JournalBatch(first: 1, last: 1, body: writer.bytes)]
        try store.commit(write)
        let error = #expect(throws: RecoveryError.self) { try plane(store.reopened()) }
        #expect(error?.message.contains("it has 1 of kind device, and should have 2") == true)
    }

    @Test("A difference tells what came, changed and went, in the order of names")
    func difference() throws {
        let plane = ControlPlane(limits: .init(logBytes: 1 << 20))
        for name in ["a", "b", "d"] { _ = try plane.putDeviceSettings(settings(name)) }
        let old = plane.snapshot()
        _ = try plane.putDeviceSettings(settings("b", seed: 2))
        _ = try plane.removeDeviceSettings("a")
        _ = try plane.putDeviceSettings(settings("c"))
        var filter = EventFilter()
        filter.kinds = [.device]
        var walk = SnapshotDifference(from: old, to: plane.snapshot(), filter)
        var told: [String] = []
        while case let (change?, _) = walk.next(limit: 10) {
            guard case .object(let object)? = change.new ?? change.old else { continue }
            told.append("\(change.operation) \(object.device?.name ?? "")")
        }
        #expect(told == ["delete a", "replace b", "add c"])
    }

    @Test("Streams that don't ask for the kind see nothing of it, nor do those that ask for what it has not")
    func selection() throws {
        let plane = ControlPlane(limits: .init(logBytes: 1 << 20))
        let start = plane.log.head
        _ = try plane.putDeviceSettings(settings("asic0"))
        let change = try #require(plane.log.read(after: start)?.first)
        var filter = EventFilter()
        #expect(!filter.selects(change) && filter.summaries(of: plane.snapshot()).devices.count == 0)
        filter.kinds = [.device]
        #expect(filter.selects(change) && filter.summaries(of: plane.snapshot()).devices.count == 1)
        let edits: [(inout RouteSelection) -> Void] = [
            { $0.namespaces = ["default"] }, { $0.families = [.inet] }, { $0.tables = [.main] },
            { $0.within = [.default(.inet)] }, { $0.protocols = [.bgp] },
        ]
        for edit in edits {
            var narrower = filter
            edit(&narrower.selection)
            #expect(!narrower.selects(change) && !narrower.selects(.device))
            #expect(narrower.objects(of: plane.snapshot()).isEmpty)
        }
    }

    /// As they were before there was the kind.
    private func sums(_ namespaces: [StoredObject]) -> [UInt8] {
        var writer = RecordWriter()
        writer.append(4)
        for kind in [ObjectKind.namespace, .link, .neigh, .route] {
            writer.append(kind.rawValue)
            writer.append(kind == .namespace ? namespaces.reduce(into: Summary()) { $0.add($1.hash) } : Summary())
        }
        return writer.bytes
    }
}
