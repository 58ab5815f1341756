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
    public static func appendRow(
        _ table: TableIdentity, _ route: PlacedRoute, _ context: RowContext, as form: some EntryForm = ListedForm(),
        to bytes: inout [UInt8]
    ) {
        let writer = EntryWriter()
        writer.use(context)
        writer.append(table, route.key, route.value, as: form, to: &bytes)
    }

    static func hash(_ table: TableIdentity, _ key: RouteKey, _ info: RouteInfo) -> EntryHash {
        var bytes: [UInt8] = []
        append(table, key, info, to: &bytes)
        return EntryHash(of: bytes.span)
    }
}
