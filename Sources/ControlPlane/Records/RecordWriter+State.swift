internal import ChangeLog
internal import Routing

/// What a record begins with.
enum RecordKind: UInt8 {
    /// Changes in the order of their numbers, then the summaries of the state after them.
    case changes = 1
    /// All namespaces, operations that go on, and listeners.
    case namespaces = 2
    /// Routes of one table, in its order.
    case routes = 3
}

/// A flush or a cascade that has made changes and is not through.
struct UnfinishedOperation: Hashable, Sendable {
    /// The change that brought it about, or its first.
    let cause: ChangeSequence
    let reason: String
    let remainder: OperationRemainder
}

extension RecordWriter {
    /// The part of a checkpoint that says which namespaces there are and what goes on.
    static func namespaces(of snapshot: Snapshot) -> [UInt8] {
        var writer = RecordWriter()
        writer.append(byte: RecordKind.namespaces.rawValue)
        writer.append(UInt64(snapshot.namespaces.count))
        for namespace in snapshot.namespaces {
            writer.append(namespace.name)
            writer.append(byte: namespace.stored == nil ? 0 : 1)
            if let stored = namespace.stored { writer.append(stored) }
        }
        writer.append(UInt64(snapshot.unfinished.count))
        for operation in snapshot.unfinished {
            writer.append(operation.cause.rawValue)
            writer.append(operation.reason)
            writer.append(operation.remainder)
        }
        writer.append(snapshot.listeners)
        return writer.bytes
    }
}

/// Writes a snapshot as the parts of a checkpoint, some rows at a time.
struct CheckpointWriter {
    /// Rows of one part. Long enough that what is common to them weighs little, short enough that no one waits for it.
    static let rowsOfPart = 2_048

    let snapshot: Snapshot
    private var walk: RouteWalk
    private var next: (TableIdentity, PlacedRoute)?
    private var hasBegun = false
    /// Parts that were made.
    private(set) var count = 0

    init(_ snapshot: Snapshot) {
        self.snapshot = snapshot
        walk = RouteWalk(snapshot, RouteSelection())
        next = walk.next()
    }

    var isAtEnd: Bool { hasBegun && next == nil }

    mutating func part() -> [UInt8] {
        count += 1
        guard hasBegun else {
            hasBegun = true
            return RecordWriter.namespaces(of: snapshot)
        }
        var writer = RecordWriter(reserving: 128 << 10)
        guard let (table, _) = next else { return writer.bytes }
        writer.append(byte: RecordKind.routes.rawValue)
        writer.append(table)
        var rows = 0
        while let (owner, route) = next, owner === table, rows < Self.rowsOfPart {
            writer.append(route.key, table.family)
            writer.append(route.value)
            rows += 1
            next = walk.next()
        }
        return writer.bytes
    }

    /// What is kept beside the parts: what they add up to.
    var summary: [UInt8] {
        var writer = RecordWriter()
        writer.append(EventFilter().summaries(of: snapshot))
        return writer.bytes
    }
}
