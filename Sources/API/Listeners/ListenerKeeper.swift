internal import ChangeLog
internal import ControlPlane
internal import Platform
internal import Routing
internal import Threads

/// The thread that does for listeners what no request waits for: it writes down how far they have come, and ends the
/// registrations of those of which nothing was heard.
///
/// Lazily: a crash may forget the acknowledgements of the last half second, so that their changes come again, and never
/// remembers one that wasn't made.
final class ListenerKeeper: Sendable {
    private static let roundMilliseconds = 500

    private let plane: ControlPlane
    private let hub: EventHub
    private let signal = Signal()
    private let stops = Locked(false, rank: .leaf)
    private let thread = Locked<Thread?>(nil, rank: .leaf)

    /// Takes in the listeners from before a restart, while no one can ask for them yet.
    init(_ plane: ControlPlane, _ hub: EventHub) {
        self.plane = plane
        self.hub = hub
        let head = plane.log.head
        for stored in plane.presentListeners { hub.add(stored, deliveredBefore: head) }
    }

    func start() {
        hub.whenListenersNeedCare { [signal] in signal.raise() }
        let thread = Thread(name: "listeners") { self.run() }
        self.thread.withLock { $0 = thread }
    }

    /// There is something to look after.
    func wake() { signal.raise() }

    /// Writes down what there is, and ends the thread.
    func stop() {
        stops.withLock { $0 = true }
        signal.raise()
        thread.withLock { $0.take() }?.join()
    }

    /// Ends the registrations whose lease is over.
    func endLeases(_ now: UInt64) {
        for id in hub.expired(now) {
            do throws(FIBError) {
                _ = try plane.removeListener(id)
            } catch {
                // What can't be written down hasn't ended: the next round tries again.
                if error.errno != .enoent { continue }
            }
            hub.remove(id, .leaseExpired)
        }
    }

    private func pause() {
        let end = MonotonicClock.nanoseconds + UInt64(Self.roundMilliseconds) * 1_000_000
        while !stops.withLock({ $0 }), case let now = MonotonicClock.nanoseconds, now < end {
            signal.wait(milliseconds: Int((end - now) / 1_000_000) + 1)
        }
    }

    private func run() {
        while true {
            let isLast = stops.withLock { $0 }
            let places = hub.takeAcknowledgements()
            if !places.isEmpty { plane.acknowledge(places) }
            if isLast { return }
            endLeases(MonotonicClock.nanoseconds)
            // Until then acknowledgements gather, however often it is woken.
            if hub.hasDuties { pause() } else { signal.wait() }
        }
    }
}
