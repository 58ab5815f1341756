internal import CZlib

/// Reads gzip as it comes, and checks it.
///
/// SAFETY: `stream` was initialised in `init`, stays where it is, and is used only within the calls below, in which the pointers
/// that it is given are valid.
@safe public final class Inflater {
    public struct Damaged: Error {}

    private let stream: UnsafeMutablePointer<z_stream>
    /// The end of the gzip stream has come, and it was right.
    public private(set) var isAtEnd = false

    public init() throws(Damaged) {
        unsafe stream = .allocate(capacity: 1)
        unsafe stream.initialize(to: z_stream())
        guard unsafe fibd_inflate_gzip_init(stream) == Z_OK else { throw Damaged() }
    }

    deinit {
        unsafe inflateEnd(stream)
        unsafe stream.deallocate()
    }

    /// The text that follows from these bytes.
    public func add(_ bytes: [UInt8]) throws(Damaged) -> [UInt8] {
        var text: [UInt8] = []
        var isDamaged = false
        unsafe bytes.withUnsafeBufferPointer { bytes in
            unsafe stream.pointee.next_in = UnsafeMutablePointer(mutating: bytes.baseAddress)
            unsafe stream.pointee.avail_in = UInt32(bytes.count)
            // A full buffer may hide more text, even with no bytes left.
            var mayHaveMore = !bytes.isEmpty
            while mayHaveMore, !isAtEnd, !isDamaged {
                let piece = unsafe [UInt8](unsafeUninitializedCapacity: 65_536) { buffer, count in
                    unsafe stream.pointee.next_out = buffer.baseAddress
                    unsafe stream.pointee.avail_out = 65_536
                    let result = unsafe inflate(stream, Z_SYNC_FLUSH)
                    isAtEnd = result == Z_STREAM_END
                    isDamaged = ![Z_OK, Z_STREAM_END, Z_BUF_ERROR].contains(result)
                    count = unsafe 65_536 - Int(stream.pointee.avail_out)
                    mayHaveMore = unsafe stream.pointee.avail_out == 0
                }
                text += piece
            }
        }
        if isDamaged { throw Damaged() }
        return text
    }

    /// Of a whole gzip stream.
    public static func text(of bytes: [UInt8]) throws(Damaged) -> [UInt8] {
        let inflater = try Inflater()
        let text = try inflater.add(bytes)
        guard inflater.isAtEnd else { throw Damaged() }
        return text
    }
}
