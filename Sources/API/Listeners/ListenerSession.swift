internal import ChangeLog
internal import ControlPlane

/// How it goes with a listener, as long as this process runs. Touched only under the hub's lock.
final class ListenerSession {
    let id: ChangeSequence
    /// Of its settings.
    var version: ChangeSequence
    var filter: EventFilter
    /// Its open stream.
    var feed: EventFeed?
    /// Everything up to here was sent; after a restart, what may have been sent before it.
    var delivered: ChangeSequence
    var acknowledged: ChangeSequence
    /// `acknowledged` isn't in the store yet.
    var isDirty = false
    var resets = 0
    var bytesSent: UInt64 = 0
    var leaseSeconds: Int?
    /// When its registration ends, if there is no sign of life before (monotonic ns); nil without a lease, and while it is
    /// connected.
    var leaseEnd: UInt64?
    /// Of a driver.
    var device: Device?
    /// It may have said something about routes.
    var hasReported = false
    var reports = ReportCounts()
    /// Has the keeper look.
    var whenItNeedsCare: @Sendable () -> Void = {}

    struct ReportCounts {
        var accepted = 0
        var unchanged = 0
        var rejected = 0
        var stale = 0
    }

    init(_ stored: StoredListener, delivered: ChangeSequence) {
        id = stored.id
        version = stored.version
        filter = stored.settings.filter
        acknowledged = stored.acknowledged
        leaseSeconds = stored.settings.leaseSeconds
        self.delivered = delivered
    }

    /// A sign of life: the lease begins anew, once it isn't connected any more.
    func renew(_ now: UInt64) {
        leaseEnd = feed == nil ? leaseSeconds.map { now + UInt64($0) * 1_000_000_000 } : nil
        if leaseEnd != nil { whenItNeedsCare() }
    }

    /// What a turn of its stream has sent.
    func sent(_ feed: EventFeed, bytes: Int) {
        bytesSent += UInt64(bytes)
        if let position = feed.position { reach(position) }
    }

    /// It was sent everything up to there: also by a stream that ends with that.
    func reach(_ position: ChangeSequence) { delivered = max(delivered, position) }
}
