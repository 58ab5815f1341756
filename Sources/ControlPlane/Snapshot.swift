public import Addressing
public import ChangeLog
public import Routing

/// The whole state as of one number: it holds every change up to `sequence` and none later, and never changes.
public struct Snapshot: Sendable {
    public struct Namespace: Sendable {
        public let name: String
        public let objects: ObjectImage
        /// As `objects` has them; likewise the settings.
        let rules: RulesByFamily
        let settings: NamespaceSettings
        let ownAddresses: [IPAddress: Int]
        let tables: [(identity: TableIdentity, table: RouteTable)]
        let traffic: TrafficImage
        let peers: PeerImages
    }

    public let sequence: ChangeSequence
    /// By name.
    public let namespaces: [Namespace]
    /// What devices are set to.
    public let deviceObjects: DeviceObjects
    /// Devices, and what is wrong with links.
    public let context: RowContext
    public var devices: Devices { context.devices }
    let listeners: [StoredListener]
    /// Whether there ever was one.
    let hasHadPeers: Bool
    /// Flushes and cascades that were going on.
    let unfinished: [UnfinishedOperation]

    /// Count and digest of the routes that agree. O(log n) where only keys decide, O(n) otherwise.
    public func summary(of selection: RouteSelection, firstsOnly: Bool = false) -> Summary {
        var result = Summary()
        guard !selection.isByKeyOnly || firstsOnly else {
            for (identity, table) in tables(of: selection) {
                for range in selection.ranges(in: identity.family) {
                    result += table.image.summary(from: range.lower, to: range.upper)
                }
            }
            return result
        }
        var walk = RouteWalk(self, selection, firstsOnly: firstsOnly)
        while let (_, route) = walk.next() { result.add(route.value.hash) }
        return result
    }

    func tables(of selection: RouteSelection) -> [(identity: TableIdentity, table: RouteTable)] {
        namespaces.filter { selection.includes(namespace: $0.name) }.flatMap(\.tables)
            .filter { selection.includes($0.identity) }
    }
}

/// Walks the routes of a snapshot that agree with a selection, in list order: namespace, family, table, address, longest
/// prefix first, tos descending, metric, position.
public struct RouteWalk: Sendable {
    private let selection: RouteSelection
    private let firstsOnly: Bool
    private let devices: Devices
    private var tables: ArraySlice<(identity: TableIdentity, table: RouteTable)>
    private var current: (identity: TableIdentity, table: RouteTable)?
    private var ranges: ArraySlice<KeyRange> = []
    private var upper: RouteKey?
    private var cursor: ImageCursor<RouteKey, StoredRoute>?
    /// What is left of the current leaf, as far as it lies in the current range.
    private var run: ImageRun<RouteKey, StoredRoute>?
    /// Where the walk stands, for `firstsOnly`: the previous route of the same table.
    private var previous: RouteKey?

    /// - Parameter firstsOnly: only the first route of each prefix, and of these the ones that agree (`view=best`).
    public init(_ snapshot: Snapshot, _ selection: RouteSelection, firstsOnly: Bool = false) {
        self.selection = selection
        self.firstsOnly = firstsOnly
        devices = snapshot.devices
        tables = snapshot.tables(of: selection)[...]
    }

    /// Goes on behind the given place; for pages.
    public mutating func skip(to namespace: String, _ family: AddressFamily, _ table: TableID, behind key: RouteKey) {
        let order = (namespace, TableIdentity.Order(family: family, id: table))
        while let next = tables.first, (next.identity.namespace, next.identity.order) < order { tables.removeFirst() }
        guard let next = tables.first, (next.identity.namespace, next.identity.order) == order else { return }
        enterNextTable()
        let start = key.successor
        ranges =
            ranges.filter { range in range.upper.map { start < $0 } ?? true }.map { range in
                KeyRange(lower: max(range.lower, start), upper: range.upper)
            }[...]
        previous = key
    }

    public mutating func next() -> (TableIdentity, PlacedRoute)? {
        while true {
            while let (key, value) = run?.popFirst() {
                if accepts(key, value), let current { return (current.identity, (key, value)) }
            }
            guard enterNextRun() else { return nil }
        }
    }

    /// Some routes at a time, for walks on which only keys decide; nil at the end.
    public mutating func nextRun() -> (TableIdentity, ImageRun<RouteKey, StoredRoute>)? {
        precondition(takesRuns, "not every route of a run would agree")
        while run?.isEmpty ?? true {
            guard enterNextRun() else { return nil }
        }
        guard let found = run, let current else { return nil }
        run = nil
        return (current.identity, found)
    }

    /// Whether all routes between two that agree do so as well.
    public var takesRuns: Bool { selection.isByKeyOnly && !firstsOnly }

    private mutating func enterNextRun() -> Bool {
        while true {
            if var next = cursor?.nextRun() {
                if let upper { next.drop(from: upper) }
                if next.isEmpty { cursor = nil }
                run = next
                return true
            }
            guard enterNextRange() else { return false }
        }
    }

    private mutating func accepts(_ key: RouteKey, _ value: StoredRoute) -> Bool {
        if firstsOnly {
            defer { previous = key }
            if let previous, previous.isSamePrefix(as: key) { return false }
        }
        return selection.agrees(value, devices)
    }

    private mutating func enterNextRange() -> Bool {
        while ranges.isEmpty {
            guard !tables.isEmpty else { return false }
            enterNextTable()
        }
        guard let range = ranges.popFirst(), let current else { return false }
        upper = range.upper
        cursor = current.table.image.cursor(from: range.lower)
        return true
    }

    private mutating func enterNextTable() {
        guard let next = tables.popFirst() else { return }
        current = next
        previous = nil
        ranges = selection.ranges(in: next.identity.family)[...]
    }
}

extension Snapshot {
    /// Stops the process if the snapshot breaks one of its rules. O(n); for tests.
    public func _checkInvariants() {
        for namespace in namespaces {
            checkTraffic(namespace)
            checkPeers(namespace)
            var previous: TableIdentity.Order?
            for (identity, table) in namespace.tables {
                precondition(identity.namespace == namespace.name && identity.family == table.family)
                precondition(previous.map { $0 < identity.order } ?? true, "tables out of order")
                previous = identity.order
                table._checkInvariants()
                check(identity, table)
            }
        }
    }

    private func checkTraffic(_ namespace: Namespace) {
        var walk = TrafficWalk(self, TrafficSelection(Set(ObjectKind.ofTraffic)), in: { $0 == namespace.name })
        var previous: TrafficKey?
        while let object = walk.next() {
            precondition(object.version <= sequence, "a \(object.kind) from the future")
            let key = TrafficKey(object, chain: walk.chain)
            precondition(previous.map { $0 < key } ?? true, "\(object.kind)s out of order")
            previous = key
            var bytes: [UInt8] = []
            object.appendEntry(to: &bytes)
            precondition(EntryHash(of: bytes.span) == object.hash, "a hash of another \(object.kind)")
        }
    }

    private func checkPeers(_ namespace: Namespace) {
        var (walk, previous): (_, IPAddress?) = (PeerWalk(self, families: nil, in: { $0 == namespace.name }), nil)
        while let peer = walk.next() {
            precondition(peer.version <= sequence, "a peer from the future")
            precondition(previous.map { $0 < peer.address } ?? true, "peers out of order")
            previous = peer.address
            var bytes: [UInt8] = []
            peer.appendEntry(to: &bytes)
            precondition(EntryHash(of: bytes.span) == peer.hash, "a hash of another peer")
        }
    }

    private func check(_ identity: TableIdentity, _ table: RouteTable) {
        var cursor = table.image.cursor()
        while let (key, stored) = cursor.next() {
            precondition(stored.version <= sequence, "a route from the future")
            precondition(
                RouteEntry.hash(identity, key, stored.info) == stored.hash, "a hash of other bytes")
        }
    }
}
