internal import Glibc

/// A number from the environment: how much of something a test is to do.
public func environmentNumber(_ name: String) -> UInt64? {
    // SAFETY: nothing changes the environment while tests run; the text is copied at once.
    unsafe getenv(name).flatMap { unsafe UInt64(String(cString: $0)) }
}
