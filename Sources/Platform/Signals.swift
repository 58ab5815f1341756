internal import Glibc

/// Signals that ask something of the process, received by one thread that waits for them instead of by a handler that
/// may interrupt anything.
@safe public struct Signals {
    public enum Signal: Sendable {
        /// SIGTERM or SIGINT.
        case terminate
        /// SIGHUP.
        case reload
    }

    private var set = sigset_t()

    /// Keeps the signals from every thread that is started afterwards: call it before the first one. SIGPIPE is ignored
    /// from now on, since a client that left is no reason to die.
    public init() {
        // SAFETY: the calls fill in and read `set`, which lives as long as they take.
        unsafe sigemptyset(&set)
        for number in [SIGTERM, SIGINT, SIGHUP] { unsafe sigaddset(&set, number) }
        unsafe pthread_sigmask(SIG_BLOCK, &set, nil)
        signal(SIGPIPE, SIG_IGN)
    }

    /// Waits for the next one.
    public mutating func next() -> Signal {
        var number: Int32 = 0
        while true {
            // SAFETY: as above.
            guard unsafe sigwait(&set, &number) == 0 else { continue }
            return number == SIGHUP ? .reload : .terminate
        }
    }
}
