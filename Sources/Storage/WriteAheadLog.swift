internal import Glibc

/// Looks at SQLite's write-ahead log before SQLite does (https://www.sqlite.org/fileformat2.html#walformat).
///
/// SQLite takes the first frame that is not in order for the end of the log: the tail of a commit that a loss of power
/// interrupted. It would do so with a bit that flipped in the middle as well, and forget all commits behind it without a
/// word. But a commit is synced before the next one begins: where another one lies behind the one with the wrong frame,
/// that one was durable. Only of the very last commit it can't be told whether power or a bit was lost.
struct WriteAheadLog: ~Copyable {
    private let file: OpenFile
    private let header: [UInt8]
    private static let headerSize = 32
    private static let frameHeaderSize = 24

    /// - Throws: `.damaged` if commits are lost that had been durable.
    static func check(_ path: String) throws(StoreError) {
        guard OpenFile.exists(path) else { return }
        let file = try OpenFile(path, O_RDONLY)
        let header = try file.read(headerSize + frameHeaderSize, at: 0)
        // A log without frames. The header is synced before the first of them is written.
        guard header.count == headerSize + frameHeaderSize, header.contains(where: { $0 != 0 }) else { return }
        try WriteAheadLog(file: file, header: header).checkFrames()
    }

    private init(file: consuming OpenFile, header: [UInt8]) {
        self.file = file
        self.header = header
    }

    private func checkFrames() throws(StoreError) {
        guard UInt32(bigEndian: header, at: 0) & ~1 == 0x377f_0682,
            let start = checksum(of: header, 0..<24, after: Sum()), start == Sum(header, at: 24)
        else { throw .damage("\(file.path) is damaged: its header is not as it was written") }
        let frameSize = WriteAheadLog.frameHeaderSize + Int(UInt32(bigEndian: header, at: 8))
        var previous = start
        var index = 0
        var firstWrong: Int?
        // Commits that end at the wrong frame or behind it. The first is the one with that frame.
        var ends = 0
        while true {
            let frame = try file.read(frameSize, at: WriteAheadLog.headerSize + index * frameSize)
            guard frame.count == frameSize else { break }
            let isRight = isOfThisLog(frame) && Sum(frame, at: 16) == checksum(of: frame, after: previous)
            if !isRight { firstWrong = firstWrong ?? index }
            if let firstWrong, isRight || index == firstWrong, isEndOfCommit(frame) { ends += 1 }
            previous = Sum(frame, at: 16)
            index += 1
        }
        if let firstWrong, ends > 1 {
            throw .damage(
                "\(file.path) is damaged: frame \(firstWrong + 1) is not as it was written, and commits follow it")
        }
    }

    /// Frames of an earlier log, which this one is written over, have another salt.
    private func isOfThisLog(_ frame: [UInt8]) -> Bool { frame[8..<16] == header[16..<24] }

    private func isEndOfCommit(_ frame: [UInt8]) -> Bool { isOfThisLog(frame) && UInt32(bigEndian: frame, at: 4) != 0 }

    private func checksum(of frame: [UInt8], after previous: Sum) -> Sum? {
        checksum(of: frame, 0..<8, after: previous).flatMap {
            checksum(of: frame, WriteAheadLog.frameHeaderSize..<frame.count, after: $0)
        }
    }

    /// Nil if the range is not a whole number of pairs of words.
    private func checksum(of bytes: [UInt8], _ range: Range<Int>, after previous: Sum) -> Sum? {
        guard range.count % 8 == 0 else { return nil }
        let isBigEndian = header[3] & 1 == 1
        var sum = previous
        // SAFETY: both words are inside the range, which is inside the array.
        unsafe bytes[range].withUnsafeBytes { bytes in
            for index in stride(from: 0, to: bytes.count, by: 8) {
                let one = unsafe bytes.loadUnaligned(fromByteOffset: index, as: UInt32.self)
                let two = unsafe bytes.loadUnaligned(fromByteOffset: index + 4, as: UInt32.self)
                sum.one &+= (isBigEndian ? one.bigEndian : one.littleEndian) &+ sum.two
                sum.two &+= (isBigEndian ? two.bigEndian : two.littleEndian) &+ sum.one
            }
        }
        return sum
    }

    private struct Sum: Equatable {
        var one: UInt32 = 0
        var two: UInt32 = 0

        init() {}

        init(_ bytes: [UInt8], at index: Int) {
            one = UInt32(bigEndian: bytes, at: index)
            two = UInt32(bigEndian: bytes, at: index + 4)
        }
    }
}
