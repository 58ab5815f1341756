internal import ChangeLog
internal import ControlPlane
internal import HTTPServer
internal import Routing

/// The rows of a replay, in list order, as far as they have not been written.
struct ReplayRows {
    let snapshot: Snapshot
    private let filter: EventFilter
    private var objects: ArraySlice<StoredObject>
    private var traffic: TrafficWalk
    private var peers: PeerWalk?
    private var routes: RouteWalk?
    /// Of the rows written so far.
    private(set) var summaries = KindSummaries()

    init(_ snapshot: Snapshot, _ filter: EventFilter) {
        self.snapshot = snapshot
        self.filter = filter
        objects = filter.objects(of: snapshot)[...]
        traffic = filter.traffic(of: snapshot)
        peers = filter.peers(of: snapshot)
        if filter.selectsRoutes {
            routes = RouteWalk(snapshot, filter.selection, firstsOnly: filter.view == .best)
        }
    }

    /// Appends rows, about `limit` bytes of them; false when none is left.
    mutating func write(_ encoder: EventEncoder, _ writer: EntryWriter, into bytes: inout [UInt8], limit: Int) -> Bool {
        while bytes.count < limit, let object = objects.popFirst() {
            encoder.row(object, into: &bytes)
            summaries[object.kind].add(object.hash)
        }
        while bytes.count < limit, let object = traffic.next() {
            encoder.row(object, into: &bytes)
            summaries[object.kind].add(object.hash)
        }
        while bytes.count < limit, let peer = peers?.next() {
            encoder.row(peer, into: &bytes)
            summaries.peers.add(peer.hash)
        }
        while bytes.count < limit {
            guard writeRoutes(encoder, writer, into: &bytes) else { return false }
        }
        return true
    }

    /// Where only keys decide, a node of an image at a time, else a route; false when none is left.
    private mutating func writeRoutes(
        _ encoder: EventEncoder, _ writer: EntryWriter, into bytes: inout [UInt8]
    ) -> Bool {
        if routes?.takesRuns ?? false {
            guard let (table, run) = routes?.nextRun() else { return false }
            encoder.rows(table, run, writer, into: &bytes)
            summaries.routes += run.summary
        } else {
            guard let (table, route) = routes?.next() else { return false }
            encoder.row(table, route.key, route.value, writer, into: &bytes)
            summaries.routes.add(route.value.hash)
        }
        return true
    }
}
