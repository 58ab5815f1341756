internal import CZlib

/// A piece of text in deflate's format (RFC 1951) that refers to nothing before it and ends with a whole byte: put behind any
/// other, in any stream. So it is made once for all who are sent the same.
public struct DeflatedBlock: Sendable {
    public let bytes: [UInt8]
    /// Bytes of text.
    public let textCount: Int
    /// CRC-32 of the text.
    let check: UInt32
    /// What leads from the check of all text before to that of the text with this behind it.
    private let operation: UInt

    init(_ bytes: [UInt8], of text: [UInt8]) {
        self.bytes = bytes
        textCount = text.count
        check = unsafe text.withUnsafeBufferPointer { text in
            UInt32(truncatingIfNeeded: unsafe crc32_z(0, text.baseAddress, text.count))
        }
        operation = crc32_combine_gen(text.count)
    }

    func check(behind former: UInt32) -> UInt32 {
        UInt32(truncatingIfNeeded: crc32_combine_op(UInt(former), UInt(check), operation))
    }
}

/// What stands around the blocks of one stream (RFC 1952).
public struct GzipFrame: Sendable {
    /// No name, no time, of a system that isn't known.
    private static let head: [UInt8] = [0x1f, 0x8b, 8, 0, 0, 0, 0, 0, 0, 0xff]

    private var hasBegun = false
    private var check: UInt32 = 0
    private var count: UInt32 = 0

    public init() {}

    /// What goes out before the next block; nil but for the first one.
    public mutating func begin() -> [UInt8]? {
        defer { hasBegun = true }
        return hasBegun ? nil : Self.head
    }

    /// Takes note of a block that is sent.
    public mutating func add(_ block: DeflatedBlock) {
        check = block.check(behind: check)
        count &+= UInt32(truncatingIfNeeded: block.textCount)
    }

    /// What goes out behind the last block: an empty one that says so, and the check and the size of all text.
    public var tail: [UInt8] {
        var bytes: [UInt8] = [3, 0]
        for word in [check, count] {
            for shift: UInt32 in [0, 8, 16, 24] { bytes.append(UInt8(truncatingIfNeeded: word >> shift)) }
        }
        return bytes
    }
}
