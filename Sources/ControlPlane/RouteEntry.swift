internal import Addressing
internal import Bytes
public import ChangeLog
public import Routing

/// The canonical bytes of a route's entry (RFC 8785: keys sorted, no white space), of which its hash is made.
///
/// Keys at their default are left out, but for `namespace, family, table, type, dst, metric, protocol`; an absent scope
/// means global. Who writes many uses an `EntryWriter`.
public enum RouteEntry {
    public static func append(_ table: TableIdentity, _ key: RouteKey, _ info: RouteInfo, to bytes: inout [UInt8]) {
        EntryTemplate(table, info).append(key, table.family, to: &bytes)
    }

    /// A row of a listing: the entry's fields with the status fields beside them, sorted together.
    ///
    /// - Parameter hardware: also say what hardware makes of it. There is no device, so that is always nothing.
    public static func appendRow(
        _ table: TableIdentity, _ route: PlacedRoute, hardware: Bool = false, to bytes: inout [UInt8]
    ) {
        EntryTemplate(table, route.value.info).appendRow(route, table.family, hardware: hardware, to: &bytes)
    }

    static func hash(_ table: TableIdentity, _ key: RouteKey, _ info: RouteInfo) -> EntryHash {
        var bytes: [UInt8] = []
        append(table, key, info, to: &bytes)
        return EntryHash(of: bytes.span)
    }
}

/// Writes many entries: remembers the common text of the infos that it met last. For one thread at a time.
public final class EntryWriter {
    private struct Slot {
        let table: TableIdentity
        let info: RouteInfo
        let template: EntryTemplate

        init(_ table: TableIdentity, _ info: RouteInfo) {
            self.table = table
            self.info = info
            template = EntryTemplate(table, info)
        }
    }

    /// An info has one slot that it can be in, by its address; whose slot is taken by another is made anew.
    private static let slotCount = 512

    private var latest: Slot?
    /// Empty until a second info comes along, so that who writes one entry pays for no slots.
    private var slots: [Slot?] = []
    private var scratch: [UInt8] = []

    public init() {}

    public func append(_ table: TableIdentity, _ key: RouteKey, _ info: RouteInfo, to bytes: inout [UInt8]) {
        template(table, info).append(key, table.family, to: &bytes)
    }

    public func appendRow(_ table: TableIdentity, _ route: PlacedRoute, to bytes: inout [UInt8]) {
        template(table, route.value.info).appendRow(route, table.family, hardware: false, to: &bytes)
    }

    func hash(_ table: TableIdentity, _ route: Route) -> EntryHash {
        let key = RouteKey(route.prefix, tos: route.tos, metric: route.metric, position: 0)
        var bytes: [UInt8] = []
        swap(&bytes, &scratch)
        bytes.removeAll(keepingCapacity: true)
        append(table, key, route.info, to: &bytes)
        defer { swap(&bytes, &scratch) }
        return EntryHash(of: bytes.span)
    }

    /// What the route's entry has in common with others.
    public func template(_ table: TableIdentity, _ info: RouteInfo) -> EntryTemplate {
        if let latest, latest.info === info, latest.table === table { return latest.template }
        if latest != nil, slots.isEmpty { slots = Array(repeating: nil, count: Self.slotCount) }
        let slot = slots.isEmpty ? Slot(table, info) : kept(table, info)
        latest = slot
        return slot.template
    }

    private func kept(_ table: TableIdentity, _ info: RouteInfo) -> Slot {
        // Objects lie at multiples of 16.
        let place = Int(UInt(bitPattern: ObjectIdentifier(info)) &>> 4) & (Self.slotCount - 1)
        if let slot = slots[place], slot.info === info, slot.table === table { return slot }
        let slot = Slot(table, info)
        slots[place] = slot
        return slot
    }
}

extension EntryTemplate {
    func append(_ key: RouteKey, _ family: AddressFamily, to bytes: inout [UInt8]) {
        bytes.append(addingCapacity: room) { write(key, family, to: &$0) }
    }
}

extension [UInt8] {
    /// 32 lower-case hexadecimal digits.
    public mutating func append(_ hash: EntryHash) {
        append(addingCapacity: 32) { $0.append(hash) }
    }

    /// 32 lower-case hexadecimal digits.
    public mutating func append(_ digest: StateDigest) {
        append(EntryHash(high: digest.high, low: digest.low))
    }
}

extension OutputSpan<UInt8> {
    /// 32 lower-case hexadecimal digits, for which there must be room.
    public mutating func append(_ hash: EntryHash) {
        append(hexadecimal: hash.high)
        append(hexadecimal: hash.low)
    }
}
