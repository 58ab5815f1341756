internal import Addressing
internal import Bytes
internal import ChangeLog
internal import Routing
internal import TrafficControl

/// Reads what a `RecordWriter` wrote. Nothing that it returns breaks a rule of the values that it makes: a record may come
/// from a damaged disk.
struct RecordReader {
    typealias Malformed = RecordBytes.Malformed

    /// Which version of the store a record is of.
    enum Form { case current, former }

    var bytes: RecordBytes
    var form = Form.current
    private var tables: [TableIdentity] = []
    private var infos: [RouteInfo] = []
    private var batches: [ChangeBatch] = []
    var protos: [ProtoIdentity] = []
    private var texts: [String] = []
    /// Chains of one block stand together.
    var latestBlock: BlockIdentity?
    /// When actions began to count that are read, in milliseconds since 1970.
    let now: UInt64

    init(_ bytes: [UInt8], now: UInt64 = 0) {
        self.bytes = RecordBytes(bytes)
        self.now = now
    }

    mutating func knownText() throws(Malformed) -> String {
        if let known = try known(texts) { return known }
        texts.append(try bytes.text())
        return texts[texts.count - 1]
    }

    var isAtEnd: Bool { bytes.isAtEnd }

    mutating func sequence() throws(Malformed) -> ChangeSequence { ChangeSequence(rawValue: try bytes.varint()) }

    mutating func hash() throws(Malformed) -> EntryHash {
        EntryHash(high: try bytes.word(), low: try bytes.word())
    }

    mutating func summary() throws(Malformed) -> Summary {
        let count = try bytes.varint(as: Int.self)
        let hash = try hash()
        return Summary(count: count, digest: StateDigest(high: hash.high, low: hash.low))
    }

    mutating func summaries() throws(Malformed) -> KindSummaries {
        var summaries = KindSummaries()
        for _ in 0..<(try bytes.count()) {
            guard let kind = ObjectKind(rawValue: try bytes.text()), KindSummaries.kinds.contains(kind) else {
                throw bytes.malformed("the sum of an unknown kind")
            }
            summaries[kind] = try summary()
        }
        return summaries
    }

    /// As versions 1 and 2 have them.
    mutating func formerSummaries() throws(Malformed) -> KindSummaries {
        var summaries = KindSummaries()
        summaries.namespaces = try summary()
        summaries.routes = try summary()
        return summaries
    }

    /// Something that is written once in a record, and named by its number after that: nil if it follows.
    mutating func known<Object>(_ objects: [Object]) throws(Malformed) -> Object? {
        let number = try bytes.varint()
        if number == 0 { return nil }
        guard number <= UInt64(objects.count) else { throw bytes.malformed("a number of nothing") }
        return objects[Int(number) - 1]
    }

    mutating func table() throws(Malformed) -> TableIdentity {
        if let known = try known(tables) { return known }
        let namespace = try bytes.text()
        guard ControlPlane.isValidNamespaceName(namespace) else {
            throw bytes.malformed("'\(namespace)' as a namespace")
        }
        let family = try family()
        let id = TableID(rawValue: try bytes.varint(as: UInt32.self))
        tables.append(TableIdentity(namespace: namespace, family: family, id: id))
        return tables[tables.count - 1]
    }

    private mutating func info() throws(Malformed) -> RouteInfo {
        if let known = try known(infos) { return known }
        infos.append(RouteInfo(try fields()))
        return infos[infos.count - 1]
    }

    mutating func batch() throws(Malformed) -> ChangeBatch {
        if let known = try known(batches) { return known }
        let transaction = try sequence()
        let form = try bytes.byte()
        guard form <= 2 else { throw bytes.malformed("a batch of form \(form)") }
        var cause: ChangeBatch.Cause?
        if form > 0 { cause = ChangeBatch.Cause(reason: try bytes.text(), sequence: try sequence()) }
        let remainder = form == 2 ? try remainder() : nil
        batches.append(ChangeBatch(transaction: transaction, cause: cause, remainder: remainder))
        return batches[batches.count - 1]
    }

    mutating func family() throws(Malformed) -> AddressFamily {
        switch try bytes.byte() {
        case 4: return .inet
        case 6: return .inet6
        case let other: throw bytes.malformed("an address family \(other)")
        }
    }

    mutating func prefix(_ family: AddressFamily) throws(Malformed) -> Prefix {
        let length = try bytes.byte()
        guard length <= family.maximumLength else { throw bytes.malformed("a prefix length of \(length)") }
        let count = (Int(length) + 7) / 8
        let high = try bytes.leadingBytes(min(8, count))
        let address = IPAddress(family, high: high, low: count > 8 ? try bytes.leadingBytes(count - 8) : 0)
        guard address.masked(to: length) == address else { throw bytes.malformed("host bits in a prefix") }
        return Prefix(unchecked: address, length)
    }

    mutating func key(_ family: AddressFamily) throws(Malformed) -> RouteKey {
        let prefix = try prefix(family)
        let tos = try bytes.byte()
        let metric = try bytes.varint(as: UInt32.self)
        let position = try bytes.varint(as: UInt16.self)
        guard position < .max else { throw bytes.malformed("the last position, which stays free") }
        return RouteKey(prefix, tos: tos, metric: metric, position: position)
    }

    /// What follows the key of a route.
    mutating func storedRoute(at key: RouteKey) throws(Malformed) -> StoredRoute {
        StoredRoute(version: try sequence(), hash: try hash(), info: try info(of: key))
    }

    /// Before version 6 infos didn't say their metric.
    mutating func info(of key: RouteKey) throws(Malformed) -> RouteInfo { try info().with(metric: key.metric) }
}
