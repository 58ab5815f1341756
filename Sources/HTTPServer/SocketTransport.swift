private import CMicrohttpd
internal import Glibc

/// Owns the socket and writes to it: one system call for all that is queued, and the kernel tells at once when the client
/// leaves.
struct SocketTransport: StreamTransport {
    private static let lingerNanoseconds: UInt64 = 2_000_000_000
    private static let discardBytes = 256 * 1024

    // Three words at most: more would be kept apart from the stream, which costs every delivery a look there.
    private let socket: Int32
    /// The client is given time to read an answer to a request that it hasn't sent to the end.
    private let lingers: Bool
    private let loop: StreamLoop

    /// Takes over `socket`, which `close` closes.
    init(_ socket: Int32, lingers: Bool, loop: StreamLoop) {
        self.socket = socket
        self.lingers = lingers
        self.loop = loop
    }

    func open(tag: UInt64) -> Bool {
        if !lingers { loop.settings.prepare(socket) }
        return loop.poll.addEdges(socket, tag: tag)
    }

    func send(_ output: inout StreamOutput) -> StreamProgress {
        while output.queuedBytes > 0 {
            let (sent, offered) = output.send(to: socket)
            if sent == -EAGAIN { return .blocked }
            guard sent > 0 else { return .gone }
            output.drop(sent)
            // The kernel's buffer is full. It will say when there is room, without being asked once more.
            if sent < offered { return .blocked }
        }
        return .taken
    }

    func handle(_ event: Poll.Event) {
        // Whatever a client sends after its request is dropped, so that it can't hide the end of the connection.
        if event.isReadable, fibd_discard_input(socket, SocketTransport.discardBytes) != 0 {
            loop.poll.reportAgain(socket, tag: event.tag)
        }
    }

    func finish() -> UInt64? {
        guard lingers else { return nil }
        shutdown(socket, Int32(SHUT_WR))
        return SocketTransport.lingerNanoseconds
    }

    func close() {
        // Unread input would turn the closing into a reset, which throws away what the client hasn't read yet.
        _ = fibd_discard_input(socket, SocketTransport.discardBytes)
        Glibc.close(socket)
        loop.mailbox.post(.socketClosed(isEventStream: !lingers))
    }
}

extension StreamLoop.Settings {
    /// For the socket of an event stream.
    func prepare(_ socket: Int32) {
        fibd_stream_prepare(
            socket, Int32(clamping: sendBufferBytes), UInt32(clamping: timeoutNanoseconds / 1_000_000))
    }
}

extension StreamOutput {
    /// One system call for this many slices at most.
    private static let gatheredSlices = 128

    /// Sends what fits of the first slices in one system call. Bytes sent, or a negative errno; and bytes tried.
    fileprivate func send(to socket: Int32) -> (sent: Int, offered: Int) {
        guard others.isEmpty else { return gatherAndSend(to: socket) }
        // The usual case; the kernel is faster by a twentieth without a list to look through.
        return unsafe first.withUnsafeBytes { bytes in
            let unsent = unsafe UnsafeRawBufferPointer(rebasing: bytes[firstOffset...])
            return (unsafe fibd_send(socket, unsent.baseAddress, unsent.count), unsent.count)
        }
    }

    private func gatherAndSend(to socket: Int32) -> (sent: Int, offered: Int) {
        let capacity = StreamOutput.gatheredSlices
        return unsafe withUnsafeTemporaryAllocation(of: iovec.self, capacity: capacity) { vectors in
            unsafe StreamOutput.gather(first, from: firstOffset, then: others, into: vectors, at: 0) { count in
                // SAFETY: the vectors point into arrays whose pointers are valid here: this runs inside all of the
                // `withUnsafeBytes` calls.
                let offered = unsafe vectors[..<count].reduce(0) { unsafe $0 + $1.iov_len }
                return (unsafe fibd_send_slices(socket, vectors.baseAddress, count), offered)
            }
        }
    }

    /// Nests one `withUnsafeBytes` a slice, so that all pointers are valid when `send` runs.
    private static func gather<Result>(
        _ slice: [UInt8], from offset: Int, then others: ArraySlice<[UInt8]>,
        into vectors: UnsafeMutableBufferPointer<iovec>, at index: Int, send: (Int) -> Result
    ) -> Result {
        unsafe slice.withUnsafeBytes { bytes in
            let unsent = unsafe UnsafeMutableRawPointer(mutating: bytes.baseAddress?.advanced(by: offset))
            unsafe vectors[index] = iovec(iov_base: unsent, iov_len: bytes.count - offset)
            guard let next = others.first, index + 1 < vectors.count else { return send(index + 1) }
            return unsafe gather(next, from: 0, then: others.dropFirst(), into: vectors, at: index + 1, send: send)
        }
    }
}
