internal import Glibc

/// One operating-system thread. Keep the value to `join` it; a thread that is not joined runs on by itself.
@safe public struct Thread: Sendable {
    private let handle: pthread_t

    /// Starts `body` on a new thread. `name` is shown by `ps -L` and debuggers, cut to 15 bytes.
    ///
    /// - Parameter niceness: how far it gives way to others when processors are short, 0 to 19 (`nice`): with 19 it gets a
    ///   fiftieth of the time of a thread with 0.
    public init(name: String, niceness: Int32 = 0, _ body: @escaping @Sendable () -> Void) {
        let start = Start(name: name, niceness: niceness, body: body)
        var thread = pthread_t()
        // SAFETY: the retained Start is consumed exactly once, by the new thread; nothing consumes it if none starts.
        let failed = unsafe pthread_create(
            &thread, nil,
            { raw in
                guard let raw = unsafe raw else { return nil }
                let start = unsafe Unmanaged<Start>.fromOpaque(raw).takeRetainedValue()
                Thread.setName(start.name)
                // Of the thread: in Linux they have priorities of their own. Lowering one's own is always allowed.
                if start.niceness > 0 { setpriority(Int32(PRIO_PROCESS.rawValue), 0, start.niceness) }
                start.body()
                return nil
            }, Unmanaged.passRetained(start).toOpaque())
        precondition(failed == 0, "can't start thread '\(name)': errno \(failed)")
        handle = thread
    }

    /// Waits until the thread has ended. Either this or `detach`, once; a thread of which neither is done leaves its stack
    /// behind.
    public func join() { pthread_join(handle, nil) }

    /// No one will wait for it.
    public func detach() { pthread_detach(handle) }

    /// Whether the caller runs on it.
    public var isCurrent: Bool { pthread_equal(handle, pthread_self()) != 0 }

    /// `pthread_setname_np` hides behind `_GNU_SOURCE`, which Swift's import of Glibc lacks; the kernel's file does the same.
    private static func setName(_ name: String) {
        guard let file = unsafe fopen("/proc/thread-self/comm", "w") else { return }
        unsafe fputs(String(name.prefix(15)), file)
        unsafe fclose(file)
    }

    private final class Start {
        let name: String
        let niceness: Int32
        let body: @Sendable () -> Void
        init(name: String, niceness: Int32, body: @escaping @Sendable () -> Void) {
            self.name = name
            self.niceness = niceness
            self.body = body
        }
    }
}
