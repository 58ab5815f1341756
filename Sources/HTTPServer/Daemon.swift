private import CMicrohttpd
internal import Glibc

/// One libmicrohttpd daemon with its listening socket. Event thread only, but for its creation.
///
/// SAFETY: `handle` is valid until `stop`, after which the loop drops this object.
///
/// The callbacks stand here, outside of any main-actor context, as functions that know nothing but the loop to call.
@safe final class Daemon {
    private let handle: OpaquePointer
    private var listener: Int32?
    /// -1 if the daemon has none, which does not happen with the flags that are used.
    let pollDescriptor: Int32

    /// Takes over `listener`. `loop` must outlive the daemon: it stops its daemons before it ends.
    init(listener: Int32, address: ListenAddress, limit: Int, settings: HTTPDaemon.Configuration, loop: EventLoop)
        throws(HTTPServerError)
    {
        var callbacks = unsafe fibd_daemon_settings()
        unsafe callbacks.connection_limit = UInt32(clamping: limit)
        unsafe callbacks.connection_timeout_seconds = UInt32(clamping: settings.idleTimeoutSeconds)
        unsafe callbacks.connection_memory = settings.connectionMemoryBytes
        unsafe callbacks.context = Unmanaged.passUnretained(loop).toOpaque()
        unsafe callbacks.handle = handleRequest
        unsafe callbacks.target = requestStarted
        unsafe callbacks.completed = requestCompleted
        unsafe callbacks.connection = connectionChanged
        guard let handle = unsafe fibd_daemon_start(listener, &callbacks) else {
            throw HTTPServerError(
                operation: .startDaemon, address: address, errno: errno,
                message: "can't serve \(address): libmicrohttpd did not start; check memory and the limit of open files"
            )
        }
        unsafe self.handle = handle
        self.listener = listener
        pollDescriptor = unsafe fibd_daemon_poll_descriptor(handle)
    }

    /// Serves whatever is ready; doesn't wait.
    func run() { unsafe MHD_run(handle) }

    /// When `run` must be called again though nothing became ready, in milliseconds from now; nil if never.
    var timeoutMilliseconds: UInt64? {
        var timeout: UInt64 = 0
        return unsafe MHD_get_timeout(handle, &timeout) == .YES ? timeout : nil
    }

    /// Closes the listening socket; open connections go on.
    func stopListening() {
        guard let socket = listener else { return }
        unsafe MHD_quiesce_daemon(handle)
        close(socket)
        listener = nil
    }

    /// Closes all connections. None may be suspended: libmicrohttpd would end the process.
    func stop() {
        stopListening()
        unsafe MHD_stop_daemon(handle)
    }
}

// SAFETY of the four callbacks: `context` is the loop that the daemon was given, which outlives it; the request's context
// is the Exchange retained by `requestStarted` until `requestCompleted`; the connection's context is the Connection
// retained by its STARTED notification until its CLOSED one. libmicrohttpd calls them on the event thread only.

private func loop(_ context: UnsafeMutableRawPointer?) -> EventLoop? {
    guard let context = unsafe context else { return nil }
    return unsafe Unmanaged<EventLoop>.fromOpaque(context).takeUnretainedValue()
}

private func connectionChanged(
    _ context: UnsafeMutableRawPointer?, _ handle: OpaquePointer?,
    _ slot: UnsafeMutablePointer<UnsafeMutableRawPointer?>?, _ change: MHD_ConnectionNotificationCode
) {
    guard let loop = unsafe loop(context), let handle = unsafe handle, let slot = unsafe slot else { return }
    if change == .CONNECTION_NOTIFY_STARTED {
        let peer = unsafe withUnsafeTemporaryAllocation(of: CChar.self, capacity: 64) { text in
            guard let start = text.baseAddress else { return "" }
            unsafe fibd_connection_peer(handle, start, text.count)
            return unsafe String(cString: start)
        }
        let socket = unsafe fibd_connection_descriptor(handle)
        let connection = unsafe Connection(handle, socket: socket, peer: peer, now: loop.now)
        unsafe slot.pointee = Unmanaged.passRetained(connection).toOpaque()
        loop.opened(connection)
    } else if let stored = unsafe slot.pointee {
        unsafe slot.pointee = nil
        loop.closed(unsafe Unmanaged<Connection>.fromOpaque(stored).takeRetainedValue())
    }
}

private func requestStarted(
    _ context: UnsafeMutableRawPointer?, _ target: UnsafePointer<CChar>?, _ handle: OpaquePointer?
) -> UnsafeMutableRawPointer? {
    guard let loop = unsafe loop(context), let handle = unsafe handle,
        let stored = unsafe fibd_connection_context(handle)
    else { return nil }
    let connection = unsafe Unmanaged<Connection>.fromOpaque(stored).takeUnretainedValue()
    // Bytes that aren't UTF-8 become U+FFFD here, which is refused like them.
    let text = unsafe target.map { unsafe String(cString: $0) } ?? ""
    return unsafe Unmanaged.passRetained(loop.started(on: connection, target: text)).toOpaque()
}

private func handleRequest(
    _ context: UnsafeMutableRawPointer?, _ handle: OpaquePointer?, _ url: UnsafePointer<CChar>?,
    _ method: UnsafePointer<CChar>?, _ version: UnsafePointer<CChar>?, _ upload: UnsafePointer<CChar>?,
    _ uploadSize: UnsafeMutablePointer<Int>?, _ slot: UnsafeMutablePointer<UnsafeMutableRawPointer?>?
) -> MHD_Result {
    guard let loop = unsafe loop(context), let stored = unsafe slot?.pointee, let size = unsafe uploadSize,
        let method = unsafe method, let version = unsafe version
    else { return .NO }
    let exchange = unsafe Unmanaged<Exchange>.fromOpaque(stored).takeUnretainedValue()
    if unsafe size.pointee > 0 {
        let piece = unsafe UnsafeRawBufferPointer(start: upload, count: size.pointee)
        guard let isTaken = unsafe loop.received(piece, for: exchange) else { return .NO }
        if isTaken { unsafe size.pointee = 0 }
        return .YES
    }
    if case .header = exchange.phase {
        let method = unsafe HTTPMethod(rawValue: String(cString: method))
        let isVersion10 = unsafe strcmp(version, MHD_HTTP_VERSION_1_0) == 0
        return loop.begin(exchange, method: method, isVersion10: isVersion10) ? .YES : .NO
    }
    return loop.goOn(exchange) ? .YES : .NO
}

private func requestCompleted(
    _ context: UnsafeMutableRawPointer?, _ handle: OpaquePointer?,
    _ slot: UnsafeMutablePointer<UnsafeMutableRawPointer?>?, _ reason: MHD_RequestTerminationCode
) {
    guard let loop = unsafe loop(context), let slot = unsafe slot, let stored = unsafe slot.pointee else { return }
    unsafe slot.pointee = nil
    loop.completed(unsafe Unmanaged<Exchange>.fromOpaque(stored).takeRetainedValue())
}
