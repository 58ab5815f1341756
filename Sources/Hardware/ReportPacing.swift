internal import ChangeLog

/// When a switch holds back what it has to report: while others make very many changes, as an import does. Each report takes locks
/// that they need and makes a change of its own, and all of them can come afterwards. For no longer than a second at a time.
struct ReportPacing {
    private static let window: UInt64 = 5_000_000
    private static let longest: UInt64 = 1_000_000_000
    /// Changes within a window that are very many: 100,000 a second.
    private static let many: UInt64 = 500

    private var start: UInt64 = 0
    private var head = ChangeSequence.zero
    private var own: UInt64 = 0
    private var isBusy = false
    /// Since when it holds back.
    private var heldSince: UInt64?

    /// Whether to wait a little instead of reporting now.
    ///
    /// - Parameters:
    ///   - head: of the log.
    ///   - now: in nanoseconds of real time.
    mutating func holdsBack(_ head: ChangeSequence, _ now: UInt64) -> Bool {
        if now - start >= Self.window {
            let others = head.rawValue - self.head.rawValue
            // Of a window that is long past, nothing can be told of this moment.
            isBusy = others > own && (others - own) * Self.window / (now - start) > Self.many
            (start, self.head, own) = (now, head, 0)
        }
        guard isBusy else {
            heldSince = nil
            return false
        }
        guard let heldSince else {
            heldSince = now
            return true
        }
        if now - heldSince < Self.longest { return true }
        // Enough for now: some are reported, and then it looks again.
        self.heldSince = nil
        return false
    }

    mutating func reported(_ count: Int) { own += UInt64(count) }
}
