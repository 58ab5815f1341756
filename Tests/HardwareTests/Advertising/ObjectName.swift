import Addressing
import ControlPlane
import Routing

/// Of what there is one first route: a prefix in a table.
struct ObjectName: Hashable, CustomStringConvertible {
    let namespace: String
    let table: TableID
    let prefix: Prefix

    init(_ table: TableIdentity, _ key: RouteKey) {
        namespace = table.namespace
        self.table = table.id
        prefix = key.prefix(table.family)
    }

    var description: String { "\(namespace) \(table.name) \(prefix)" }
}
