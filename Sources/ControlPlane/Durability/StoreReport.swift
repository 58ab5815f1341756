internal import ChangeLog
internal import Routing
public import Storage

/// What is in a store, for someone who looks at it without a server.
public struct StoreReport: Sendable {
    public let epoch: String
    /// Numbers of the first change that is still told and of the last one.
    public let history: (first: UInt64, last: UInt64)
    public let namespaces: Int
    public let routes: Int
    /// Of all entries, as a `sync` of a stream shows it that doesn't say which kinds: without what devices are set to.
    public let digest: String
    /// Flushes and removals of namespaces that the next start will finish.
    public let unfinished: Int

    /// Rebuilds the state as a start does, and computes each hash anew.
    ///
    /// Throws what would keep the server from starting, or the first route whose hash is of something else.
    public init(reading store: any Store, logBytes: Int) throws(RecoveryError) {
        let recovery = try Recovery(store, logBytes: logBytes)
        epoch = store.contents.epoch
        history = (recovery.log.mark.floor.next.rawValue, recovery.log.head.rawValue)
        namespaces = recovery.place.summaries.namespaces.count
        routes = recovery.place.summaries.routes.count
        unfinished = recovery.operations.count
        var summaries = recovery.place.summaries
        summaries.devices = Summary()
        var text: [UInt8] = []
        text.append(summaries.total.digest)
        digest = String(decoding: text, as: UTF8.self)
        let snapshot = Snapshot(
            sequence: recovery.log.head, namespaces: recovery.namespaces.values.map(\.snapshotPart),
            deviceObjects: recovery.devices,
            context: RowContext(),
            listeners: [], hasHadPeers: recovery.place.hasPeers, unfinished: [])
        try Self.checkHashes(snapshot)
    }

    private static func checkHashes(_ snapshot: Snapshot) throws(RecoveryError) {
        var walk = RouteWalk(snapshot, RouteSelection())
        let writer = EntryWriter()
        var traffic = EventFilter.everything.traffic(of: snapshot)
        while let object = traffic.next() {
            var bytes: [UInt8] = []
            object.appendEntry(to: &bytes)
            if EntryHash(of: bytes.span) == object.hash { continue }
            throw RecoveryError(
                message: "the store is damaged: the hash of a \(object.kind.rawValue) is of something else: "
                    + String(decoding: bytes, as: UTF8.self))
        }
        while let (table, route) = walk.next() {
            guard writer.hash(table, route.key, route.value.info) != route.value.hash else { continue }
            throw RecoveryError(
                message: "the store is damaged: the route to \(route.key.prefix(table.family)) in table "
                    + "\(table.id.name) of \(table.namespace) has the hash of another one")
        }
    }
}
