internal import Threads

/// Has routes go when they expire, and what is known of peers: at most a second later, which lookups don't see.
public final class ExpiryWatch: Sendable {
    private let plane: ControlPlane
    private let signal = Signal()
    private let isStopping = Locked(false, rank: .leaf)
    private let thread = Locked<Thread?>(nil, rank: .leaf)
    /// New ones may come that expire sooner than all others, and no one says so: who writes isn't kept for that.
    private static let longestPause: UInt64 = 1_000

    public init(_ plane: ControlPlane) { self.plane = plane }

    /// What has expired by now, while the server didn't run too, goes at once.
    public func start() {
        thread.withLock { $0 = Thread(name: "expiry") { self.run() } }
    }

    public func stop() {
        isStopping.withLock { $0 = true }
        signal.raise()
        thread.withLock { $0.take() }?.join()
    }

    private func run() {
        while !isStopping.withLock({ $0 }) {
            let (routes, peers) = (plane.removeExpired(), plane.expirePeers())
            plane.removeIdleCachedRoutes()
            plane.storePeersIfDue()
            let next = [routes, peers].compactMap(\.self).min()
            let now = plane.clock()
            let pause = next.map { $0 > now ? min($0 - now, Self.longestPause) : Self.longestPause }
            signal.wait(milliseconds: Int(pause ?? Self.longestPause))
        }
    }
}
