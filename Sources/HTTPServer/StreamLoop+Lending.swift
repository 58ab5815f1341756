internal import Synchronization

/// Turns that other threads make in the stream thread's place: to wake it takes longer than to serve a few streams.
extension StreamLoop {
    /// With more streams open, a turn would keep the event thread from its requests for longer than 200 µs.
    static let fewStreams = 32

    /// Serves the streams if the stream thread sleeps and there are few; wakes it otherwise. For a thread that has brought
    /// news, holds no lock, and has time.
    ///
    /// No news are lost. The caller's own come before the turn in its program. Whoever brings others calls `wake` after
    /// them, which a lent turn leaves for the stream thread: that gets up, waits for the turn, and makes another one.
    func serveOrSignal() {
        let isServed = isAsleep && (turn.takeIfFree(lentTurn) ?? false)
        if !isServed { signal() }
    }

    /// What the event thread has noted is to be done by now. It lends itself only if it has little else to do.
    func settleWakes(lends: Bool) {
        guard wakeNotes.take() else { return }
        if lends { serveOrSignal() } else { signal() }
    }

    /// False if nothing was done. Commands, deadlines and replays are left to the stream thread.
    private func lentTurn() -> Bool {
        guard streams.count <= StreamLoop.fewStreams else { return false }
        now = monotonicNow()
        onWake()
        serveLive(isLent: true)
        tellEventThread()
        // The stream thread fell asleep with nothing left to serve, and may know only of later deadlines.
        if !live.isEmpty || !bulk.isEmpty || !bulkWaiting.isEmpty || timers.next < wakesAt { signal() }
        return true
    }
}
