/// What waits to be sent on one stream: a queue of byte arrays, which are shared and not copied.
public struct StreamOutput {
    /// A fair amount for one call of `fill`.
    public static let turnBytes = 256 * 1024

    // Nearly always there is one slice at most, so that one needs no list.
    package private(set) var first: [UInt8] = []
    /// Bytes of `first` that were sent.
    private(set) var firstOffset = 0
    /// What comes after `first`, from `restHead`.
    private var rest: [[UInt8]] = []
    private var restHead = 0
    public private(set) var queuedBytes = 0

    public init() {}

    /// Keeps `bytes` until they are sent. Many streams may be given the same array.
    public mutating func append(_ bytes: [UInt8]) {
        guard !bytes.isEmpty else { return }
        if queuedBytes == 0 { first = bytes } else { rest.append(bytes) }
        queuedBytes += bytes.count
    }

    /// What comes after the first slice.
    package var others: ArraySlice<[UInt8]> { rest[restHead...] }

    mutating func drop(_ sent: Int) {
        queuedBytes -= sent
        firstOffset += sent
        while firstOffset >= first.count, firstOffset > 0 {
            firstOffset -= first.count
            first = nextSlice()
        }
    }

    private mutating func nextSlice() -> [UInt8] {
        guard restHead < rest.count else { return [] }
        let next = rest[restHead]
        rest[restHead] = []
        restHead += 1
        if restHead == rest.count {
            // An idle stream keeps the room of a usual turn, not that of its replay.
            rest.removeAll(keepingCapacity: rest.capacity <= 16)
            restHead = 0
        }
        return next
    }
}
