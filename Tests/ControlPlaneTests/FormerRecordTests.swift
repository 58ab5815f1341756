import Addressing
import ChangeLog
import Routing
import Storage
import TestSupport
import Testing

@testable import ControlPlane

/// Stores of versions 1 and 2: namespaces apart from other objects, and sums of namespaces and routes only. They know nothing of
/// policy rules, and so does version 3.
@Suite struct FormerRecordTests {
    private static let settings: NamespaceSettings = {
        var settings = NamespaceSettings()
        settings.notifyOnFlagChangeIPv6 = 2
        return settings
    }()

    private static func append(_ settings: NamespaceSettings, to writer: inout RecordWriter) {
        writer.append(2)
        writer.append(byte: settings.notifyOnFlagChangeIPv4)
        writer.append(byte: settings.notifyOnFlagChangeIPv6)
    }

    private static func namespace(_ name: String, _ version: UInt64) -> StoredObject {
        StoredObject(.namespace(settings), in: name, version: ChangeSequence(rawValue: version))
    }

    private static func sum(of objects: [StoredObject]) -> Summary {
        objects.reduce(into: Summary()) { $0.add($1.hash) }
    }

    /// The namespaces `default` and `blue`, made and then one of them changed.
    private static func journal() -> JournalBatch {
        var writer = RecordWriter()
        writer.append(byte: 1)
        writer.append(1)
        for (index, name) in ["default", "blue"].enumerated() {
            // Addition, a namespace, has a new one.
            writer.append(byte: 0 | 1 << 3 | 1 << 5)
            writer.append(1)
            writer.append(name)
            append(index == 0 ? settings : NamespaceSettings(), to: &writer)
        }
        // Replacement, with the old one.
        writer.append(byte: 3 | 1 << 3 | 1 << 4 | 1 << 5)
        writer.append(1)
        writer.append("blue")
        writer.append(2)
        append(NamespaceSettings(), to: &writer)
        append(settings, to: &writer)
        writer.append(sum(of: [namespace("default", 1), namespace("blue", 3)]))
        writer.append(Summary())
        return JournalBatch(first: 1, last: 3, body: writer.bytes)
    }

    @Test("A journal of version 2 is read, and one goes on from there")
    func readsJournal() throws {
        let store = MemoryStore(reserved: 3)
        var write = StoreWrite()
        write.batches = [Self.journal()]
        try store.commit(write)
        try check(store.reopened(), versions: [1, 3])
    }

    @Test("A checkpoint of version 2 is read, and one goes on from there")
    func readsCheckpoint() throws {
        let store = MemoryStore(reserved: 3)
        var part = RecordWriter()
        part.append(byte: 2)
        part.append(2)
        for (name, version) in [("default", UInt64(1)), ("blue", 3)] {
            part.append(name)
            part.append(byte: 1)
            part.append(version)
            Self.append(Self.settings, to: &part)
        }
        // No operation goes on, and there are no listeners.
        part.append(0)
        part.append(0)
        var summary = RecordWriter()
        summary.append(Self.sum(of: [Self.namespace("default", 1), Self.namespace("blue", 3)]))
        summary.append(Summary())
        var write = StoreWrite()
        write.batches = [Self.journal()]
        write.parts = (3, [part.bytes])
        write.checkpoint = Checkpoint(sequence: 3, parts: 1, summary: summary.bytes)
        try store.commit(write)
        try check(store.reopened(), versions: [1, 3])
    }

    private func check(_ store: MemoryStore, versions: [UInt64]) throws {
        let limits = ControlPlane.Limits(logBytes: 1 << 20)
        let plane = try ControlPlane(limits: limits, store: store)
        for (name, version) in zip(["default", "blue"], versions) {
            let stored = try plane.storedNamespace(name).stored
            #expect(stored.settings == Self.settings && stored.version.rawValue == version)
            #expect(
                try plane.rules(RuleSelector(RuleFields()), in: name).0.compactMap(\.rule?.rule) == PolicyRule.defaults)
        }
        // In one transaction: a crash leaves all of them or none.
        let made = try #require(plane.log.read(after: ChangeSequence(rawValue: 3)))
        #expect(made.count == 10 && Set(made.map { $0.batch?.transaction }).count == 1)
        var local = RuleSelector(RuleFields())
        local.fields.priority = 0
        #expect(try plane.flushRules(local, in: ["blue"]).count == 2)
        _ = try plane.putNamespace("red") { _ in Self.settings }
        plane.close()
        let second = try ControlPlane(limits: limits, store: store.reopened())
        defer { second.close() }
        #expect(second.snapshot().namespaces.map(\.name) == ["blue", "default", "red"])
        // What was removed since doesn't come back.
        for (name, count) in [("blue", 3), ("default", 5), ("red", 5)] {
            #expect(try second.rules(RuleSelector(RuleFields()), in: name).0.count == count)
        }
    }
}
