internal import ChangeLog
public import Routing

/// What followers are told that is no change of the state.
public final class Notice: Sendable {
    public let table: TableIdentity
    public let key: RouteKey
    public let route: StoredRoute
    /// For how long a device has owed its answer, in milliseconds.
    public let age: UInt64
    /// How many routes are in the same trouble.
    public let count: Int

    init(_ table: TableIdentity, _ route: PlacedRoute, age: UInt64, count: Int) {
        self.table = table
        key = route.key
        self.route = route.value
        self.age = age
        self.count = count
    }
}

/// The routes that a device has owed an answer for too long, as they were when someone last looked.
public struct StuckRoutes: Sendable {
    /// Of each that was told of: since when it is pending.
    private var told: [ChangeSequence: UInt64] = [:]
    private var lookedAt = ChangeSequence.zero
    private var hasPending = true

    /// Routes that one look tells of; of more, only the number.
    private static let toldAtOnce = 100

    public init() {}

    /// Tells of those that have been pending for at least `milliseconds`, each once. O(routes), unless nothing has happened
    /// since nothing was pending.
    public mutating func look(_ plane: ControlPlane, olderThan milliseconds: UInt64) {
        guard hasPending || plane.log.head != lookedAt, !plane.presentDevices.isEmpty else { return }
        let snapshot = plane.snapshot()
        let now = snapshot.devices.now
        lookedAt = snapshot.sequence
        hasPending = false
        var walk = RouteWalk(snapshot, RouteSelection())
        var stuck: [(table: TableIdentity, route: PlacedRoute)] = []
        while let (table, route) = walk.next() {
            guard let status = route.value.hardware, snapshot.devices.state(of: status) == .pending else { continue }
            hasPending = true
            if status.since + milliseconds <= now { stuck.append((table, route)) }
        }
        let news = stuck.filter { told[$0.route.value.version] != $0.route.value.hardware?.since }
        told = Dictionary(
            stuck.map { ($0.route.value.version, $0.route.value.hardware?.since ?? 0) }, uniquingKeysWith: max)
        for (table, route) in news.prefix(Self.toldAtOnce) {
            let age = now - (route.value.hardware?.since ?? now)
            plane.tell(Notice(table, route, age: age, count: stuck.count))
        }
    }
}

extension ControlPlane {
    fileprivate func tell(_ notice: Notice) {
        log.append { Change(sequence: $0, operation: .notice, object: .notice(notice), batch: nil) }
        committed()
    }
}
