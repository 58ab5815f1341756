internal import ChangeLog
internal import ControlPlane
internal import HTTPServer
internal import Routing

/// The rows of a replay, in list order, as far as they have not been written.
struct ReplayRows {
    let snapshot: Snapshot
    private let filter: EventFilter
    private var namespaces: ArraySlice<Snapshot.Namespace>
    private var routes: RouteWalk?
    /// Of the rows written so far.
    private(set) var summaries = KindSummaries()

    init(_ snapshot: Snapshot, _ filter: EventFilter) {
        self.snapshot = snapshot
        self.filter = filter
        namespaces = filter.selectsNamespaces ? snapshot.namespaces[...] : []
        if filter.selectsRoutes {
            routes = RouteWalk(snapshot, filter.selection, firstsOnly: filter.view == .best)
        }
    }

    /// Appends about `limit` bytes of rows; false when none is left.
    mutating func write(
        _ encoder: EventEncoder, _ writer: EntryWriter, _ segments: SegmentCache, keeps: Bool,
        to output: inout StreamOutput, limit: Int, now: UInt64
    ) -> Bool {
        var rows = Rows(encoder: encoder, writer: writer, limit: limit)
        writeNamespaces(&rows)
        var hasMore = false
        if routes?.takesRuns ?? false {
            hasMore = writeRuns(&rows, segments, keeps, to: &output, now)
        } else {
            while rows.isBelowLimit, let (table, route) = routes?.next() {
                rows.append(table, route.key, route.value)
                summaries.routes.add(route.value.hash)
                hasMore = !rows.isBelowLimit
            }
        }
        rows.flush(to: &output)
        return hasMore
    }

    private mutating func writeNamespaces(_ rows: inout Rows) {
        while let namespace = namespaces.popFirst() {
            guard let stored = namespace.stored, filter.selection.includes(namespace: namespace.name) else { continue }
            rows.encoder.row(namespace.name, stored, into: &rows.bytes)
            summaries.namespaces.add(stored.hash)
        }
    }

    /// Where only keys decide, routes come a node of their image at a time, and whole nodes can be encoded once for all
    /// replays that go on.
    private mutating func writeRuns(
        _ rows: inout Rows, _ segments: SegmentCache, _ keeps: Bool, to output: inout StreamOutput, _ now: UInt64
    ) -> Bool {
        while rows.isBelowLimit {
            guard let (table, run) = routes?.nextRun() else { return false }
            guard let contents = run.contents else {
                rows.append(table, run)
                run.withEntries { _, routes in
                    for place in routes.indices { summaries.routes.add(routes[place].hash) }
                }
                continue
            }
            summaries.routes += contents.summary
            let (encoder, writer) = (rows.encoder, rows.writer)
            let segment = segments.segment(of: contents, encoder.format, keeps: keeps, now) { bytes in
                encoder.rows(table, run, writer, into: &bytes)
            }
            if let segment {
                rows.flush(to: &output)
                output.append(segment)
                rows.written += segment.count
            } else {
                rows.append(table, run)
            }
        }
        return true
    }

    /// Rows on their way to the output that are no one else's.
    private struct Rows {
        let encoder: EventEncoder
        let writer: EntryWriter
        let limit: Int
        var bytes: [UInt8] = []
        var written = 0

        init(encoder: EventEncoder, writer: EntryWriter, limit: Int) {
            self.encoder = encoder
            self.writer = writer
            self.limit = limit
        }

        var isBelowLimit: Bool { written + bytes.count < limit }

        mutating func append(_ table: TableIdentity, _ key: RouteKey, _ stored: StoredRoute) {
            if bytes.isEmpty { bytes.reserveCapacity(limit - written + 16 << 10) }
            encoder.row(table, key, stored, writer, into: &bytes)
        }

        mutating func append(_ table: TableIdentity, _ run: ImageRun<RouteKey, StoredRoute>) {
            if bytes.isEmpty { bytes.reserveCapacity(limit - written + 16 << 10) }
            encoder.rows(table, run, writer, into: &bytes)
        }

        mutating func flush(to output: inout StreamOutput) {
            output.append(bytes)
            written += bytes.count
            bytes = []
        }
    }
}
