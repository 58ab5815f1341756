private import CMicrohttpd

/// The event thread's end of a stream that is sent through libmicrohttpd: its response, whose content callback reads the
/// pipe. Event thread only.
final class CallbackStream {
    /// Of the buffer that libmicrohttpd keeps for a client of HTTP/1.0; to others it sends from the connection's memory.
    private static let bufferBytes = 4 * 1024

    private let exchange: Exchange
    private let pipe = StreamPipe()
    private unowned let loop: EventLoop
    /// Taken from the pipe, and not sent yet.
    private var output = StreamOutput()

    init(_ exchange: Exchange, loop: EventLoop) {
        self.exchange = exchange
        self.loop = loop
    }

    var transport: CallbackTransport { CallbackTransport(exchange.id, pipe, loop: loop.streams) }

    var isSuspended: Bool { exchange.isSuspended }

    /// False if the connection must be closed instead.
    func queue(_ headers: HTTPResponseHeaders) -> Bool {
        let context = unsafe Unmanaged.passRetained(self).toOpaque()
        // SAFETY: the library calls `freeStream` once, when no call of `readStream` can follow.
        guard
            let response = unsafe MHD_create_response_from_callback(
                UInt64.max, CallbackStream.bufferBytes, readStream, context, freeStream)
        else {
            unsafe freeStream(context)
            return false
        }
        // The connection keeps its own reference.
        defer { unsafe MHD_destroy_response(response) }
        unsafe ResponseQueue.add(headers, to: response)
        unsafe MHD_add_response_header(response, "Connection", "close")
        return unsafe MHD_queue_response(exchange.connection.handle, 200, response) == .YES
    }

    /// The pipe has something. Not among `EventLoop.suspended`, since that would be two changes of a dictionary an event.
    func resume() {
        guard exchange.isSuspended else { return }
        exchange.isSuspended = false
        ResponseQueue.resume(exchange.connection)
    }

    /// The stream thread has given it up. Makes libmicrohttpd see a broken connection, whatever it is waiting for.
    func cut() {
        exchange.connection.breakOff()
        resume()
    }

    /// Fills the buffer as far as there is something. Without, the connection is suspended: to return 0 otherwise would
    /// make the library ask again and again.
    fileprivate func read(into buffer: UnsafeMutableRawBufferPointer) -> Int {
        guard !loop.isCutting else { return fibd_body_error }
        if output.queuedBytes == 0 {
            let (taken, wakesWriter) = pipe.take(&output)
            if wakesWriter { loop.streams.post(.writable(exchange.id)) }
            switch taken {
            case .bytes: break
            case .end: return fibd_body_end
            case .nothingYet:
                exchange.isSuspended = true
                ResponseQueue.suspend(exchange.connection)
                return 0
            }
        }
        return unsafe output.copy(into: buffer)
    }
}

extension StreamOutput {
    /// Takes what fits; the number of bytes.
    fileprivate mutating func copy(into buffer: UnsafeMutableRawBufferPointer) -> Int {
        var filled = 0
        while filled < buffer.count, queuedBytes > 0 {
            let count = min(buffer.count - filled, first.count - firstOffset)
            unsafe first.withUnsafeBytes { bytes in
                let part = unsafe UnsafeRawBufferPointer(rebasing: bytes[firstOffset..<firstOffset + count])
                unsafe UnsafeMutableRawBufferPointer(rebasing: buffer[filled...]).copyMemory(from: part)
            }
            drop(count)
            filled += count
        }
        return filled
    }
}

private func readStream(
    _ context: UnsafeMutableRawPointer?, _ position: UInt64, _ buffer: UnsafeMutablePointer<CChar>?, _ size: Int
) -> Int {
    guard let context = unsafe context else { return fibd_body_error }
    let stream = unsafe Unmanaged<CallbackStream>.fromOpaque(context).takeUnretainedValue()
    return unsafe stream.read(into: UnsafeMutableRawBufferPointer(start: buffer, count: size))
}

private func freeStream(_ context: UnsafeMutableRawPointer?) {
    guard let context = unsafe context else { return }
    unsafe Unmanaged<CallbackStream>.fromOpaque(context).release()
}
