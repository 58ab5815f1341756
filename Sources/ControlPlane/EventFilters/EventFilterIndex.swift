internal import ChangeLog
internal import Routing

/// Which of many filters may select a change, found by what the change is of and not by trying each: by kind, namespace,
/// table and protocol in dictionaries, and by prefix in a tree of those that filters ask for.
///
/// A filter has a number, which is its owner's to choose: small, as an index. O(filters found + lengths of prefixes).
public struct EventFilterIndex: Sendable {
    private var objects: [ObjectPlace: [Int]] = [:]
    private var routes: [RoutePlace: RouteCell] = [:]
    /// Of the place where nothing is given, which most filters are in: it needs no look into a dictionary.
    private var ofAllTables: RouteCell?
    /// How many places there are of each shape, a bit for each part that is given: a change looks only into those.
    private var shapes: [Int] = Array(repeating: 0, count: 8)
    /// Those that are told what devices do.
    private var ofDevices: [Int] = []
    /// For which search a number was found last: of two protocols, a filter may name both.
    private var foundIn: [UInt64] = []
    private var search: UInt64 = 0

    public init() {}

    public mutating func insert(_ filter: EventFilter, _ number: Int) {
        while foundIn.count <= number { foundIn.append(0) }
        if filter.hardware != .none { ofDevices.append(number) }
        for place in Self.objectPlaces(filter) { objects[place, default: []].append(number) }
        for place in Self.routePlaces(filter) {
            change(place) { $0.insert(filter.selection, number) }
        }
    }

    /// With the filter that it was inserted with.
    public mutating func remove(_ filter: EventFilter, _ number: Int) {
        ofDevices.removeAll { $0 == number }
        for place in Self.objectPlaces(filter) {
            objects[place]?.removeAll { $0 == number }
            if objects[place]?.isEmpty ?? false { objects[place] = nil }
        }
        for place in Self.routePlaces(filter) {
            change(place) { $0.remove(filter.selection, number) }
        }
    }

    private mutating func change(_ place: RoutePlace, _ body: (inout RouteCell) -> Void) {
        let present = place.shape == 0 ? ofAllTables : routes[place]
        var cell = present ?? RouteCell()
        body(&cell)
        let changed = cell.isEmpty ? nil : cell
        if place.shape == 0 { ofAllTables = changed } else { routes[place] = changed }
        shapes[place.shape] += (changed == nil ? 0 : 1) - (present == nil ? 0 : 1)
    }

    /// Appends the numbers of all filters that select the change, and perhaps of some that don't: each once, in no order.
    public mutating func find(_ change: Change, into found: inout [Int]) {
        search += 1
        switch change.object {
        case .route(let route): find(route, &found)
        case .hardware(let route): find(route.table, route.key, route.new, &found)
        case .status(let status): find(status.table, status.key, status.route, &found)
        case .notice(let notice): find(notice.table, notice.key, notice.route, &found)
        case .object(let object): find(object.object.kind, object.object.namespace, &found)
        case .traffic(let traffic): find(traffic.kind, traffic.namespace, &found)
        case .peer(let peer): find(.peer, peer.namespace, &found)
        case .device: found += ofDevices
        case .listener, .operationEnd, .peerStorage: break
        }
    }

    private mutating func find(_ change: RouteChange, _ found: inout [Int]) {
        guard let route = change.new ?? change.old else { return }
        find(change.table, change.key, route, &found)
        // Otherwise one route is as good as another.
        guard asksForProtocol else { return }
        if change.new != nil, let old = change.old { find(change.table, change.key, old, &found) }
        switch change.best {
        case .none, .own: break
        case .displaced(let other), .promoted(let other): find(change.table, change.key, other.value, &found)
        }
    }

    private var asksForProtocol: Bool { shapes[RoutePlace.protocolBit...].contains { $0 > 0 } }

    private mutating func find(
        _ table: TableIdentity, _ key: RouteKey, _ route: StoredRoute, _ found: inout [Int]
    ) {
        for shape in shapes.indices where shapes[shape] > 0 {
            let cell = shape == 0 ? ofAllTables : routes[RoutePlace(shape, table, route.info.protocol)]
            cell?.forEach(table.family, key) { numbers in note(numbers, &found) }
        }
    }

    private func find(_ kind: ObjectKind, _ namespace: String, _ found: inout [Int]) {
        if let numbers = objects[ObjectPlace(kind: kind, namespace: nil)] { found += numbers }
        if let numbers = objects[ObjectPlace(kind: kind, namespace: namespace)] { found += numbers }
    }

    private mutating func note(_ numbers: [Int], _ found: inout [Int]) {
        for number in numbers where foundIn[number] != search {
            foundIn[number] = search
            found.append(number)
        }
    }
}

// MARK: Places

/// Of filters of one kind of object: with nil, those of all namespaces.
private struct ObjectPlace: Hashable, Sendable {
    let kind: ObjectKind
    let namespace: String?
}

/// Of filters of routes: with nil, those that don't ask for a namespace, a table or a protocol.
private struct RoutePlace: Hashable, Sendable {
    static let namespaceBit = 1
    static let tableBit = 2
    static let protocolBit = 4

    let namespace: String?
    let table: TableID?
    let `protocol`: RouteProtocol?

    init(namespace: String?, table: TableID?, protocol: RouteProtocol?) {
        self.namespace = namespace
        self.table = table
        self.protocol = `protocol`
    }

    /// Where the filters of a shape are that may select such a route.
    init(_ shape: Int, _ table: TableIdentity, _ protocol: RouteProtocol) {
        namespace = shape & Self.namespaceBit == 0 ? nil : table.namespace
        self.table = shape & Self.tableBit == 0 ? nil : table.id
        self.protocol = shape & Self.protocolBit == 0 ? nil : `protocol`
    }

    var shape: Int {
        (namespace == nil ? 0 : Self.namespaceBit) | (table == nil ? 0 : Self.tableBit)
            | (self.protocol == nil ? 0 : Self.protocolBit)
    }
}

extension EventFilterIndex {
    /// A filter that names more combinations stands where those do that name none.
    private static var mostPlaces: Int { 64 }

    private static func objectPlaces(_ filter: EventFilter) -> [ObjectPlace] {
        ObjectKind.allCases.filter { $0 != .route && filter.selects($0) }.flatMap { kind in
            options(filter.selection.namespaces, atMost: mostPlaces).map { ObjectPlace(kind: kind, namespace: $0) }
        }
    }

    private static func routePlaces(_ filter: EventFilter) -> [RoutePlace] {
        guard filter.selectsRoutes else { return [] }
        let namespaces = options(filter.selection.namespaces, atMost: mostPlaces)
        let tables = options(filter.selection.tables, atMost: mostPlaces / max(1, namespaces.count))
        let protocols = options(
            filter.selection.protocols, atMost: mostPlaces / max(1, namespaces.count * tables.count))
        return namespaces.flatMap { namespace in
            tables.flatMap { table in
                protocols.map { RoutePlace(namespace: namespace, table: table, protocol: $0) }
            }
        }
    }

    private static func options<Value: Hashable & Sendable>(_ values: [Value]?, atMost limit: Int) -> [Value?] {
        guard let values = values.map(Set.init), values.count <= limit else { return [nil] }
        return values.map(Optional.some)
    }
}
