internal import ChangeLog
internal import ControlPlane

/// Frames of some consecutive changes, encoded once for all streams of a class and a form: one link of a chain.
///
/// A stream holds the link it has sent last; what no stream needs any more is freed by itself. The bytes count towards
/// the log's bound, so that a slow stream makes the log forget sooner, falls behind its floor, and is reset.
final class FrameChunk {
    let text: FrameText
    /// The number up to which a client is that has everything in front of it.
    let before: ChangeSequence
    private(set) var next: FrameChunk?
    private let log: Log<Change>?
    /// How many of the bytes are of changes that the log keeps aside.
    private let aside: Int

    /// Where a chain begins.
    init() { (text, before, log, aside) = (.plain([]), .zero, nil, 0) }

    init(_ text: FrameText, first: ChangeSequence, log: Log<Change>, aside: Int) {
        self.text = text
        before = ChangeSequence(rawValue: first.rawValue - 1)
        self.log = log
        self.aside = aside
        log.addSharedBytes(text.bytes.count, aside: aside)
    }

    func append(_ chunk: FrameChunk) { next = chunk }

    deinit {
        log?.addSharedBytes(-text.bytes.count, aside: -aside)
        // Link by link: left to itself, the release of a long chain would go as deep into the stack as it has links.
        var link = next
        next = nil
        while isKnownUniquelyReferenced(&link) {
            let following = link?.next
            link?.next = nil
            link = following
        }
    }
}
