internal import ControlPlane
internal import Threads

/// Looks now and then for routes that a device owes an answer for too long, and has followers told of them.
final class StuckWatch: Sendable {
    private let plane: ControlPlane
    /// After how many seconds a route is stuck.
    private let seconds: Int
    private let signal = Signal()
    private let isStopping = Locked(false, rank: .leaf)
    private let thread = Locked<Thread?>(nil, rank: .leaf)

    init(_ plane: ControlPlane, seconds: Int) {
        self.plane = plane
        self.seconds = seconds
    }

    func start() {
        thread.withLock { $0 = Thread(name: "stuck-routes") { self.run() } }
    }

    func stop() {
        isStopping.withLock { $0 = true }
        signal.raise()
        thread.withLock { $0.take() }?.join()
    }

    private func run() {
        var routes = StuckRoutes()
        while !isStopping.withLock({ $0 }) {
            routes.look(plane, olderThan: UInt64(seconds) * 1_000)
            // Often enough that no one waits for the notice much longer than for the threshold, seldom enough that a look at a
            // whole table weighs nothing.
            signal.wait(milliseconds: max(1, min(5, seconds / 2)) * 1_000)
        }
    }
}
