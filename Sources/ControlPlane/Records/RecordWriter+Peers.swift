internal import Addressing
internal import Bytes
internal import ChangeLog
internal import PathAttributes

/// What a row says of a peer, in one byte.
private struct PeerForm: OptionSet {
    let rawValue: UInt8
    static let isAbsent = PeerForm(rawValue: 1)
    static let hasMTU = PeerForm(rawValue: 2)
    static let isLocked = PeerForm(rawValue: 4)
    static let hasRedirect = PeerForm(rawValue: 8)
    static let all: PeerForm = [.isAbsent, .hasMTU, .isLocked, .hasRedirect]

    init(rawValue: UInt8) { self.rawValue = rawValue }
}

/// A peer as a record has it.
struct PeerRow {
    let namespace: String
    let address: IPAddress
    /// Nil if nothing is known of it.
    let information: PathInformation?
    let source: IPAddress?
    let version: ChangeSequence
}

extension RecordWriter {
    /// What became of a peer since the record before.
    mutating func append(_ row: PeerDifference.Row) {
        switch row {
        case .present(let entry): append(entry)
        case .absent(let entry):
            append(known: entry.namespace)
            appendOptional(entry.address)
            append(byte: PeerForm.isAbsent.rawValue)
        }
    }

    /// A peer of which something is known.
    mutating func append(_ entry: PeerEntry) {
        let (mtu, redirect) = (entry.stored.information.mtu, entry.stored.information.redirect)
        append(known: entry.namespace)
        appendOptional(entry.address)
        var form = PeerForm()
        if let mtu { form.formUnion(mtu.isLocked ? [.hasMTU, .isLocked] : .hasMTU) }
        if redirect != nil { form.insert(.hasRedirect) }
        append(byte: form.rawValue)
        append(entry.version.rawValue)
        appendOptional(entry.stored.source)
        if let mtu {
            append(UInt64(mtu.value))
            append(mtu.expires)
        }
        if let redirect {
            appendOptional(redirect.gateway)
            append(redirect.expires)
        }
    }
}

extension RecordReader {
    mutating func peer() throws(Malformed) -> PeerRow {
        let namespace = try knownText()
        guard let address = try optionalAddress() else { throw bytes.malformed("a peer without an address") }
        let form = PeerForm(rawValue: try bytes.byte())
        guard form.isSubset(of: .all), !form.contains(.isAbsent) || form == .isAbsent else {
            throw bytes.malformed("a peer of an unknown form")
        }
        if form == .isAbsent {
            return PeerRow(namespace: namespace, address: address, information: nil, source: nil, version: .zero)
        }
        let (version, source) = (try sequence(), try optionalAddress())
        var information = PathInformation()
        if form.contains(.hasMTU) {
            let value = try bytes.varint(as: UInt32.self)
            information.mtu = .init(value, isLocked: form.contains(.isLocked), expires: try bytes.varint())
        }
        if form.contains(.hasRedirect) {
            guard let gateway = try optionalAddress(), gateway.family == address.family else {
                throw bytes.malformed("a redirect to nowhere")
            }
            information.redirect = .init(to: gateway, expires: try bytes.varint())
        }
        if information.isEmpty { throw bytes.malformed("a peer of which nothing is known") }
        return PeerRow(
            namespace: namespace, address: address, information: information, source: source, version: version)
    }
}
