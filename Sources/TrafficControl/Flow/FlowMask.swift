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
    /// Which bits of the options of tunnels count, and of which kind and length these are.
    private let options: TunnelOptions?
    private let hasOptions: Bool
    private let hashOfBits: Int
    private let parts: FlowParts
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
        options = match.options?.mask
        hasOptions = options != nil
        parts = FlowParts(bits)
        var hasher = Hasher()
        for place in 0..<count {
            hasher.combine(used[place])
            hasher.combine(bits.words[used[place]])
        }
        hasher.combine(hasDstRange)
        hasher.combine(hasSrcRange)
        hasher.combine(options)
        hashOfBits = hasher.finalize()
    }

    func isMask(of match: FlowMatch) -> Bool {
        bits == match.mask && hasDstRange == (match.dstPorts != nil) && hasSrcRange == (match.srcPorts != nil)
            && options == match.options?.mask
    }

    var hasRange: Bool { hasDstRange || hasSrcRange }

    static func == (a: FlowMask, b: FlowMask) -> Bool {
        a === b
            || (a.hashOfBits == b.hashOfBits && a.bits == b.bits && a.hasDstRange == b.hasDstRange
                && a.hasSrcRange == b.hasSrcRange && a.options == b.options)
    }

    func hash(into hasher: inout Hasher) { hasher.combine(hashOfBits) }

    /// What a match compares: the words in which the mask has bits, behind them those of its options.
    func words(of match: FlowMatch) -> [UInt64] {
        var words = (0..<usedCount).map { match.key.words[used[$0]] }
        if let options = match.options { words += options.key.words }
        return words
    }

    /// Of what is compared of a packet. Those of packets without options such as the mask's are of no use.
    func hash(of packet: FlowBits, _ packetOptions: TunnelOptions?) -> UInt64 {
        var hash = Self.seed.0
        for place in 0..<usedCount {
            let word = packet.words[used[place]] & bits.words[used[place]]
            hash = Self.mix(word, into: hash)
        }
        return hasOptions ? mix(packetOptions, into: hash) : hash
    }

    // Apart, so that it costs nothing where there are none.
    @inline(never)
    private func mix(_ packetOptions: TunnelOptions?, into hash: UInt64) -> UInt64 {
        guard let options, let packetOptions else { return hash }
        return zip(packetOptions.words, options.words).reduce(hash) { Self.mix($1.0 & $1.1, into: $0) }
    }

    private static func mix(_ word: UInt64, into hash: UInt64) -> UInt64 {
        // Both halves of a product of 128 bits, of which each depends on all bits of the factors.
        let product = (word ^ hash).multipliedFullWidth(by: seed.1)
        return product.high ^ product.low ^ word.byteSwapped
    }

    /// Whether a packet has these words where the mask has bits.
    func agrees(_ packet: FlowBits, _ packetOptions: TunnelOptions?, with words: [UInt64]) -> Bool {
        for place in 0..<usedCount {
            let word = used[place]
            if packet.words[word] & bits.words[word] != words[place] { return false }
        }
        return !hasOptions || agrees(packetOptions, with: words)
    }

    @inline(never)
    private func agrees(_ packetOptions: TunnelOptions?, with words: [UInt64]) -> Bool {
        guard let options, let packetOptions, packetOptions.isLike(options) else { return false }
        return options.words.indices.allSatisfy {
            packetOptions.words[$0] & options.words[$0] == words[usedCount + $0]
        }
    }

    /// What a match says, as `tc -json` has it.
    fileprivate func values(of match: FlowMatch) -> FlowMembers { match.values(of: parts) }

    /// The reverse of `words(of:)`.
    func match(
        _ words: [UInt64], _ dstPorts: ClosedRange<UInt16>?, _ srcPorts: ClosedRange<UInt16>?
    ) -> FlowMatch {
        var key = FlowBits()
        for place in 0..<usedCount { key.set(word: used[place], words[place]) }
        let options = options.map { mask in
            TunnelOptionsMatch(TunnelOptions(like: mask, words[usedCount...]), mask: mask)
        }
        return FlowMatch(key, bits, dstPorts, srcPorts, options)
    }
}

/// A match as it is kept: of a mask that many share, the words that it compares. Two are equal if they agree in that, whatever their
/// masks.
struct PackedMatch: Hashable, Sendable {
    let mask: FlowMask
    let words: [UInt64]
    /// Of these words, by the mask.
    let hash: UInt64
    let dstPorts: ClosedRange<UInt16>?
    let srcPorts: ClosedRange<UInt16>?

    /// - Parameter mask: one that is the match's.
    init(_ match: FlowMatch, _ mask: FlowMask) {
        self.mask = mask
        words = mask.words(of: match)
        hash = mask.hash(of: match.key, match.options?.key)
        dstPorts = match.dstPorts
        srcPorts = match.srcPorts
    }

    var match: FlowMatch { mask.match(words, dstPorts, srcPorts) }

    /// As `tc -json` has it under `options.keys`.
    var values: FlowMembers { mask.values(of: match) }

    func isSame(as other: PackedMatch) -> Bool {
        words == other.words && dstPorts == other.dstPorts && srcPorts == other.srcPorts
    }

    static func == (a: Self, b: Self) -> Bool { a.isSame(as: b) }

    func hash(into hasher: inout Hasher) {
        hasher.combine(words)
        hasher.combine(dstPorts)
        hasher.combine(srcPorts)
    }

    func holds(_ packet: FlowBits, _ options: TunnelOptions?) -> Bool {
        if let dstPorts, !dstPorts.contains(UInt16(truncatingIfNeeded: packet[.dstPort])) { return false }
        if let srcPorts, !srcPorts.contains(UInt16(truncatingIfNeeded: packet[.srcPort])) { return false }
        return mask.agrees(packet, options, with: words)
    }
}
