import Compression
import TestSupport
import Testing

@Suite("Deflated blocks")
struct DeflaterTests {
    private static func texts(_ seed: UInt64) -> [[UInt8]] {
        var random = SeededGenerator(seed: seed)
        return (0..<Int.random(in: 0...12, using: &random)).map { _ in
            let count = [0, 1, 100, 7_000, 70_000].randomElement(using: &random) ?? 0
            let isRandom = Bool.random(using: &random)
            return (0..<count).map { isRandom ? UInt8.random(in: 0...255, using: &random) : UInt8($0 % 61) }
        }
    }

    @Test("Blocks one behind the other are one stream of gzip, with a check of all of it", arguments: UInt64(1)...32)
    func isGzip(seed: UInt64) throws {
        let deflater = Deflater()
        var frame = GzipFrame()
        var sent = frame.begin() ?? []
        let texts = Self.texts(seed)
        for text in texts {
            let block = deflater.block(text)
            #expect(block.textCount == text.count)
            sent += block.bytes
            frame.add(block)
        }
        sent += frame.tail
        #expect(try Inflater.text(of: sent) == Array(texts.joined()))
    }

    @Test("A block can be sent again and in another stream, in any order")
    func isItsOwn() throws {
        let deflater = Deflater()
        let texts = ["event: route\n", "event: sync\n", "event: route\n"].map { Array($0.utf8) }
        let blocks = texts.map(deflater.block)
        for order in [[0, 1, 2], [2, 1, 0, 0, 0], [1]] {
            var frame = GzipFrame()
            let head = frame.begin() ?? []
            #expect(frame.begin() == nil)
            for index in order { frame.add(blocks[index]) }
            let sent = head + order.flatMap { blocks[$0].bytes } + frame.tail
            #expect(try Inflater.text(of: sent) == order.flatMap { texts[$0] })
        }
    }

    @Test("A block is there as soon as it has come, before the stream's end")
    func isFlushed() throws {
        let block = Deflater().block(Array("data: 1\n\n".utf8))
        let inflater = try Inflater()
        var frame = GzipFrame()
        #expect(try inflater.add(frame.begin() ?? []).isEmpty)
        #expect(try inflater.add(block.bytes) == Array("data: 1\n\n".utf8) && !inflater.isAtEnd)
    }

    @Test("A damaged stream is an error: its end checks all of it")
    func isChecked() throws {
        let block = Deflater().block(Array(repeating: 7, count: 1_000))
        var frame = GzipFrame()
        var sent = (frame.begin() ?? []) + block.bytes
        frame.add(block)
        sent += frame.tail
        sent[sent.count - 6] ^= 1
        #expect(throws: Inflater.Damaged.self) { try Inflater.text(of: sent) }
    }
}
