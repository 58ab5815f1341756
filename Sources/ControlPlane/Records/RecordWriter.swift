internal import Addressing
internal import Bytes
internal import ChangeLog
internal import Routing
internal import TrafficControl

/// Writes changes and rows in the form in which a store keeps them.
///
/// Tables, infos and batches are written where they first occur in a record, and by their number in it after that. The form
/// is that of the store's schema version; `docs/STORE.md` describes it.
struct RecordWriter {
    private(set) var bytes: [UInt8] = []
    // Objects are known by their addresses, and kept so that no address is used again meanwhile.
    private var tables = Known<TableIdentity>()
    private var infos = Known<RouteInfo>()
    private var batches = Known<ChangeBatch>()
    var protos = Known<ProtoIdentity>()
    private var texts: [String: Int] = [:]

    /// Objects in the order in which they came.
    struct Known<Object: AnyObject> {
        private var numbers: [ObjectIdentifier: Int] = [:]
        private var objects: [Object] = []
        private var latest: (object: ObjectIdentifier, number: Int)?

        /// The object's number, from 1; zero if it comes for the first time.
        mutating func number(of object: Object) -> Int {
            let identifier = ObjectIdentifier(object)
            if let latest, latest.object == identifier { return latest.number }
            if let number = numbers[identifier] {
                latest = (identifier, number)
                return number
            }
            objects.append(object)
            numbers[identifier] = objects.count
            return 0
        }
    }

    init(reserving capacity: Int = 0) { bytes.reserveCapacity(capacity) }

    mutating func append(byte: UInt8) { bytes.append(byte) }
    mutating func append(_ number: UInt64) { bytes.append(varint: number) }
    mutating func append(_ text: String) { bytes.append(lengthAndText: text) }

    /// A text that comes often: where it comes first, and its number after that.
    mutating func append(known text: String) {
        let number = texts[text] ?? 0
        append(UInt64(number))
        guard number == 0 else { return }
        texts[text] = texts.count + 1
        append(text)
    }

    mutating func append(text: [UInt8]) {
        append(UInt64(text.count))
        bytes.append(contentsOf: text)
    }

    mutating func append(_ hash: EntryHash) {
        bytes.append(word: hash.high)
        bytes.append(word: hash.low)
    }

    mutating func append(_ summary: Summary) {
        append(UInt64(summary.count))
        append(EntryHash(high: summary.digest.high, low: summary.digest.low))
    }

    /// By kind, so that later versions can add some.
    mutating func append(_ summaries: KindSummaries) {
        append(UInt64(KindSummaries.kinds.count))
        for kind in KindSummaries.kinds {
            append(kind.rawValue)
            append(summaries[kind])
        }
    }

    mutating func append(_ table: TableIdentity) {
        let number = tables.number(of: table)
        append(UInt64(number))
        guard number == 0 else { return }
        append(table.namespace)
        append(byte: table.family == .inet ? 4 : 6)
        append(UInt64(table.id.rawValue))
    }

    mutating func append(_ info: RouteInfo) {
        let number = infos.number(of: info)
        append(UInt64(number))
        if number == 0 { append(info.fields) }
    }

    /// Whole bytes of the prefix only.
    mutating func append(_ prefix: Prefix) {
        append(byte: prefix.length)
        let count = (Int(prefix.length) + 7) / 8
        bytes.append(leadingBytesOf: prefix.address.high, min(8, count))
        if count > 8 { bytes.append(leadingBytesOf: prefix.address.low, count - 8) }
    }

    mutating func append(_ key: RouteKey, _ family: AddressFamily) {
        append(key.prefix(family))
        append(byte: key.tos)
        append(UInt64(key.metric))
        append(UInt64(key.position))
    }

    mutating func append(_ stored: StoredRoute) {
        append(stored.version.rawValue)
        append(stored.hash)
        append(stored.info)
    }

    mutating func append(_ batch: ChangeBatch) {
        let number = batches.number(of: batch)
        append(UInt64(number))
        guard number == 0 else { return }
        append(batch.transaction.rawValue)
        append(byte: batch.cause == nil ? 0 : batch.remainder == nil ? 1 : 2)
        if let cause = batch.cause {
            append(cause.reason)
            append(cause.sequence.rawValue)
        }
        if let remainder = batch.remainder { append(remainder) }
    }
}
