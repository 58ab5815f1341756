internal import ChangeLog
internal import ControlPlane

/// The frames of a class in one form, as long as someone reads them: a chain of links, of which each reader holds the one that it
/// has sent last.
struct FrameChain {
    /// Streams that read it.
    var readers = 0
    /// Frames of the step that goes on, and how much of them is of changes that the log keeps aside.
    private(set) var pending: [UInt8] = []
    private var aside = 0
    private var first = ChangeSequence.zero
    private var tail = FrameChunk()

    /// The last link.
    mutating func addReader() -> FrameChunk {
        // It was not kept up while no one read it: it starts anew here.
        if readers == 0 { tail = FrameChunk() }
        readers += 1
        return tail
    }

    mutating func write(_ change: Change, _ body: (inout [UInt8]) -> Void) {
        if pending.isEmpty { first = change.sequence }
        let before = pending.count
        body(&pending)
        if change.isKeptAside { aside += pending.count - before }
    }

    mutating func endStep(at position: ChangeSequence, _ log: Log<Change>) {
        let chunk = FrameChunk(pending, first: first, log: log, aside: aside)
        tail.append(chunk)
        tail = chunk
        (pending, aside) = ([], 0)
    }
}
