import ChangeLog
import Testing

@testable import API

@Suite("Encoded rows kept for further replays")
struct SegmentCacheTests {
    private final class Holder {}

    private struct Item: ImageValue {
        let number: UInt64
        var version: ChangeSequence { ChangeSequence(rawValue: number) }
        var hash: EntryHash { EntryHash(high: number, low: number) }
    }

    /// What an image with this one entry holds.
    private func contents(_ number: UInt64) throws -> ImageContents {
        var image = Image<UInt64, Item>()
        image.insert(Item(number: number), for: number)
        var cursor = image.cursor()
        return try #require(cursor.nextRun()?.contents)
    }

    private func bytes(_ cache: SegmentCache, _ number: UInt64, keeps: Bool = true, now: UInt64 = 0, made: inout Int)
        throws -> [UInt8]?
    {
        cache.segment(of: try contents(number), .ndjson, keeps: keeps, now) { bytes in
            made += 1
            bytes += Array(repeating: UInt8(truncatingIfNeeded: number), count: 100)
        }
    }

    @Test("A segment is encoded once, and each format has its own")
    func encodesOnce() throws {
        let cache = SegmentCache(byteLimit: 1_000)
        var made = 0
        let first = try bytes(cache, 1, made: &made)
        #expect(try bytes(cache, 1, made: &made) == first && made == 1)
        let other = cache.segment(of: try contents(1), .serverSentEvents, keeps: true, 0) { $0 += [7] }
        #expect(other == [7] && cache.bytes == 101)
    }

    @Test("What is not to be kept is found if it is there, and not made if it isn't")
    func keepsNothingForOne() throws {
        let cache = SegmentCache(byteLimit: 1_000)
        var made = 0
        #expect(try bytes(cache, 1, keeps: false, made: &made) == nil)
        let kept = try bytes(cache, 1, made: &made)
        #expect(try bytes(cache, 1, keeps: false, made: &made) == kept && made == 1)
    }

    @Test("Replays share while their turns alternate; one alone does not, nor one that comes after another's end")
    func sharing() {
        let cache = SegmentCache(byteLimit: 1_000)
        let (one, other) = (Holder(), Holder())
        let (a, b) = (ObjectIdentifier(one), ObjectIdentifier(other))
        #expect(!cache.isShared(with: a, 1) && !cache.isShared(with: a, 2))
        #expect(cache.isShared(with: b, 3) && cache.isShared(with: b, 4) && cache.isShared(with: a, 5))
        let later = 5 + SegmentCache.togetherNanoseconds
        #expect(!cache.isShared(with: a, later))
        #expect(!cache.isShared(with: b, 2 * later))
    }

    @Test("When it is full, what is there stays, and nothing more comes in")
    func keepsItsBound() throws {
        let cache = SegmentCache(byteLimit: 250)
        var made = 0
        for number in UInt64(1)...3 { #expect(try bytes(cache, number, made: &made) != nil) }
        #expect(try bytes(cache, 4, made: &made) == nil)
        #expect(try bytes(cache, 1, made: &made) != nil)
        #expect(made == 3 && cache.count == 3 && cache.bytes == 300)
    }

    @Test("What no one asks for goes after a while, and makes room")
    func forgets() throws {
        let cache = SegmentCache(byteLimit: 200)
        var made = 0
        for number in UInt64(1)...2 { _ = try bytes(cache, number, made: &made) }
        let later = SegmentCache.idleNanoseconds
        _ = try bytes(cache, 1, now: later, made: &made)
        cache.sweep(later + 1)
        #expect(cache.count == 1 && cache.bytes == 100)
        #expect(try bytes(cache, 3, now: later, made: &made) != nil)
    }
}
