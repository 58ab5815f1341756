internal import Glibc

/// Time that only goes on, for deadlines.
public enum MonotonicClock {
    public static var nanoseconds: UInt64 {
        var now = timespec()
        // SAFETY: the call fills in `now`.
        unsafe clock_gettime(CLOCK_MONOTONIC, &now)
        return UInt64(now.tv_sec) * 1_000_000_000 + UInt64(now.tv_nsec)
    }
}
