internal import Compression
internal import HTTPServer

/// Where one stream's frames of a turn go: behind what it has queued, with gzip if it asked for that.
struct FrameOutput: ~Copyable {
    private(set) var output = StreamOutput()
    private(set) var gzip: GzipFrame?
    private let deflater: Deflater
    /// Text that was made for this stream alone and isn't queued yet.
    private var text: [UInt8] = []
    /// Bytes that were queued or deflated: what the turn has cost, by and large.
    private(set) var work = 0

    /// - Parameter gzip: where the stream's gzip stands; nil without.
    init(_ output: inout StreamOutput, _ gzip: GzipFrame?, _ deflater: Deflater) {
        self.gzip = gzip
        self.deflater = deflater
        swap(&output, &self.output)
    }

    /// Gives back what was taken.
    mutating func end(_ output: inout StreamOutput) {
        flush()
        swap(&output, &self.output)
    }

    /// Appends frames that `write` makes.
    mutating func append(reserving capacity: Int = 0, _ write: (inout [UInt8]) -> Void) {
        if capacity > text.capacity { text.reserveCapacity(capacity) }
        let before = text.count
        write(&text)
        work += text.count - before
    }

    /// Appends frames that others are sent as well, of this stream's wire.
    mutating func append(_ frames: FrameText) {
        flush()
        if case .deflated(let block) = frames { note(block) }
        output.append(frames.bytes)
        work += frames.bytes.count
    }

    /// The same, by a copy where the text is short.
    mutating func copy(_ frames: FrameText) {
        guard case .plain(let bytes) = frames, bytes.count < Self.shortBytes else { return append(frames) }
        text += bytes
        work += bytes.count
    }

    private static let shortBytes = 4_096

    /// Nothing follows.
    mutating func finish() {
        flush()
        guard var gzip else { return }
        if let head = gzip.begin() { output.append(head) }
        output.append(gzip.tail)
    }

    private mutating func flush() {
        guard !text.isEmpty else { return }
        if gzip == nil {
            output.append(text)
        } else {
            let block = deflater.block(text)
            note(block)
            output.append(block.bytes)
        }
        text = []
    }

    private mutating func note(_ block: DeflatedBlock) {
        if let head = gzip?.begin() { output.append(head) }
        gzip?.add(block)
    }
}
