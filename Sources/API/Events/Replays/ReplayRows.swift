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
    private var isRenewed = false
    /// Of the rows written so far.
    private(set) var summaries = KindSummaries()

    /// - Parameter now: CLOCK_MONOTONIC in nanoseconds.
    init(_ snapshot: Snapshot, _ filter: EventFilter, _ cache: ReplayCache, _ now: UInt64) {
        self.snapshot = snapshot
        self.filter = filter
        objects = filter.objects(of: snapshot)[...]
        traffic = filter.traffic(of: snapshot)
        peers = filter.peers(of: snapshot)
        if filter.selectsRoutes {
            routes = RouteWalk(snapshot, filter.selection, firstsOnly: filter.view == .best)
        }
        if takesRuns { cache.begin(now) }
    }

    /// Whether it has waited for its turn for so long that a later snapshot makes less to send, and hasn't begun.
    func isOutdated(_ head: ChangeSequence) -> Bool {
        !isRenewed && summaries == KindSummaries() && head.rawValue - snapshot.sequence.rawValue > Self.outdatedChanges
    }

    /// The same of a later snapshot, once: where changes become durable slowly, the next one is outdated as soon.
    func renewed(_ snapshot: Snapshot, _ filter: EventFilter, _ cache: ReplayCache, _ now: UInt64) -> ReplayRows {
        var rows = ReplayRows(snapshot, filter, cache, now)
        rows.isRenewed = true
        return rows
    }

    private static let outdatedChanges: UInt64 = 1_000

    /// Whether it takes routes a leaf at a time, which others may be sent as well.
    var takesRuns: Bool { routes?.takesRuns ?? false }

    /// Appends rows, about `limit` bytes of them; false when none is left.
    mutating func write(
        _ encoder: EventEncoder, _ writer: EntryWriter, _ cache: ReplayCache, _ form: ReplayCache.Form,
        into output: inout FrameOutput, limit: Int
    ) -> Bool {
        let end = output.work + limit
        while output.work < end, let object = objects.popFirst() {
            output.append { encoder.row(object, into: &$0) }
            summaries[object.kind].add(object.hash)
        }
        while output.work < end, let object = traffic.next() {
            output.append { encoder.row(object, into: &$0) }
            summaries[object.kind].add(object.hash)
        }
        while output.work < end, let peer = peers?.next() {
            output.append { encoder.row(peer, into: &$0) }
            summaries.peers.add(peer.hash)
        }
        let writesRuns = takesRuns
        while output.work < end {
            let hasMore =
                writesRuns
                ? writeRun(encoder, writer, cache, form, into: &output) : writeRoute(encoder, writer, into: &output)
            if !hasMore { return false }
        }
        return true
    }

    /// Where only keys decide: a leaf at a time.
    private mutating func writeRun(
        _ encoder: EventEncoder, _ writer: EntryWriter, _ cache: ReplayCache, _ form: ReplayCache.Form,
        into output: inout FrameOutput
    ) -> Bool {
        guard let (table, run) = routes?.nextRun() else { return false }
        summaries.routes += run.summary
        // What is wrong with links is written into rows, and changes without them.
        if let leaf = run.wholeLeaf, !writer.hasImpairments(table),
            let text = cache.text(leaf, form, snapshot, { encoder.rows(table, run, writer, into: &$0) })
        {
            output.append(text)
        } else {
            output.append(reserving: 80 << 10) { encoder.rows(table, run, writer, into: &$0) }
        }
        return true
    }

    private mutating func writeRoute(
        _ encoder: EventEncoder, _ writer: EntryWriter, into output: inout FrameOutput
    ) -> Bool {
        guard let (table, route) = routes?.next() else { return false }
        output.append(reserving: 80 << 10) { encoder.row(table, route.key, route.value, writer, into: &$0) }
        summaries.routes.add(route.value.hash)
        return true
    }
}
