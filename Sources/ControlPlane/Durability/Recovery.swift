internal import Addressing
internal import Bytes
internal import ChangeLog
internal import PathAttributes
internal import Routing
internal import Storage
internal import Threads
internal import TrafficControl

/// The state can't be had from the store, and why.
public struct RecoveryError: Error, Sendable {
    public let message: String
}

/// Where a recovery left off.
struct RecoveredPlace {
    var summaries = KindSummaries()
    /// Numbers up to this one may have been given out.
    var reserved: UInt64 = 0
    var bytesSinceCheckpoint = 0
    var peers: [String: PeerImages] = [:]
    /// There were some, at some time.
    var hasPeers = false
    /// Namespaces have no rules because none were kept yet, before version 4.
    var lacksRules = true
}

/// Builds the state from what a store holds: the checkpoint, then what the journal has after it. What the journal has from
/// before goes into the log only, so that cursors of before work.
struct Recovery {
    private(set) var namespaces: [String: Namespace] = [:]
    private(set) var log: Log<Change>
    private(set) var operations: [ChangeSequence: UnfinishedOperation] = [:]
    private(set) var listeners: [ChangeSequence: StoredListener] = [:]
    private(set) var devices = DeviceObjects()
    private(set) var place = RecoveredPlace()
    private let logBytes: Int
    private let ground: TrafficGround
    private var checkpoint = ChangeSequence.zero
    private var isFirstBatch = true
    /// By namespace, the latest operation that removes users of nexthops.
    private var userRemovals: [String: (transaction: ChangeSequence, cause: ChangeSequence)] = [:]
    /// Where the latest change removed a block, and of which transaction it was.
    private var parting: (namespace: Namespace, transaction: ChangeSequence?)?
    /// Of the latest route; nil after a change of a namespace.
    private var latest: Namespace?

    /// Reads all of the store, and changes nothing in it.
    init(_ store: any Store, logBytes: Int, _ ground: TrafficGround = .ofReaders) throws(RecoveryError) {
        self.logBytes = logBytes
        self.ground = ground
        let contents = store.contents
        checkpoint = ChangeSequence(rawValue: contents.checkpoint?.sequence ?? 0)
        log = Log(byteLimit: logBytes, start: checkpoint, isVolatile: false)
        place.reserved = contents.reserved
        do {
            try readCheckpoint(store, contents)
            try store.readJournal { batch in try read(batch) }
        } catch let error as RecoveryError {
            throw error
        } catch let error as StoreError {
            throw RecoveryError(message: error.message)
        } catch {
            throw RecoveryError(message: "the store can't be read: \(error)")
        }
        parting?.namespace.traffic.forgetParted()
        log.skip(past: ChangeSequence(rawValue: contents.reserved), hasAside: place.hasPeers)
        try compareSummaries()
        dropRemoved()
    }

    /// Of links with which something is wrong, by namespace.
    var impairments: [String: [String: LinkImpairment]] {
        namespaces.mapValues { $0.state.withLock { $0.impairments } }.filter { !$1.isEmpty }
    }

    /// Namespaces whose removal is through; the last step of it changes nothing that is told. Peers had gone before the routes, and may
    /// be there again as they were stored before that.
    private mutating func dropRemoved() {
        namespaces = namespaces.filter { !$1.isClosing || !$1.isEmptyButForPeers }
        operations = operations.filter { _, operation in
            operation.removedNamespace.map { namespaces[$0] != nil } ?? true
        }
    }

    private mutating func readCheckpoint(_ store: any Store, _ contents: StoreContents) throws {
        guard let found = contents.checkpoint else { return }
        try store.readCheckpoint { part in try self.read(part: part) }
        var reader = RecordReader(found.summary)
        place.summaries = try Self.damaged("the checkpoint at \(found.sequence)") { () throws(RecordReader.Malformed) in
            if found.summary.first != 0 { return try reader.formerSummaries() }
            _ = try reader.bytes.byte()
            return try reader.summaries()
        }
        try compareSummaries()
    }

    // MARK: Parts of the checkpoint

    private mutating func read(part: [UInt8]) throws(RecoveryError) {
        var reader = RecordReader(part, now: ground.clock())
        try Self.damaged("a part of the checkpoint at \(checkpoint.rawValue)") { () throws(RecordReader.Malformed) in
            switch RecordKind(rawValue: try reader.bytes.byte()) {
            case .state: try readState(&reader)
            case .formerState: try readFormerState(&reader)
            case .objects: try readObjects(&reader)
            case .routes: try readRoutes(&reader)
            case .traffic: try readTraffic(&reader)
            case .peers: try readPeers(&reader)
            default: throw reader.bytes.malformed("a part of an unknown kind")
            }
            if !reader.isAtEnd { throw reader.bytes.malformed("more than there should be") }
        }
    }

    private mutating func readState(_ reader: inout RecordReader) throws(RecordReader.Malformed) {
        for _ in 0..<(try reader.bytes.count()) {
            let name = try reader.bytes.text()
            guard ControlPlane.isValidNamespaceName(name), namespaces[name] == nil else {
                throw reader.bytes.malformed("the namespace '\(name)'")
            }
            namespaces[name] = Namespace(name: name, stored: nil, ground)
        }
        try readOperations(&reader)
        for listener in try reader.listeners() { listeners[listener.id] = listener }
        // Stores in which nothing was ever set of devices may end here.
        if !reader.isAtEnd { devices = DeviceObjects(hasHadAny: try reader.bytes.byte() != 0) }
        if !reader.isAtEnd { place.lacksRules = try reader.bytes.byte() == 0 }
        if !reader.isAtEnd { place.hasPeers = try reader.bytes.byte() != 0 }
    }

    private mutating func readFormerState(_ reader: inout RecordReader) throws(RecordReader.Malformed) {
        reader.form = .former
        for _ in 0..<(try reader.bytes.count()) {
            let name = try reader.bytes.text()
            guard ControlPlane.isValidNamespaceName(name), namespaces[name] == nil else {
                throw reader.bytes.malformed("the namespace '\(name)'")
            }
            let isThere = try reader.bytes.byte() != 0
            let stored = isThere ? try reader.storedNamespace(name) : nil
            namespaces[name] = Namespace(name: name, stored: stored, ground)
        }
        try readOperations(&reader)
        // Stores of version 1 end here.
        guard !reader.isAtEnd else { return }
        for listener in try reader.listeners() { listeners[listener.id] = listener }
    }

    private mutating func readOperations(_ reader: inout RecordReader) throws(RecordReader.Malformed) {
        for _ in 0..<(try reader.bytes.count()) {
            let cause = try reader.sequence()
            let reason = try reader.bytes.text()
            let remainder = try reader.remainder()
            operations[cause] = UnfinishedOperation(cause: cause, reason: reason, remainder: remainder)
        }
    }

    private mutating func readObjects(_ reader: inout RecordReader) throws(RecordReader.Malformed) {
        while !reader.isAtEnd {
            let object = try reader.object()
            if object.kind == .device {
                devices.set(object)
                continue
            }
            guard let namespace = namespaces[object.namespace] else {
                throw reader.bytes.malformed("an object of a namespace that isn't there")
            }
            namespace.restore(object)
        }
    }

    private func readTraffic(_ reader: inout RecordReader) throws(RecordReader.Malformed) {
        while !reader.isAtEnd {
            let row = try reader.trafficChange(hasOld: false, hasNew: true)
            guard namespaces[row.namespace]?.traffic.restore(row.change) != nil else {
                throw reader.bytes.malformed("a \(row.kind.rawValue) that doesn't fit those before it")
            }
        }
    }

    private func readRoutes(_ reader: inout RecordReader) throws(RecordReader.Malformed) {
        let identity = try reader.table()
        guard let namespace = namespaces[identity.namespace] else {
            throw reader.bytes.malformed("routes of a namespace that isn't there")
        }
        // Out of the closure's sight while it changes.
        var rows = reader
        defer { reader = rows }
        try namespace.state.withLock { (state) throws(RecordReader.Malformed) in
            guard let index = try? state.indexCreating(identity) else { throw rows.bytes.malformed("too many tables") }
            while !rows.isAtEnd {
                let key = try rows.key(identity.family)
                let stored = try rows.storedRoute(at: key).with(state.infos)
                guard state.tables[index].table.restore(stored, for: key) else {
                    throw rows.bytes.malformed("one route twice")
                }
            }
        }
    }

    // MARK: The journal

    private mutating func read(_ batch: JournalBatch) throws(RecoveryError) {
        if isFirstBatch {
            isFirstBatch = false
            // The journal goes back further than the checkpoint: that is history to tell.
            let start = ChangeSequence(rawValue: batch.first - 1)
            if start < checkpoint { log = Log(byteLimit: logBytes, start: start, isVolatile: false) }
        }
        let name = "batch \(batch.first)-\(batch.last) of the journal"
        var reader = RecordReader(batch.body, now: ground.clock())
        if batch.body.first == RecordKind.peers.rawValue { return try readPeers(batch, name, &reader) }
        var changes: [Change] = []
        let summaries = try Self.damaged(name) { () throws(RecordReader.Malformed) in
            let kind = RecordKind(rawValue: try reader.bytes.byte())
            if kind == .formerChanges { reader.form = .former }
            guard kind == .changes || kind == .formerChanges, try reader.bytes.varint() == batch.first else {
                throw reader.bytes.malformed("another record")
            }
            var position = ChangeSequence(rawValue: batch.first - 1)
            while position.rawValue < batch.last {
                let change = try reader.change(after: position)
                changes.append(change)
                position = change.sequence
            }
            let summaries = kind == .changes ? try reader.summaries() : try reader.formerSummaries()
            guard position.rawValue == batch.last, reader.isAtEnd else { throw reader.bytes.malformed("another end") }
            return summaries
        }
        for start in stride(from: 0, to: changes.count, by: Self.changesAhead) {
            let some = changes[start..<min(start + Self.changesAhead, changes.count)]
            prefetch(some)
            for change in some { try take(change, name) }
        }
        if batch.last > checkpoint.rawValue {
            place.summaries = summaries
            place.bytesSinceCheckpoint += batch.body.count
        }
    }

    private mutating func readPeers(
        _ batch: JournalBatch, _ name: String, _ reader: inout RecordReader
    ) throws(RecoveryError) {
        place.hasPeers = true
        guard batch.last > checkpoint.rawValue else { return }
        // Versions of peers are numbers up to this one.
        log.reach(ChangeSequence(rawValue: batch.last))
        place.bytesSinceCheckpoint += batch.body.count
        try Self.damaged(name) { () throws(RecordReader.Malformed) in
            _ = try reader.bytes.byte()
            try readPeers(&reader)
        }
    }

    /// Those that count no more are left out, and so are those of namespaces that have gone since.
    private func readPeers(_ reader: inout RecordReader) throws(RecordReader.Malformed) {
        let now = ground.clock()
        while !reader.isAtEnd {
            let row = try reader.peer()
            guard let namespace = namespaces[row.namespace] else { continue }
            let peers = namespace.paths[row.address.family]
            if let information = row.information, !information.valid(at: now).isEmpty {
                peers.restore(row.address, information, source: row.source, version: row.version)
            } else {
                peers.restoreAbsence(of: row.address)
            }
        }
    }

    /// In no order, each change would wait for memory of its own; this way some wait together.
    private static let changesAhead = 64

    /// Nearly all changes are in the same namespace as the one before.
    private mutating func namespace(of route: RouteChange) -> Namespace? {
        if let latest, latest.name == route.table.namespace { return latest }
        latest = namespaces[route.table.namespace]
        return latest
    }

    private mutating func prefetch(_ changes: ArraySlice<Change>) {
        for stage in [PrefetchStage.branch, .leaf] {
            for change in changes where change.sequence > checkpoint {
                guard case .route(let route) = change.object else { continue }
                namespace(of: route)?.prefetch(route, stage)
            }
        }
    }

    private mutating func take(_ change: Change, _ name: String) throws(RecoveryError) {
        // A block that the same transaction brings back is the same one.
        if let parting, change.batch == nil || parting.transaction != change.batch?.transaction {
            parting.namespace.traffic.forgetParted()
            self.parting = nil
        }
        if case .object(let object) = change.object, object.object.kind == .rule { place.lacksRules = false }
        guard change.sequence > checkpoint else { return log.restore(change) }
        switch change.object {
        case .route(let route):
            guard let change = namespace(of: route)?.restore(change, route) else {
                throw Self.mismatch(name, "change \(change.sequence.rawValue) doesn't fit the routes before it")
            }
            log.restore(change)
        // Never in a record.
        case .hardware, .device, .notice, .peer, .peerStorage: break
        case .status: log.restore(change)
        case .operationEnd(let cause):
            operations[cause] = nil
            log.restore(change)
        case .listener(let listener):
            if let id = listener.old?.id { listeners[id] = nil }
            if let new = listener.new { listeners[new.id] = new }
            log.restore(change)
        case .traffic(let traffic):
            guard let kept = namespaces[traffic.namespace]?.traffic.restore(traffic.change) else {
                throw Self.mismatch(name, "change \(change.sequence.rawValue) doesn't fit the filters before it")
            }
            log.restore(change.with(TrafficObjectChange(traffic.namespace, kept)))
        case .object(let object):
            guard take(object, of: change) else {
                throw Self.mismatch(name, "change \(change.sequence.rawValue) is of a namespace that isn't there")
            }
            log.restore(change)
        }
        guard let batch = change.batch, let cause = batch.cause else { return }
        // Qdiscs and filters go before the routes, and say nothing of what remains.
        if change.isOfTraffic { return }
        // What followed at once, within the transaction of the cause, says nothing of the runs after that.
        if operations[cause.sequence] != nil, batch.transaction <= cause.sequence { return }
        operations[cause.sequence] = batch.remainder.map { remainder in
            UnfinishedOperation(cause: cause.sequence, reason: cause.reason, remainder: remainder)
        }
    }

    private mutating func take(_ object: ObjectChange, of change: Change) -> Bool {
        let name = object.object.namespace
        if object.object.kind == .device {
            devices.apply(object)
            return true
        }
        guard object.object.kind == .namespace else {
            guard let namespace = namespaces[name] else { return false }
            noteUsers(of: object, change, namespace)
            if let new = object.new { namespace.restore(new) } else { namespace.remove(object.object) }
            if object.new == nil, object.object.kind == .block {
                parting = (namespace, change.batch?.transaction)
            }
            if let operation = namespace.cascade(of: object, change) { operations[change.sequence] = operation }
            return true
        }
        latest = nil
        guard let new = object.new else {
            namespaces[name]?.close()
            operations[change.sequence] = UnfinishedOperation(removing: name, change.sequence)
            return true
        }
        if let present = namespaces[name], !present.isClosing {
            present.restore(new)
        } else {
            // It could only come back when the removal of the former one was through.
            operations = operations.filter { $1.removedNamespace != name }
            namespaces[name] = Namespace(name: name, stored: new, ground)
        }
        return true
    }

    /// As the draft that removed a nexthop did it (`RouteDraft.begin(removingUsersOf:in:_:)`).
    private mutating func noteUsers(of object: ObjectChange, _ change: Change, _ namespace: Namespace) {
        guard object.new == nil, !namespace.isClosing,
            let id = namespace.state.withLock({ $0.usedNextHop(object.object) })
        else { return }
        let transaction = change.batch?.transaction ?? change.sequence
        if let open = userRemovals[namespace.name], open.transaction == transaction,
            let operation = operations[open.cause]
        {
            operations[open.cause] = operation.joined(by: id, change.sequence)
        } else {
            userRemovals[namespace.name] = (transaction, change.sequence)
            operations[change.sequence] = UnfinishedOperation(
                removingUsersOf: id, in: namespace.name, change.sequence)
        }
    }

    // MARK: Errors

    private static func damaged<Result>(
        _ name: String, _ read: () throws(RecordReader.Malformed) -> Result
    ) throws(RecoveryError) -> Result {
        do throws(RecordReader.Malformed) {
            return try read()
        } catch {
            throw mismatch(name, "\(error.what) at byte \(error.offset)")
        }
    }

    private static func mismatch(_ what: String, _ detail: String) -> RecoveryError {
        RecoveryError(
            message:
                "the store is damaged: in \(what): \(detail). Nothing was changed. Put a copy of the data directory "
                + "back, or start with another --data-dir; `fibd check` tells more")
    }

    /// Whether what was rebuilt adds up to what was written down.
    private func compareSummaries() throws(RecoveryError) {
        var found = KindSummaries()
        found.devices = devices.summary
        for namespace in namespaces.values {
            let traffic = TrafficImage(namespace.traffic)
            for kind in ObjectKind.ofTraffic { found[kind] += traffic.summary(of: kind) }
            namespace.state.withLock { state in
                for kind in ObjectKind.ofObjects where kind.hasNamespace {
                    found[kind] += state.objects.summary(of: kind)
                }
                for (_, table) in state.tables { found.routes += table.image.summary }
            }
        }
        guard found != place.summaries else { return }
        let differences = KindSummaries.kinds.filter { found[$0] != place.summaries[$0] }.map { kind in
            let (count, expected) = (found[kind].count, place.summaries[kind].count)
            return "it has \(count) of kind \(kind.rawValue), and should have \(expected)"
                + (count == expected ? " with other contents" : "")
        }
        throw Self.mismatch("the state at \(log.head.rawValue)", differences.joined(separator: "; "))
    }
}
