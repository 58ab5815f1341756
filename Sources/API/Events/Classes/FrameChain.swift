internal import ChangeLog
internal import Compression
internal import ControlPlane

/// The frames of a class in one format, as long as someone reads them: a chain of links, of which each reader holds the one that it
/// has sent last, and another one for readers with gzip.
struct FrameChain {
    /// Frames of the step that goes on, and how much of them is of changes that the log keeps aside.
    private(set) var pending: [UInt8] = []
    private var aside = 0
    private var first = ChangeSequence.zero
    private var plain = End()
    private var compressed = End()

    private struct End {
        var readers = 0
        var chunk = FrameChunk()
    }

    var hasReaders: Bool { plain.readers + compressed.readers > 0 }

    /// The last link.
    mutating func addReader(compressed isCompressed: Bool) -> FrameChunk {
        isCompressed ? Self.addReader(&compressed) : Self.addReader(&plain)
    }

    private static func addReader(_ end: inout End) -> FrameChunk {
        // It was not kept up while no one read it: it starts anew here.
        if end.readers == 0 { end.chunk = FrameChunk() }
        end.readers += 1
        return end.chunk
    }

    mutating func removeReader(compressed isCompressed: Bool) {
        if isCompressed { compressed.readers -= 1 } else { plain.readers -= 1 }
    }

    mutating func write(_ change: Change, _ body: (inout [UInt8]) -> Void) {
        if pending.isEmpty { first = change.sequence }
        let before = pending.count
        body(&pending)
        if change.isKeptAside { aside += pending.count - before }
    }

    mutating func endStep(_ log: Log<Change>, _ deflater: Deflater) {
        if plain.readers > 0 { append(.plain(pending), log, to: &plain) }
        if compressed.readers > 0 { append(.deflated(deflater.block(pending)), log, to: &compressed) }
        (pending, aside) = ([], 0)
    }

    private func append(_ text: FrameText, _ log: Log<Change>, to end: inout End) {
        // Compressed or not, the same share is of what is kept aside.
        let aside = aside == 0 ? 0 : aside * text.bytes.count / pending.count
        let chunk = FrameChunk(text, first: first, log: log, aside: aside)
        end.chunk.append(chunk)
        end.chunk = chunk
    }
}
