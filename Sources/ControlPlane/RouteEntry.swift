internal import ChangeLog
public import Routing

/// The canonical bytes of a route's entry (RFC 8785: keys sorted, no white space), of which its hash is made.
///
/// Keys at their default are left out, but for `namespace, family, table, type, dst, metric, protocol`; an absent scope
/// means global. Who writes many uses an `EntryWriter`.
public enum RouteEntry {
    public static func append(_ table: TableIdentity, _ key: RouteKey, _ info: RouteInfo, to bytes: inout [UInt8]) {
        var text: [UInt8] = []
        let template = EntryTemplate(table, info, in: &text)
        bytes.append(addingCapacity: template.room) { template.write(key, table.family, text.span, to: &$0) }
    }

    /// A row of a listing: the entry's fields with the status fields beside them, sorted together.
    ///
    /// - Parameter hardware: also say what hardware makes of it. There is no device, so that is always nothing.
    public static func appendRow(
        _ table: TableIdentity, _ route: PlacedRoute, hardware: Bool = false, to bytes: inout [UInt8]
    ) {
        var text: [UInt8] = []
        let template = EntryTemplate(table, route.value.info, in: &text)
        let row = EntryRow(template, table.family, route.key, route.value)
        bytes.append(addingCapacity: template.room + 192) {
            template.writeRow(row, text.span, hardware: hardware, to: &$0)
        }
    }

    static func hash(_ table: TableIdentity, _ key: RouteKey, _ info: RouteInfo) -> EntryHash {
        var bytes: [UInt8] = []
        append(table, key, info, to: &bytes)
        return EntryHash(of: bytes.span)
    }
}
