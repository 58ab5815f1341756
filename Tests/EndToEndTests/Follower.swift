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
    private var summary = Summary()
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
            summary = other.summary
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
            (entries, summary) = ([:], Summary())
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
    }

    private func takeObject(_ frame: EventFrame, _ data: JSONValue) throws {
        let operation = try #require(data["op"]?.string)
        let canonical = try #require(data["entry"]).canonical
        #expect(frame.data.contains("\"entry\":\(canonical),"), "not canonical: \(frame.data)")
        let hash = entryHash(canonical)
        if operation == "replay" {
            #expect(frame.id == nil)
            #expect(data["h"]?.string == hash.text)
            return add(hash, canonical)
        }
        let sequence = try #require(data["seq"]?.number)
        if frame.data.hasSuffix(",\"catchup\":true}") {
            // What changed while the rows came, told without places in the log.
            caughtUp += 1
            #expect(frame.id == nil)
            return apply(operation, data, hash, canonical)
        }
        operations.append(operation)
        let previous = try #require(data["prev"]?.number)
        #expect(previous <= position, "a loss before \(frame.data)")
        if let lastSelected { #expect(previous == lastSelected, "prev of \(frame.data)") }
        lastSelected = sequence
        #expect(sequence > position, "not in order: \(frame.data)")
        #expect(try #require(data["version"]?.number) <= sequence)
        #expect(frame.id?.contains("-\(sequence)-") == true)
        position = sequence
        apply(operation, data, hash, canonical)
    }

    private func apply(_ operation: String, _ data: JSONValue, _ hash: EntryHash, _ canonical: String) {
        if operation == "delete" {
            #expect(data["h"] == nil)
            #expect(data["was"]?.string == hash.text)
            return remove(hash.text)
        }
        #expect(data["h"]?.string == hash.text)
        if let was = data["was"]?.string { remove(was) }
        add(hash, canonical)
    }

    private func add(_ hash: EntryHash, _ canonical: String) {
        entries[hash.text, default: []].append(canonical)
        summary.add(hash)
    }

    private func remove(_ hash: String) {
        guard let entry = entries[hash]?.popLast() else {
            Issue.record("\(hash) goes but never came")
            return
        }
        if entries[hash]?.isEmpty == true { entries[hash] = nil }
        summary.remove(entryHash(entry))
    }
}
