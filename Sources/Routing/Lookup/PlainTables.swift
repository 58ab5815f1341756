public import Addressing
internal import ChangeLog

/// The tables in which packets are looked up whatever else they are: those that the first rules ask, up to one that looks at the
/// packet or does something else.
///
/// For who looks up a lot in one state and remembers what it has seen: it counts no references, so that threads don't wait for one
/// another.
public struct PlainTables: Sendable {
    private struct Table: Sendable {
        let id: TableID
        let prefixes: RoutePrefixes
        /// Whether it is too large to be in the caches anyway.
        let isLarge: Bool

        init(_ id: TableID, _ prefixes: RoutePrefixes) {
            self.id = id
            self.prefixes = prefixes
            isLarge = prefixes.count > 10_000
        }
    }

    private var tables: [Table] = []

    /// What a lookup comes upon first.
    public struct Find: Hashable, Sendable {
        public let table: TableID
        /// Of the prefix.
        public let length: UInt8
        /// Which info the prefix's one route has: whether that serves, and leads on to no other rule, is still to be seen. It is
        /// good as long as the state is held.
        public let info: ObjectIdentifier

        fileprivate init(table: TableID, length: UInt8, info: ObjectIdentifier) {
            (self.table, self.length, self.info) = (table, length, info)
        }

        /// The one that ends at this route if nothing else does.
        public init(_ found: FoundRoute) {
            self.init(table: found.table, length: found.length, info: ObjectIdentifier(found.info))
        }
    }

    /// - Parameter most: this many tables, and no more, since they are looked for anew each time.
    init(_ view: some ForwardingView, _ family: AddressFamily, most: Int = 8) {
        for member in view.rules(family).members.prefix(most) {
            guard let id = member.plainTable else { break }
            if let prefixes = view.prefixes(family, id) {
                tables.append(Table(id, prefixes))
            } else if view.table(family, id) != nil {
                break
            }
        }
    }

    /// Begins to load what `first` will look at: to be called some lookups ahead, where there are many.
    public func prefetch(_ destination: IPAddress) {
        let tables = tables.span
        for index in tables.indices where tables[index].isLarge { tables[index].prefixes.prefetch(destination) }
    }

    /// The longest prefix that holds the destination, in the first table that has one.
    public func first(_ destination: IPAddress) -> Find? {
        let tables = tables.span
        for index in tables.indices {
            guard let (length, info) = tables[index].prefixes.longestIdentity(destination) else { continue }
            return Find(table: tables[index].id, length: UInt8(length), info: info)
        }
        return nil
    }
}

extension ForwardingView {
    public func plainTables(_ family: AddressFamily) -> PlainTables { PlainTables(self, family) }
}
