private import CMicrohttpd

/// Hands responses to libmicrohttpd, and suspends and resumes its connections. Event thread only.
enum ResponseQueue {
    /// What a body in production needs of the loop.
    struct Reading {
        let exchange: Exchange
        let body: ProducedBody
        let loop: EventLoop
    }

    /// False if the connection must be closed instead: no memory, or a status outside 200...999.
    static func queue(_ response: HTTPResponse, for exchange: Exchange, closing: Bool, loop: EventLoop) -> Bool {
        guard response.status >= 200, let made = unsafe make(response.body, for: exchange, loop: loop) else {
            return false
        }
        // The connection keeps its own reference.
        defer { unsafe MHD_destroy_response(made) }
        unsafe add(response.headers, to: made)
        if closing || response.closesConnection { unsafe MHD_add_response_header(made, "Connection", "close") }
        return unsafe MHD_queue_response(exchange.connection.handle, UInt32(clamping: response.status), made) == .YES
    }

    static func add(_ headers: HTTPResponseHeaders, to response: OpaquePointer) {
        for (name, value) in headers.fields {
            unsafe HTTPFieldValue.literal(name).withCString { name in
                unsafe value.withCString { value in _ = unsafe MHD_add_response_header(response, name, value) }
            }
        }
    }

    static func suspend(_ connection: Connection) { unsafe MHD_suspend_connection(connection.handle) }
    static func resume(_ connection: Connection) { unsafe MHD_resume_connection(connection.handle) }

    private static func make(_ body: HTTPResponse.Body, for exchange: Exchange, loop: EventLoop) -> OpaquePointer? {
        switch body {
        case .bytes(let bytes):
            return unsafe bytes.withUnsafeBytes { bytes in
                // SAFETY: with MUST_COPY the library only reads the memory, during this call.
                let start = unsafe UnsafeMutableRawPointer(mutating: bytes.baseAddress)
                return unsafe MHD_create_response_from_buffer(bytes.count, start, .RESPMEM_MUST_COPY)
            }
        case .produced(let producer):
            let body = loop.body(of: producer, for: exchange)
            let reading = unsafe Unmanaged.passRetained(Box(Reading(exchange: exchange, body: body, loop: loop)))
            // SAFETY: the library calls `freeBody` once, when no call of `readBody` can follow.
            return unsafe MHD_create_response_from_callback(
                UInt64.max, ProducerLane.pieceBytes, readBody, unsafe reading.toOpaque(), freeBody)
        }
    }
}

private final class Box {
    let reading: ResponseQueue.Reading
    init(_ reading: ResponseQueue.Reading) { self.reading = reading }
}

/// Copies what was produced; suspends the connection when that is used up. To return 0 without suspending would make
/// the library ask again and again.
private func readBody(
    _ context: UnsafeMutableRawPointer?, _ position: UInt64, _ buffer: UnsafeMutablePointer<CChar>?, _ size: Int
) -> Int {
    guard let context = unsafe context else { return fibd_body_error }
    let reading = unsafe Unmanaged<Box>.fromOpaque(context).takeUnretainedValue().reading
    if !reading.body.isPieceSent {
        return unsafe reading.body.copy(into: UnsafeMutableRawBufferPointer(start: buffer, count: size))
    }
    guard reading.body.hasMore else { return fibd_body_end }
    return reading.loop.awaitPiece(of: reading.body, for: reading.exchange) ? 0 : fibd_body_error
}

private func freeBody(_ context: UnsafeMutableRawPointer?) {
    guard let context = unsafe context else { return }
    let box = unsafe Unmanaged<Box>.fromOpaque(context).takeRetainedValue()
    box.reading.body.lane.abandon()
    box.reading.exchange.producedBody = nil
}
