internal import ChangeLog
internal import PathAttributes
internal import Routing

/// What a record begins with.
enum RecordKind: UInt8 {
    /// `changes`, as versions 1 and 2 have them: with the summaries of namespaces and routes only.
    case formerChanges = 1
    /// `state`, as versions 1 and 2 have it: with the namespaces' settings.
    case formerState = 2
    /// Routes of one table, in its order.
    case routes = 3
    /// Changes in the order of their numbers, then the summaries of the state after them.
    case changes = 4
    /// The names of all namespaces, operations that go on, listeners, and whether a device's settings were ever kept.
    case state = 5
    /// Objects other than routes, of any namespace or of none; each after its namespace.
    case objects = 6
    /// Actions, chains and filters; each after its block and what it has of actions.
    case traffic = 7
    /// Peers: in a checkpoint all of which something is known, in the journal what became of them since they were stored before.
    case peers = 8
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
    static func state(of snapshot: Snapshot) -> [UInt8] {
        var writer = RecordWriter()
        writer.append(byte: RecordKind.state.rawValue)
        writer.append(UInt64(snapshot.namespaces.count))
        for namespace in snapshot.namespaces { writer.append(namespace.name) }
        writer.append(UInt64(snapshot.unfinished.count))
        for operation in snapshot.unfinished {
            writer.append(operation.cause.rawValue)
            writer.append(operation.reason)
            writer.append(operation.remainder)
        }
        writer.append(snapshot.listeners)
        writer.append(byte: snapshot.deviceObjects.hasHadAny ? 1 : 0)
        // Namespaces have the rules they are to have.
        writer.append(byte: 1)
        writer.append(byte: snapshot.hasHadPeers ? 1 : 0)
        return writer.bytes
    }
}

/// Writes a snapshot as the parts of a checkpoint, some rows at a time.
struct CheckpointWriter {
    /// Rows of one part. Long enough that what is common to them weighs little, short enough that no one waits for it.
    static let rowsOfPart = 2_048

    let snapshot: Snapshot
    private var objects: ArraySlice<StoredObject>
    private var traffic: TrafficWalk
    private var nextTraffic: TrafficObject?
    private var peers: PeerWalk
    private var nextPeer: PeerEntry?
    private var walk: RouteWalk
    private var next: (TableIdentity, PlacedRoute)?
    private var hasBegun = false
    /// Parts that were made.
    private(set) var count = 0

    init(_ snapshot: Snapshot) {
        self.snapshot = snapshot
        objects = EventFilter.everything.objects(of: snapshot)[...]
        traffic = EventFilter.everything.traffic(of: snapshot)
        nextTraffic = traffic.next()
        peers = PeerWalk(snapshot, families: nil)
        nextPeer = peers.next()
        walk = RouteWalk(snapshot, RouteSelection())
        next = walk.next()
    }

    var isAtEnd: Bool { hasBegun && objects.isEmpty && nextTraffic == nil && nextPeer == nil && next == nil }

    mutating func part() -> [UInt8] {
        count += 1
        guard hasBegun else {
            hasBegun = true
            return RecordWriter.state(of: snapshot)
        }
        var writer = RecordWriter(reserving: 128 << 10)
        if !objects.isEmpty {
            writer.append(byte: RecordKind.objects.rawValue)
            for object in objects.prefix(Self.rowsOfPart) { writer.append(object) }
            objects = objects.dropFirst(Self.rowsOfPart)
            return writer.bytes
        }
        if nextTraffic != nil {
            writer.append(byte: RecordKind.traffic.rawValue)
            for _ in 0..<Self.rowsOfPart {
                guard let row = nextTraffic else { break }
                writer.append(row)
                nextTraffic = traffic.next()
            }
            return writer.bytes
        }
        if nextPeer != nil {
            writer.append(byte: RecordKind.peers.rawValue)
            for _ in 0..<Self.rowsOfPart {
                guard let row = nextPeer else { break }
                if !row.stored.information.isEmpty { writer.append(row) }
                nextPeer = peers.next()
            }
            return writer.bytes
        }
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
        // What versions 1 and 2 have there begins with a number of namespaces, and there always was one.
        writer.append(byte: 0)
        writer.append(EventFilter.everything.summaries(of: snapshot))
        return writer.bytes
    }
}
