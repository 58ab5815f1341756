private import CNettle

/// What finds a flipped bit, a row in another's place, and a row of another store: SQLite itself checks no content.
enum Checksum {
    /// What a row is, so that one kind never passes for another.
    enum Kind: UInt64 {
        case state = 1
        case journal, checkpoint, part
    }

    /// First 8 bytes of the SHA-256 of a row: its kind, the store's epoch, its numbers and its bytes. Costs 0.6 ms for a
    /// MiB.
    static func of(_ kind: Kind, epoch: UInt64, _ numbers: UInt64..., body: [UInt8] = []) -> Int64 {
        var context = sha256_ctx()
        var sum: UInt64 = 0
        // SAFETY: every buffer outlives the call that is given its address; 8 bytes fit into `sum`.
        unsafe nettle_sha256_init(&context)
        for number in [kind.rawValue, epoch] + numbers {
            unsafe withUnsafeBytes(of: number.bigEndian) { unsafe add($0, to: &context) }
        }
        unsafe body.withUnsafeBytes { unsafe add($0, to: &context) }
        unsafe withUnsafeMutableBytes(of: &sum) { output in
            unsafe nettle_sha256_digest(&context, 8, output.baseAddress?.assumingMemoryBound(to: UInt8.self))
        }
        return Int64(bitPattern: UInt64(bigEndian: sum))
    }

    private static func add(_ bytes: UnsafeRawBufferPointer, to context: inout sha256_ctx) {
        // SAFETY: `bytes` is valid during the call.
        unsafe nettle_sha256_update(&context, bytes.count, bytes.baseAddress?.assumingMemoryBound(to: UInt8.self))
    }
}
