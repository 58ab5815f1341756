/// Which bits of packets a group of filters compares. All filters of one mask are found by one hash.
final class FlowMask: Hashable, Sendable {
    let bits: FlowBits
    /// Whether ports must lie in a range, which no hash finds.
    let hasDstRange: Bool
    let hasSrcRange: Bool
    /// The words in which there are bits: the first `usedCount` of these. In the object itself, so that to look at them counts no
    /// reference.
    private let used: InlineArray<29, Int>
    private let usedCount: Int
    private let hashOfBits: Int
    /// Nobody outside knows where a key falls, and so can't have all fall on one place.
    private static let seed: (UInt64, UInt64) = {
        var random = SystemRandomNumberGenerator()
        return (random.next(), random.next() | 1)
    }()

    init(of match: FlowMatch) {
        bits = match.mask
        hasDstRange = match.dstPorts != nil
        hasSrcRange = match.srcPorts != nil
        var (used, count) = (InlineArray<29, Int>(repeating: 0), 0)
        for word in bits.words.indices where bits.words[word] != 0 {
            used[count] = word
            count += 1
        }
        self.used = used
        usedCount = count
        var hasher = Hasher()
        for place in 0..<count {
            hasher.combine(used[place])
            hasher.combine(bits.words[used[place]])
        }
        hasher.combine(hasDstRange)
        hasher.combine(hasSrcRange)
        hashOfBits = hasher.finalize()
    }

    var hasRange: Bool { hasDstRange || hasSrcRange }

    static func == (a: FlowMask, b: FlowMask) -> Bool {
        a === b
            || (a.hashOfBits == b.hashOfBits && a.bits == b.bits && a.hasDstRange == b.hasDstRange
                && a.hasSrcRange == b.hasSrcRange)
    }

    func hash(into hasher: inout Hasher) { hasher.combine(hashOfBits) }

    /// What of a packet is compared.
    func words(of packet: FlowBits) -> [UInt64] {
        (0..<usedCount).map { packet.words[used[$0]] & bits.words[used[$0]] }
    }

    /// Of what is compared of a packet.
    func hash(of packet: FlowBits) -> UInt64 {
        var hash = Self.seed.0
        for place in 0..<usedCount {
            let word = packet.words[used[place]] & bits.words[used[place]]
            // Both halves of a product of 128 bits, of which each depends on all bits of the factors.
            let product = (word ^ hash).multipliedFullWidth(by: Self.seed.1)
            hash = product.high ^ product.low ^ word.byteSwapped
        }
        return hash
    }

    /// Whether a packet has these words where the mask has bits.
    func agrees(_ packet: FlowBits, with words: [UInt64]) -> Bool {
        for place in 0..<usedCount {
            let word = used[place]
            if packet.words[word] & bits.words[word] != words[place] { return false }
        }
        return true
    }

    /// The reverse of `words(of:)`.
    func key(_ words: [UInt64]) -> FlowBits {
        var key = FlowBits()
        for place in 0..<usedCount { key.set(word: used[place], words[place]) }
        return key
    }
}

/// A match as it is kept: of a mask that many share, the words in which it has bits.
struct PackedMatch: Sendable {
    let mask: FlowMask
    let words: [UInt64]
    /// Of these words, by the mask.
    let hash: UInt64
    let dstPorts: ClosedRange<UInt16>?
    let srcPorts: ClosedRange<UInt16>?

    /// - Parameter mask: one that is the match's.
    init(_ match: FlowMatch, _ mask: FlowMask) {
        self.mask = mask
        words = mask.words(of: match.key)
        hash = mask.hash(of: match.key)
        dstPorts = match.dstPorts
        srcPorts = match.srcPorts
    }

    var match: FlowMatch { FlowMatch(mask.key(words), mask.bits, dstPorts, srcPorts) }

    func isSame(as other: PackedMatch) -> Bool {
        words == other.words && dstPorts == other.dstPorts && srcPorts == other.srcPorts
    }

    func holds(_ packet: FlowBits) -> Bool {
        if let dstPorts, !dstPorts.contains(UInt16(truncatingIfNeeded: packet[.dstPort])) { return false }
        if let srcPorts, !srcPorts.contains(UInt16(truncatingIfNeeded: packet[.srcPort])) { return false }
        return mask.agrees(packet, with: words)
    }
}
