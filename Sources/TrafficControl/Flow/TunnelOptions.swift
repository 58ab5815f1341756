/// What the header of a tunnel carries beside addresses and key: of a packet, or which bits of it count.
///
/// Each kind's numbers follow each other in network order without gaps:
///
///     geneve   class (2), type (1), length of the data in fours (1, the lower five bits), data; several may follow each other
///     vxlan    gbp (4)
///     erspan   version (1); of version 1 index (4), of version 2 direction (1) and hardware id (1)
///     gtp      PDU type (1), QFI (1)
///     pfcp     type (1), SEID (8)
///
/// Source: kernel include/net/geneve.h, vxlan.h, erspan.h, gtp.h, pfcp.h; net/core/flow_dissector.c
/// `skb_flow_dissect_tunnel_info`.
public struct TunnelOptions: Hashable, Sendable {
    public enum Kind: String, CaseIterable, Sendable {
        case geneve, vxlan, erspan, gtp, pfcp
    }

    /// In bytes (`IP_TUNNEL_OPTS_MAX`).
    static var maximumLength: Int { 255 }

    public let kind: Kind
    /// In bytes, from 1 to 255.
    public let length: Int
    /// The first byte is the highest of the first word; behind the last byte there are zeros.
    let words: [UInt64]

    /// Nil if there are no bytes, or more than 255.
    public init?(_ kind: Kind, _ bytes: [UInt8]) {
        guard (1...Self.maximumLength).contains(bytes.count) else { return nil }
        self.kind = kind
        length = bytes.count
        words = stride(from: 0, to: bytes.count, by: 8).map { start in
            (0..<8).reduce(0) { word, place in
                word << 8 | (start + place < bytes.count ? UInt64(bytes[start + place]) : 0)
            }
        }
    }

    /// Others of the same kind and length.
    init(like other: TunnelOptions, _ words: some Sequence<UInt64>) {
        kind = other.kind
        length = other.length
        self.words = Array(words)
        precondition(self.words.count == other.words.count, "\(self.words.count) words for \(length) bytes")
    }

    public var bytes: [UInt8] {
        (0..<length).map { UInt8(truncatingIfNeeded: words[$0 / 8] >> UInt64(56 - $0 % 8 * 8)) }
    }

    /// Whether the bytes of one lie where those of the other do.
    func isLike(_ other: TunnelOptions) -> Bool { kind == other.kind && length == other.length }

    /// Whether every bit of it is set in the other as well.
    func isWithin(_ other: TunnelOptions) -> Bool {
        isLike(other) && zip(words, other.words).allSatisfy { $0 & ~$1 == 0 }
    }
}

/// Which options the packets that a filter is for have.
///
/// A packet's are of the same kind and as long as the filter's, and the same in the bits of the mask. The kernel compares kind and
/// length as if they were masks of themselves, so that there 12 bytes of options also pass for 8.
public struct TunnelOptionsMatch: Hashable, Sendable {
    /// What packets must have in the bits of the mask; zero elsewhere.
    public let key: TunnelOptions
    public let mask: TunnelOptions

    /// - Parameter mask: of the same kind and length.
    init(_ key: TunnelOptions, mask: TunnelOptions) {
        precondition(key.isLike(mask), "\(key.length) bytes of \(key.kind) with a mask of \(mask.length)")
        self.key = TunnelOptions(like: key, zip(key.words, mask.words).lazy.map { $0 & $1 })
        self.mask = mask
    }

    /// Whether a packet with these options agrees.
    func holds(_ options: TunnelOptions?) -> Bool {
        guard let options, options.isLike(mask) else { return false }
        return options.words.indices.allSatisfy { options.words[$0] & mask.words[$0] == key.words[$0] }
    }
}
