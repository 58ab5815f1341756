public import Addressing
internal import JSON
public import Routing

/// Which table: one value a table, shared by every change and row that speaks of it.
///
/// It also keeps the parts of an entry's canonical bytes that are the same for all routes of the table.
public final class TableIdentity: Sendable {
    public let namespace: String
    public let family: AddressFamily
    public let id: TableID
    let order: Order
    /// `,"namespace":"…"`
    let namespaceMember: [UInt8]
    /// `,"table":"…"`
    let tableMember: [UInt8]

    /// The same table in an object of its own. Two threads that count references to one object, both for every row, spend
    /// their time handing its cache line to and fro.
    public func copy() -> TableIdentity { TableIdentity(namespace: namespace, family: family, id: id) }

    public init(namespace: String, family: AddressFamily, id: TableID) {
        self.namespace = namespace
        self.family = family
        self.id = id
        order = Order(family: family, id: id)
        var bytes: [UInt8] = []
        bytes.appendASCII(",\"namespace\":")
        bytes.appendJSON(string: namespace)
        namespaceMember = bytes
        bytes = []
        bytes.appendASCII(",\"table\":")
        bytes.appendJSON(string: id.name)
        tableMember = bytes
    }

    /// Order of tables within a namespace, as listings show them.
    struct Order: Comparable {
        let family: AddressFamily
        let id: TableID
        static func < (a: Self, b: Self) -> Bool { a.family != b.family ? a.family < b.family : a.id < b.id }
    }
}
