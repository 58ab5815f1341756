import ChangeLog
import TestSupport
import Testing

/// A subscriber that believes nothing: it keeps the state that the frames describe and checks all that can be checked.
///
/// Hashes are computed from the entries' bytes, digests from the hashes; `prev` and `was` must agree with what it has.
final class Follower {
    let reader: EventReader
    /// Canonical entry by object, as far as it has been told.
    private(set) var entries: [String: [String]] = [:]
    /// What is said beside an entry, by its hash; of routes only if something is wrong.
    private(set) var statuses: [String: String] = [:]
    private var summaries: [String: Summary] = [:]
    private var summary: Summary { summaries.values.reduce(into: Summary()) { $0 += $1 } }
    /// Objects that it knows of.
    var count: Int { summary.count }
    /// P of the contract: the number of the last delta, sync or cursor.
    private(set) var position: UInt64 = 0
    /// The number of the last change that its filter selects, once it has been told one.
    private var lastSelected: UInt64?
    private(set) var cursor: String?
    private(set) var operations: [String] = []
    /// Differences that came instead of changes that the log had forgotten.
    private(set) var caughtUp = 0

    init(_ reader: EventReader, resumingFrom other: Follower? = nil) {
        self.reader = reader
        if let other {
            entries = other.entries
            statuses = other.statuses
            summaries = other.summaries
            position = other.position
            lastSelected = other.lastSelected
        }
    }

    /// Takes frames up to and including the next sync.
    func followToSync() throws {
        while try take(reader.next()) != "sync" {}
    }

    /// Takes that many deltas; the names of their operations.
    @discardableResult
    func followDeltas(_ count: Int) throws -> [String] {
        let end = operations.count + count
        while operations.count < end { _ = try take(reader.next()) }
        return Array(operations.suffix(count))
    }

    @discardableResult
    func take(_ frame: EventFrame) throws -> String {
        let data = try frame.json()
        switch frame.event {
        case "hello": if data["mode"]?.string == "replay" { #expect(frame.id == "") }
        case "sync": try takeSync(data)
        case "reset":
            #expect(frame.id == "")
            (entries, statuses, summaries) = ([:], [:], [:])
            lastSelected = nil
        case "notice": #expect(frame.id == nil && data["h"] == nil)
        default: try takeObject(frame, data)
        }
        if let id = frame.id { cursor = id }
        return frame.event
    }

    private func takeSync(_ data: JSONValue) throws {
        position = try #require(data["seq"]?.number)
        #expect(data["count"]?.number == UInt64(summary.count))
        #expect(data["digest"]?.string == summary.digest.text)
        guard case .object(let counts)? = data["counts"], case .object(let digests)? = data["digests"] else {
            Issue.record("a sync without counts and digests by kind")
            return
        }
        #expect(counts.keys == digests.keys && Set(counts.keys).isSuperset(of: summaries.keys))
        for (kind, count) in counts {
            let known = summaries[kind] ?? Summary()
            #expect(count.number == UInt64(known.count), "the number of \(kind)")
            #expect(digests[kind]?.string == known.digest.text, "the digest of \(kind)")
        }
    }

    private func takeObject(_ frame: EventFrame, _ data: JSONValue) throws {
        let operation = try #require(data["op"]?.string)
        // What a device said is void: that is told whatever the kinds are, and of no entry.
        if operation == "restart" {
            #expect(frame.event == "device" && data["h"] == nil && data["was"] == nil)
            return try move(frame, data)
        }
        let canonical = try #require(data["entry"]).canonical
        #expect(frame.data.contains("\"entry\":\(canonical),"), "not canonical: \(frame.data)")
        let hash = entryHash(canonical)
        if operation == "replay" {
            #expect(frame.id == nil)
            #expect(data["h"]?.string == hash.text)
            return add(frame.event, hash, canonical, data["status"])
        }
        try move(frame, data)
        apply(operation, frame.event, data, hash, canonical)
    }

    /// What a change says of its place.
    private func move(_ frame: EventFrame, _ data: JSONValue) throws {
        let sequence = try #require(data["seq"]?.number)
        if frame.data.hasSuffix(",\"catchup\":true}") {
            // What changed while the rows came, told without places in the log.
            caughtUp += 1
            #expect(frame.id == nil)
            return
        }
        operations.append(try #require(data["op"]?.string))
        let previous = try #require(data["prev"]?.number)
        #expect(previous <= position, "a loss before \(frame.data)")
        if let lastSelected { #expect(previous == lastSelected, "prev of \(frame.data)") }
        lastSelected = sequence
        #expect(sequence > position, "not in order: \(frame.data)")
        #expect(try #require(data["version"]?.number) <= sequence)
        #expect(frame.id?.contains("-\(sequence)-") == true)
        position = sequence
    }

    private func apply(
        _ operation: String, _ kind: String, _ data: JSONValue, _ hash: EntryHash, _ canonical: String
    ) {
        if operation == "delete" {
            #expect(data["h"] == nil && data["status"] == nil)
            #expect(data["was"]?.string == hash.text)
            return remove(kind, hash.text)
        }
        #expect(data["h"]?.string == hash.text)
        if operation == "status" { #expect(data["was"] == data["h"] && data["status"] != nil) }
        if let was = data["was"]?.string { remove(kind, was) }
        add(kind, hash, canonical, data["status"])
    }

    private func add(_ kind: String, _ hash: EntryHash, _ canonical: String, _ status: JSONValue?) {
        entries[hash.text, default: []].append(canonical)
        summaries[kind, default: Summary()].add(hash)
        #expect((status != nil) || (kind != "link" && kind != "neigh"), "no status of \(canonical)")
        if let status, status.canonical.contains("\"flags\":[\"") || kind != "route" {
            statuses[hash.text] = status.canonical
        }
    }

    private func remove(_ kind: String, _ hash: String) {
        guard let entry = entries[hash]?.popLast() else {
            Issue.record("\(hash) goes but never came")
            return
        }
        if entries[hash]?.isEmpty == true { entries[hash] = nil }
        statuses[hash] = nil
        summaries[kind, default: Summary()].remove(entryHash(entry))
    }
}
