internal import ChangeLog

/// Encoded rows of whole image nodes, shared by replays that go on at the same time. Known by what a node holds and not by
/// where it is, so a change makes one segment of many stale.
///
/// One replay alone keeps nothing: to encode a row anew costs as much as to send it, and less than to fill memory for the
/// first time.
///
/// Touched only under the hub's lock.
final class SegmentCache {
    private struct Key: Hashable {
        let contents: ImageContents
        let format: EventFormat
    }

    private struct Segment {
        let bytes: [UInt8]
        var lastUse: UInt64
    }

    /// What nobody has asked for in this time goes.
    static let idleNanoseconds: UInt64 = 60_000_000_000
    /// Replays whose turns are no further apart go on at the same time.
    static let togetherNanoseconds: UInt64 = 20_000_000
    private static let sweepNanoseconds: UInt64 = 10_000_000_000

    let byteLimit: Int
    private(set) var bytes = 0
    private var segments: [Key: Segment] = [:]
    private var nextSweep: UInt64 = 0
    /// Who asked last and when, and when somebody else did before.
    private var latest: (user: ObjectIdentifier?, use: UInt64) = (nil, 0)
    private var othersUse: UInt64?
    /// Where segments grow before they are kept in their exact size.
    private var scratch: [UInt8] = []

    init(byteLimit: Int) { self.byteLimit = byteLimit }

    var count: Int { segments.count }

    /// Whether someone else than `user` replays as well. To be called for every turn of a replay.
    func isShared(with user: ObjectIdentifier, _ now: UInt64) -> Bool {
        if latest.user != user { othersUse = latest.user == nil ? nil : latest.use }
        latest = (user, now)
        return othersUse.map { now < $0 + Self.togetherNanoseconds } ?? false
    }

    /// The segment, if it is there; encoded by `encode` if it is to be kept. Nil if it isn't, or if there is no room for
    /// another: what is kept stays rather than making place, since replays walk through all of it, and a cache that
    /// follows them would never hit.
    func segment(
        of contents: ImageContents, _ format: EventFormat, keeps: Bool, _ now: UInt64,
        _ encode: (inout [UInt8]) -> Void
    ) -> [UInt8]? {
        let key = Key(contents: contents, format: format)
        if let place = segments.index(forKey: key) {
            segments.values[place].lastUse = now
            return segments.values[place].bytes
        }
        guard keeps, bytes < byteLimit else { return nil }
        scratch.removeAll(keepingCapacity: true)
        encode(&scratch)
        let made = scratch.withExactCapacity()
        bytes += made.count
        segments[key] = Segment(bytes: made, lastUse: now)
        return made
    }

    /// Lets go of what no one has used for a while. To be called now and then.
    func sweep(_ now: UInt64) {
        guard now >= nextSweep else { return }
        nextSweep = now + Self.sweepNanoseconds
        segments = segments.filter { _, segment in
            let stays = segment.lastUse + Self.idleNanoseconds > now
            if !stays { bytes -= segment.bytes.count }
            return stays
        }
    }
}

extension [UInt8] {
    fileprivate func withExactCapacity() -> [UInt8] {
        var copy: [UInt8] = []
        copy.reserveCapacity(count)
        copy.append(contentsOf: self)
        return copy
    }
}
