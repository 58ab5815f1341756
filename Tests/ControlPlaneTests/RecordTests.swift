import Addressing
import Bytes
import ChangeLog
import Routing
import ServiceSupport
import TestSupport
import Testing
import TrafficControl

@testable import ControlPlane

@Suite struct RecordTests {
    @Test("Changes are read as they were written", arguments: UInt64(1)...12)
    func roundTrip(seed: UInt64) throws {
        let changes = try Self.changes(seed)
        var reader = RecordReader(Self.record(changes))
        var position = ChangeSequence.zero
        for change in changes {
            let read = try reader.change(after: position)
            #expect(Self.text(read) == Self.text(change))
            position = read.sequence
        }
        #expect(reader.isAtEnd)
    }

    @Test("An info that doesn't say its metric, as none did before version 6, is of that of its route's key")
    func metricOfTheKey() throws {
        var fields = RouteInfo.Fields()
        fields.nextHops = [NextHop(device: "eth0")]
        let info = RouteInfo(fields)
        let table = TableIdentity(namespace: "default", family: .inet, id: .main)
        func change(_ sequence: UInt64, metric: UInt32) throws -> Change {
            let version = ChangeSequence(rawValue: sequence)
            let stored = StoredRoute(version: version, hash: EntryHash(high: 1, low: sequence), info: info)
            let key = RouteKey(try Prefix("10.0.0.0/8"), tos: 0, metric: metric, position: 0x8000)
            return Change(
                sequence: version, operation: .add,
                object: .route(RouteChange(table: table, key: key, old: nil, new: stored, best: .none)), batch: nil)
        }
        // The second names the info of the first by its number.
        var reader = RecordReader(Self.record([try change(1, metric: 20), try change(2, metric: 30)]))
        for (sequence, metric) in [(UInt64(0), UInt32(20)), (1, 30)] {
            let read = try reader.change(after: ChangeSequence(rawValue: sequence))
            guard case .route(let route) = read.object else { preconditionFailure("another object") }
            #expect(route.new?.info.fields.metric == metric && route.new?.info.nextHops == info.nextHops)
        }
    }

    @Test("A damaged record is refused or read as something valid; it never ends the process", arguments: UInt64(1)...6)
    func damage(seed: UInt64) throws {
        let bytes = Self.record(try Self.changes(seed))
        var random = SeededGenerator(seed: seed)
        var refused = 0
        for round in 0..<2_000 {
            var damaged = bytes
            if round % 4 == 0 { damaged.removeLast(Int.random(in: 1..<bytes.count, using: &random)) }
            for _ in 0..<Int.random(in: 1...3, using: &random) {
                damaged[Int.random(in: 0..<damaged.count, using: &random)] = UInt8.random(in: 0...255, using: &random)
            }
            var reader = RecordReader(damaged)
            var position = ChangeSequence.zero
            do {
                while !reader.isAtEnd { position = try reader.change(after: position).sequence }
            } catch {
                #expect(error.offset <= damaged.count)
                refused += 1
            }
        }
        #expect(refused > 500)
    }

    @Test("A route takes few bytes: an add of a table with few infos less than 40")
    func size() throws {
        let plane = ControlPlane(limits: .init(logBytes: 64 << 20))
        let writer = EntryWriter()
        var fields = RouteInfo.Fields()
        fields.nextHops = [NextHop(gateway: IPAddress(inet: 0xc000_0201))]
        let info = RouteInfo(fields)
        let table = try plane.table("default", .inet, .main)
        for number in UInt32(0)..<1_000 {
            let prefix = try Prefix(address: IPAddress(inet: 10 << 24 | number << 8), length: 24)
            _ = try plane.write(.add, RouteWrite(table, Route(prefix: prefix, info: info), writer))
        }
        #expect(Self.record(Self.all(plane.log)).count < 40 * 1_000)
    }

    // MARK: Records

    private static func changes(_ seed: UInt64) throws -> [Change] {
        let plane = ControlPlane(limits: .init(logBytes: 64 << 20))
        var writer = RandomWriter(seed: seed)
        for _ in 0..<500 { writer.step(plane) }
        let changes = all(plane.log)
        #expect(changes.count > 150)
        return changes
    }

    private static func all(_ log: Log<Change>) -> [Change] {
        var changes: [Change] = []
        while let run = log.read(after: changes.last?.sequence ?? .zero), !run.isEmpty { changes += run }
        return changes
    }

    private static func record(_ changes: [Change]) -> [UInt8] {
        var writer = RecordWriter()
        var position = ChangeSequence.zero
        for change in changes {
            writer.append(change, after: position)
            position = change.sequence
        }
        return writer.bytes
    }

    /// All that a change says, as text.
    private static func text(_ change: Change) -> String {
        func text(_ stored: StoredRoute?) -> String {
            stored.map { "\($0.version.rawValue) \($0.hash) \($0.info.fields)" } ?? "-"
        }
        func text(_ stored: StoredObject?) -> String {
            stored.map { "\($0.namespace) \($0.value) \($0.status) \($0.version)" } ?? "-"
        }
        func text(_ object: TrafficObject?) -> String {
            guard let object else { return "-" }
            var bytes: [UInt8] = []
            object.appendEntry(to: &bytes)
            let place = if case .filter(_, let filter) = object { "\(filter.place)" } else { "" }
            return "\(object.version) \(object.hash) \(place) " + String(decoding: bytes, as: UTF8.self)
        }
        var parts = ["\(change.sequence.rawValue) \(change.operation)"]
        switch change.object {
        case .route(let route):
            let table = route.table
            parts += [
                "\(table.namespace) \(table.family) \(table.id)", "\(route.key)", text(route.old), text(route.new),
            ]
            switch route.best {
            case .displaced(let other), .promoted(let other): parts += ["\(other.key)", text(other.value)]
            // A record doesn't say that nexthops left, which only members of the chain are told.
            case .own(let nextHops): parts.append("own \(nextHops == .joined)")
            case .none: parts.append("none")
            }
        case .hardware, .device, .notice, .peer, .peerStorage: parts.append("volatile")
        case .traffic(let traffic): parts += [text(traffic.old), text(traffic.new)]
        case .operationEnd(let cause): parts.append("end of \(cause)")
        case .status(let status):
            parts += [
                "\(status.table.namespace) \(status.table.family) \(status.table.id)", "\(status.key)",
                text(status.route), "\(status.isFirst) \(status.legs)",
            ]
        case .listener(let listener):
            parts += [listener.old, listener.new].map { "\(String(describing: $0))" }
        case .object(let object): parts += [text(object.old), text(object.new)]
        }
        if let batch = change.batch {
            parts.append(
                "\(batch.transaction) \(String(describing: batch.cause)) \(String(describing: batch.remainder))")
        }
        return parts.joined(separator: "|")
    }
}
