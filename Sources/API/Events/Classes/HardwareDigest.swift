internal import ChangeLog
internal import ControlPlane
internal import JSON
internal import Routing

/// What the states of all routes that a filter selects add up to: the sum of the first 16 bytes of SHA-256 over `h` and the
/// name of the state, as text one behind the other.
///
/// Followed change by change. Where it isn't known, someone walks over the routes of a snapshot, on another thread, while the
/// class goes on.
struct HardwareDigest {
    /// What it was at `position zero`, so to say: the value less all changes. Nil while no one knows.
    private var base: StateDigest?
    /// All changes since the class began, or since all that devices had said was void.
    private var change = StateDigest()
    /// Where someone is walking, or has walked: what the changes came to there, once the class has been there, and what the walk
    /// has found, once it is over.
    private var walk: (at: ChangeSequence, change: StateDigest?, found: StateDigest?)?
    /// What was hashed last, kept for its room.
    private var text: [UInt8] = []

    init(of snapshot: Snapshot, _ filter: EventFilter, _ summaries: KindSummaries) {
        guard filter.tellsHardware, !snapshot.devices.isEmpty, summaries.routes.count <= Self.fewRoutes else { return }
        base = Self.walk(snapshot, filter)
    }

    /// Once the class is at `position`; nil while it isn't known.
    mutating func value(at position: ChangeSequence) -> StateDigest? {
        if let walk, let found = walk.found, walk.change != nil || position >= walk.at {
            // If nothing has come since, the changes until there are all changes.
            var known = found
            known -= walk.change ?? change
            base = known
            self.walk = nil
        }
        guard var value = base else { return nil }
        value += change
        return value
    }

    mutating func apply(_ selected: SelectedChange, _ devices: Devices) {
        // Says nothing of hardware.
        if selected.operation == .status { return }
        if case .route(_, _, let old) = selected.old { change -= .of(old, devices, &text) }
        if case .route(_, _, let new) = selected.new { change += .of(new, devices, &text) }
    }

    /// Before the change with this number is applied.
    mutating func reach(_ sequence: ChangeSequence) {
        if let walk, walk.change == nil, sequence > walk.at { self.walk?.change = change }
    }

    /// A device began anew or went: nothing is known any more.
    mutating func forget() {
        base = nil
        change = StateDigest()
        walk = nil
    }

    mutating func mark(_ sequence: ChangeSequence) { walk = (sequence, nil, nil) }

    mutating func adopt(_ found: StateDigest, at sequence: ChangeSequence) {
        if walk?.at == sequence { walk?.found = found }
    }

    /// All routes of a snapshot that the filter selects: 80 ns a route.
    static func walk(_ snapshot: Snapshot, _ filter: EventFilter) -> StateDigest {
        var sum = StateDigest()
        var walk = RouteWalk(snapshot, filter.selection, firstsOnly: filter.view == .best)
        var text: [UInt8] = []
        while let (_, route) = walk.next() { sum += EntryHash.of(route.value, snapshot.devices, &text) }
        return sum
    }

    /// Up to so many are walked while someone waits, which takes a millisecond.
    static let fewRoutes = 10_000
}

extension EntryHash {
    /// Of a route's `h` and state.
    fileprivate static func of(_ route: StoredRoute, _ devices: Devices, _ text: inout [UInt8]) -> EntryHash {
        text.removeAll(keepingCapacity: true)
        text.append(route.hash)
        text.appendASCII(devices.state(of: route.hardware).name)
        return EntryHash(of: text.span)
    }
}
