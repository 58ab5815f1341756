internal import CZlib

/// Makes blocks of text. One thread at a time; 260 kB.
///
/// SAFETY: `stream` was initialised in `init`, stays where it is, and is used only within the calls below, in which the pointers
/// that it is given are valid.
@safe public final class Deflater {
    private let stream: UnsafeMutablePointer<z_stream>
    /// Where blocks are made, so that each is kept in no more room than it takes.
    private var room: [UInt8] = []

    /// - Parameter level: 1, fast, to 9, small. At 1 rows of a replay come to a sixth, at 150 MB/s; at 6 to a seventh, at 70.
    public init(level: Int32 = 1) {
        unsafe stream = .allocate(capacity: 1)
        unsafe stream.initialize(to: z_stream())
        let result = unsafe fibd_deflate_init(stream, level)
        precondition(result == Z_OK, "zlib can't begin: \(result)")
    }

    deinit {
        unsafe deflateEnd(stream)
        unsafe stream.deallocate()
    }

    public func block(_ text: [UInt8]) -> DeflatedBlock {
        unsafe deflateReset(stream)
        // What the text may come to at most, and the marker at the end.
        let bound = unsafe Int(deflateBound(stream, UInt(text.count))) + 16
        if room.count < bound { room = Array(repeating: 0, count: bound) }
        let used = unsafe room.withUnsafeMutableBufferPointer { room in
            unsafe text.withUnsafeBufferPointer { text in unsafe deflateAll(text, into: room) }
        }
        return DeflatedBlock(Array(room[..<used]), of: text)
    }

    private func deflateAll(_ text: UnsafeBufferPointer<UInt8>, into room: UnsafeMutableBufferPointer<UInt8>) -> Int {
        // zlib reads the text only, whatever the type says.
        unsafe stream.pointee.next_in = UnsafeMutablePointer(mutating: text.baseAddress)
        unsafe stream.pointee.avail_in = UInt32(text.count)
        unsafe stream.pointee.next_out = room.baseAddress
        unsafe stream.pointee.avail_out = UInt32(room.count)
        let result = unsafe deflate(stream, Z_SYNC_FLUSH)
        precondition(
            unsafe result == Z_OK && stream.pointee.avail_in == 0 && stream.pointee.avail_out > 0,
            "zlib made more of a text than it said it would")
        return unsafe room.count - Int(stream.pointee.avail_out)
    }
}
