internal import ChangeLog
internal import Compression
internal import ControlPlane
internal import HTTPServer
internal import Routing

/// Rows of replays as they go out, a piece for each leaf of a table's image, shared by all who are sent them.
///
/// A leaf that others hold never changes, so a piece is good as long as its leaf is: a replay takes for each leaf of its own
/// snapshot what is there, and nothing can be torn. What is kept of leaves that no image has any more is thrown out as new pieces
/// come, two looks for each; so those are about as many at most as the others.
///
/// SAFETY: touched only under the hub's lock.
final class ReplayCache: @unchecked Sendable {
    /// What the text of a leaf's rows depends on besides the leaf.
    struct Form: Hashable {
        let wire: EventWire
        let showsHardware: Bool
    }

    private final class Piece {
        var leaf: ImageLeaf<RouteKey, StoredRoute>
        var texts: [(form: Form, text: FrameText)] = []
        /// What it counts for.
        var bytes: Int

        init(_ leaf: ImageLeaf<RouteKey, StoredRoute>) {
            self.leaf = leaf
            bytes = ReplayCache.leafBytes
        }
    }

    /// What keeping a leaf costs, once its image has another one, and the piece itself.
    private static let leafBytes = 2_048 + 256
    /// How long pieces stay without a replay, and within which time a second replay makes the first not the only one.
    static let idleNanoseconds: UInt64 = 60_000_000_000

    /// Of all pieces.
    let limit: Int
    private(set) var bytes = 0
    private var pieces: [ObjectIdentifier: Piece] = [:]
    /// For the looks that go round.
    private var ring: [Piece] = []
    private var hand = 0
    /// By which states of hardware are shown, and since when.
    private var context = (devices: Devices(), since: ChangeSequence.zero)
    private var starts = (last: UInt64(0), before: UInt64(0))
    private let deflater: Deflater
    private var rows: [UInt8] = []

    /// Called when there may be something to let go of in a while.
    private let whenItNeedsCare: @Sendable () -> Void

    init(limit: Int, _ deflater: Deflater, whenItNeedsCare: @escaping @Sendable () -> Void = {}) {
        self.limit = limit
        self.whenItNeedsCare = whenItNeedsCare
        self.deflater = deflater
    }

    var isEmpty: Bool { pieces.isEmpty }
    var count: Int { pieces.count }

    /// A replay of whole leaves begins.
    func begin(_ now: UInt64) {
        // Nothing is kept then, and there is nothing to look after.
        guard limit > 0 else { return }
        starts = (now, starts.last)
        whenItNeedsCare()
    }

    /// The rows of a leaf; nil if they aren't kept and won't be.
    ///
    /// - Parameters:
    ///   - snapshot: what the leaf is of.
    ///   - write: appends the rows.
    func text(
        _ leaf: ImageLeaf<RouteKey, StoredRoute>, _ form: Form, _ snapshot: Snapshot, _ write: (inout [UInt8]) -> Void
    ) -> FrameText? {
        guard limit > 0, !form.showsHardware || shows(snapshot) else { return nil }
        let piece = pieces[leaf.identity]
        if let kept = piece?.texts.first(where: { $0.form == form }) { return kept.text }
        guard isWorthKeeping(form), hasRoom() else { return nil }
        rows.removeAll(keepingCapacity: true)
        write(&rows)
        // As a copy, which takes no more room than it needs.
        let text: FrameText = form.wire.isCompressed ? .deflated(deflater.block(rows)) : .plain(Array(rows[...]))
        keep(text, form, piece ?? add(leaf))
        return text
    }

    /// To make the text of rows takes less time than to touch so much memory for the first time, so what a single replay has made
    /// isn't kept; to compress it takes twenty times as long.
    private func isWorthKeeping(_ form: Form) -> Bool {
        form.wire.isCompressed || starts.before > 0 && starts.last < starts.before + Self.idleNanoseconds
    }

    /// Whether states are shown by the devices that the snapshot has; where it is of a later time, from now on.
    private func shows(_ snapshot: Snapshot) -> Bool {
        if snapshot.devices == context.devices { return true }
        guard snapshot.sequence >= context.since else { return false }
        context = (snapshot.devices, snapshot.sequence)
        for piece in ring {
            for (form, text) in piece.texts where form.showsHardware { charge(-text.bytes.count, piece) }
            piece.texts.removeAll { $0.form.showsHardware }
        }
        return true
    }

    // MARK: Room

    private func hasRoom() -> Bool {
        for _ in 0..<2 { look() }
        // Pieces differ little in size: one more than the limit is as good as one less.
        return bytes < limit
    }

    /// At the next piece: whether it is of a leaf that no one else holds.
    private func look() {
        guard !ring.isEmpty else { return }
        if hand >= ring.count { hand = 0 }
        let piece = ring[hand]
        guard piece.leaf.isHeldByNoOther else {
            hand += 1
            return
        }
        bytes -= piece.bytes
        pieces[piece.leaf.identity] = nil
        ring.swapAt(hand, ring.count - 1)
        ring.removeLast()
    }

    private func add(_ leaf: ImageLeaf<RouteKey, StoredRoute>) -> Piece {
        let piece = Piece(leaf)
        pieces[leaf.identity] = piece
        ring.append(piece)
        bytes += piece.bytes
        return piece
    }

    private func keep(_ text: FrameText, _ form: Form, _ piece: Piece) {
        piece.texts.append((form, text))
        charge(text.bytes.count, piece)
    }

    private func charge(_ difference: Int, _ piece: Piece) {
        piece.bytes += difference
        bytes += difference
    }

    /// What no replay has asked for in so long, for who calls it to let go of without a lock.
    func takeIdle(_ now: UInt64) -> [AnyObject] {
        guard mayHaveSome, now > starts.last + Self.idleNanoseconds else { return [] }
        defer { (pieces, ring, bytes, hand, starts) = ([:], [], 0, 0, (0, 0)) }
        return ring
    }

    /// Whether there is something to let go of, or may soon be.
    var mayHaveSome: Bool { starts.last > 0 }
}
