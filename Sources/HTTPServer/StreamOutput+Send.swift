private import CMicrohttpd
internal import Glibc

extension StreamOutput {
    /// One system call for this many slices at most.
    private static let gatheredSlices = 64

    /// Sends what fits of the first slices. Bytes sent, or a negative errno.
    func send(to socket: Int32) -> Int {
        let (slices, offset) = front(StreamOutput.gatheredSlices)
        return unsafe withUnsafeTemporaryAllocation(of: iovec.self, capacity: StreamOutput.gatheredSlices) { vectors in
            unsafe StreamOutput.gather(slices, from: offset, into: vectors, at: 0) { count in
                // SAFETY: the vectors point into arrays whose pointers are valid here: this runs inside all of the
                // `withUnsafeBytes` calls.
                unsafe fibd_send(socket, vectors.baseAddress, count)
            }
        }
    }

    /// Nests one `withUnsafeBytes` a slice, so that all pointers are valid when `send` runs.
    private static func gather(
        _ slices: ArraySlice<[UInt8]>, from offset: Int, into vectors: UnsafeMutableBufferPointer<iovec>, at index: Int,
        then send: (Int) -> Int
    ) -> Int {
        guard let first = slices.first else { return send(index) }
        return unsafe first.withUnsafeBytes { bytes in
            let unsent = unsafe UnsafeMutableRawPointer(mutating: bytes.baseAddress?.advanced(by: offset))
            unsafe vectors[index] = iovec(iov_base: unsent, iov_len: bytes.count - offset)
            return unsafe gather(slices.dropFirst(), from: 0, into: vectors, at: index + 1, then: send)
        }
    }
}
