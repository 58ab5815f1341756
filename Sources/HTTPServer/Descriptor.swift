private import CMicrohttpd
internal import Glibc

/// An open file descriptor; closes when it goes.
struct Descriptor: ~Copyable, Sendable {
    let raw: Int32

    init(_ raw: Int32) { self.raw = raw }
    deinit { close(raw) }

    /// Takes the result of one of the `fibd_` calls, which return a descriptor or a negative errno.
    init(orError raw: Int32, _ what: String) throws(HTTPServerError) {
        guard raw >= 0 else {
            throw HTTPServerError(
                operation: .createDescriptor, address: nil, errno: -raw,
                message: "can't create \(what): \(errorText(-raw)); check the limit of open files")
        }
        self.raw = raw
    }
}

/// Wakes a thread that waits in a `Poll`. Any thread may signal.
final class Wakeup: Sendable {
    private let descriptor: Descriptor

    init() throws(HTTPServerError) {
        descriptor = try Descriptor(orError: fibd_wakeup_create(), "a wake-up descriptor")
    }

    func signal() { fibd_wakeup_signal(descriptor.raw) }
    func clear() { fibd_wakeup_clear(descriptor.raw) }

    func register(in poll: Poll, tag: UInt64) throws(HTTPServerError) {
        try poll.addReadable(descriptor.raw, tag: tag)
    }
}

/// One epoll instance.
final class Poll: Sendable {
    struct Event {
        let tag: UInt64
        let isReadable: Bool
        let isWritable: Bool
        let isPeerClosed: Bool
    }

    private let descriptor: Descriptor

    init() throws(HTTPServerError) { descriptor = try Descriptor(orError: fibd_poll_create(), "an epoll instance") }

    func addReadable(_ watched: Int32, tag: UInt64) throws(HTTPServerError) {
        let result = fibd_poll_add_readable(descriptor.raw, watched, tag)
        guard result == 0 else {
            throw HTTPServerError(
                operation: .createDescriptor, address: nil, errno: -result,
                message: "can't watch a descriptor: \(errorText(-result))")
        }
    }

    /// False if the kernel refused (no memory, too many watches).
    func addEdges(_ watched: Int32, tag: UInt64) -> Bool {
        fibd_poll_add_edges(descriptor.raw, watched, tag) == 0
    }

    /// Has what holds of the descriptor reported once more.
    func reportAgain(_ watched: Int32, tag: UInt64) { fibd_poll_report_again(descriptor.raw, watched, tag) }

    func remove(_ watched: Int32) { _ = fibd_poll_remove(descriptor.raw, watched) }

    /// Appends what is ready. A negative timeout waits for ever.
    func wait(timeoutMilliseconds: Int32, into events: inout [Event]) {
        unsafe withUnsafeTemporaryAllocation(of: fibd_event.self, capacity: 256) { room in
            let count = unsafe fibd_poll_wait(descriptor.raw, room.baseAddress, 256, timeoutMilliseconds)
            // Only a bug can make it fail: the descriptor is ours and open.
            precondition(count >= 0, "epoll_wait: errno \(-count)")
            for index in 0..<Int(count) {
                let event = unsafe room[index]
                events.append(
                    Event(
                        tag: event.tag, isReadable: event.readiness & UInt32(FIBD_READABLE) != 0,
                        isWritable: event.readiness & UInt32(FIBD_WRITABLE) != 0,
                        isPeerClosed: event.readiness & UInt32(FIBD_PEER_CLOSED) != 0))
            }
        }
    }
}

/// CLOCK_MONOTONIC in nanoseconds.
func monotonicNow() -> UInt64 {
    var time = timespec()
    unsafe clock_gettime(CLOCK_MONOTONIC, &time)
    return UInt64(time.tv_sec) * 1_000_000_000 + UInt64(time.tv_nsec)
}

/// Nanoseconds in this many seconds; negative ones count as none, and more than 30 years as 30 years.
func seconds(_ count: Int) -> UInt64 { UInt64(min(max(0, count), 1_000_000_000)) * 1_000_000_000 }

/// The time until `deadline` in whole milliseconds, rounded up so that it has passed when the wait is over.
func milliseconds(from now: UInt64, until deadline: UInt64) -> Int32 {
    guard deadline > now else { return 0 }
    return Int32(min((deadline - now + 999_999) / 1_000_000, 3_600_000))
}

func errorText(_ number: Int32) -> String {
    guard let text = unsafe strerror(number) else { return "error \(number)" }
    return unsafe String(cString: text)
}
