internal import Addressing
internal import Bytes
internal import ChangeLog
internal import Routing

extension RecordReader {
    /// `previous` is the number of the change before it in the record.
    mutating func change(after previous: ChangeSequence) throws(Malformed) -> Change {
        guard let form = RecordForm(rawValue: try bytes.byte()), form.hasOld || form.hasNew || form.isObject else {
            throw bytes.malformed("a change of an unknown form")
        }
        let step = try bytes.varint()
        guard step > 0, step <= UInt64.max - previous.rawValue else { throw bytes.malformed("numbers out of order") }
        let sequence = previous.advanced(by: step)
        let batch = form.hasBatch ? try batch() : nil
        let object: ChangedObject
        if form.isListener {
            let old = form.hasOld ? try listener() : nil
            object = .listener(ListenerChange(old: old, new: form.hasNew ? try listener() : nil))
        } else if form.isObject, !form.hasOld, !form.hasNew {
            object = .operationEnd(try self.sequence())
        } else if form.isObject {
            let old = form.hasOld ? try self.object() : nil
            object = .object(ObjectChange(old: old, new: form.hasNew ? try self.object() : nil))
        } else if form.isTraffic, self.form == .current {
            object = .traffic(try trafficChange(hasOld: form.hasOld, hasNew: form.hasNew))
        } else if form.isNamespace {
            object = .object(try namespaceChange(form, sequence))
        } else if form.operation == .status {
            object = .status(try statusChange())
        } else {
            object = .route(try routeChange(form, sequence))
        }
        return Change(sequence: sequence, operation: form.operation, object: object, batch: batch)
    }

    private mutating func routeChange(
        _ form: RecordForm, _ sequence: ChangeSequence
    ) throws(Malformed) -> RouteChange {
        let table = try table()
        let key = try key(table.family)
        let old = form.hasOld ? try storedRoute(at: key) : nil
        let new =
            form.hasNew ? StoredRoute(version: sequence, hash: try hash(), info: try info(of: key)) : nil
        let best: BestChange
        switch try bytes.byte() {
        case 0: best = .none
        case 1: best = .own(.other)
        case 2: best = .own(.joined)
        case 3: best = .displaced(.init(try placedRoute(table.family)))
        case 4: best = .promoted(.init(try placedRoute(table.family)))
        default: throw bytes.malformed("an unknown effect on the first route")
        }
        return RouteChange(table: table, key: key, old: old, new: new, best: best)
    }

    private mutating func placedRoute(_ family: AddressFamily) throws(Malformed) -> PlacedRoute {
        let key = try key(family)
        return (key, try storedRoute(at: key))
    }

    private mutating func statusChange() throws(Malformed) -> RouteStatusChange {
        let table = try table()
        let route = try placedRoute(table.family)
        let isFirst = try bytes.byte() != 0
        var (was, legs): ([LegStatus], [LegStatus]) = ([], [])
        for _ in 0..<(try bytes.count()) {
            was.append(LegStatus(rawValue: try bytes.byte()))
            legs.append(LegStatus(rawValue: try bytes.byte()))
        }
        return RouteStatusChange(table, route, isFirst: isFirst, was: was, legs: legs)
    }

    private mutating func namespaceChange(
        _ form: RecordForm, _ sequence: ChangeSequence
    ) throws(Malformed) -> ObjectChange {
        let name = try bytes.text()
        let old = form.hasOld ? try storedNamespace(name) : nil
        let new =
            form.hasNew ? StoredObject(.namespace(try settings()), in: name, version: sequence) : nil
        return ObjectChange(old: old, new: new)
    }

    /// As versions 1 and 2 have it.
    mutating func storedNamespace(_ name: String) throws(Malformed) -> StoredObject {
        let version = try sequence()
        return StoredObject(.namespace(try settings()), in: name, version: version)
    }

    private mutating func settings() throws(Malformed) -> NamespaceSettings {
        guard try bytes.varint() == 2 else { throw bytes.malformed("settings of another version") }
        var settings = NamespaceSettings()
        settings.notifyOnFlagChangeIPv4 = try bytes.byte()
        settings.notifyOnFlagChangeIPv6 = try bytes.byte()
        return settings
    }

    mutating func fields() throws(Malformed) -> RouteInfo.Fields {
        var fields = RouteInfo.Fields()
        guard let type = RouteType(rawValue: try bytes.byte()) else { throw bytes.malformed("an unknown route type") }
        fields.type = type
        fields.protocol = RouteProtocol(rawValue: try bytes.byte())
        fields.scope = RouteScope(rawValue: try bytes.byte())
        let byte = try bytes.byte()
        guard let preference = RouteInfo.Preference(rawValue: byte & 0x1f) else {
            throw bytes.malformed("an unknown preference")
        }
        fields.preference = preference
        if byte & RecordForm.hasNextHopID != 0 { fields.nextHopID = try bytes.varint(as: UInt32.self) }
        if byte & RecordForm.hasMetric != 0 { fields.metric = try bytes.varint(as: UInt32.self) }
        if byte & RecordForm.hasExpiry != 0 { fields.expiresAt = try bytes.varint() }
        fields.preferredSource = try optionalAddress()
        for _ in 0..<(try bytes.count()) {
            let gateway = try optionalAddress()
            let device = try bytes.text()
            let weight = try bytes.varint(as: UInt16.self)
            let flags = NextHop.Flags(rawValue: try bytes.byte())
            fields.nextHops.append(NextHop(gateway: gateway, device: device, weight: weight, flags: flags))
        }
        fields.metrics = try metrics()
        return fields
    }

    private mutating func metrics() throws(Malformed) -> RouteMetrics {
        var metrics = RouteMetrics()
        for _ in 0..<(try bytes.count()) {
            let name = try bytes.text()
            let isLock = name.hasPrefix(RecordForm.lock)
            let bare = isLock ? String(name.dropFirst(RecordForm.lock.count)) : name
            guard let index = RouteMetrics.names.firstIndex(of: bare) else {
                throw bytes.malformed("an unknown metric '\(bare)'")
            }
            if isLock {
                metrics.lock(index)
            } else if index == RouteMetrics.congestion {
                metrics.algorithm = try bytes.text()
            } else {
                metrics.set(index, to: try bytes.varint(as: UInt32.self))
            }
        }
        return metrics
    }

    mutating func optionalAddress() throws(Malformed) -> IPAddress? {
        let family: AddressFamily
        switch try bytes.byte() {
        case 0: return nil
        case 4: family = .inet
        case 6: family = .inet6
        default: throw bytes.malformed("an unknown address family")
        }
        return try prefix(family).address
    }

    mutating func remainder() throws(Malformed) -> OperationRemainder {
        let bound = try sequence()
        var selection = try selection()
        // Versions 1 and 2 end here.
        let parts = form == .current ? try bytes.byte() : 0
        if parts & ~3 != 0 { throw bytes.malformed("an operation with unknown parts") }
        if parts & 2 != 0 {
            let ids = try list { (reader) throws(Malformed) in try reader.bytes.varint(as: UInt32.self) }
            selection.nextHopIDs = ids.map { Set($0) }
        }
        return OperationRemainder(selection: selection, bound: bound, link: parts & 1 != 0 ? try cascade() : nil)
    }

    private mutating func cascade() throws(Malformed) -> LinkCascade {
        let device = try bytes.text()
        let flags = try bytes.byte()
        guard let before = LinkImpairment(inet: try bytes.byte(), inet6: try bytes.byte()) else {
            throw bytes.malformed("a status that no link has")
        }
        var sources: [IPAddress] = []
        for _ in 0..<(try bytes.count()) {
            guard let source = try optionalAddress() else { throw bytes.malformed("a missing address") }
            sources.append(source)
        }
        return LinkCascade(
            device: device, isAdded: flags & 4 != 0, isRemoved: flags & 1 != 0, hasLostIPv4: flags & 2 != 0,
            changesOffload: flags & 8 != 0, before: before, sources: sources)
    }

    mutating func selection() throws(Malformed) -> RouteSelection {
        var selection = RouteSelection()
        selection.namespaces = try list { (reader) throws(Malformed) in try reader.bytes.text() }
        selection.families = try list { (reader) throws(Malformed) in try reader.family() }
        selection.tables = try list { (reader) throws(Malformed) in
            TableID(rawValue: try reader.bytes.varint(as: UInt32.self))
        }
        selection.within = try list { (reader) throws(Malformed) in try reader.prefixWithFamily() }
        selection.protocols = try list { (reader) throws(Malformed) in
            RouteProtocol(rawValue: try reader.bytes.byte())
        }
        selection.types = try list { (reader) throws(Malformed) in
            guard let type = RouteType(rawValue: try reader.bytes.byte()) else {
                throw reader.bytes.malformed("an unknown route type")
            }
            return type
        }
        selection.devices = try list { (reader) throws(Malformed) in try reader.bytes.text() }
        selection.spared = try list { (reader) throws(Malformed) in
            RouteProtocol(rawValue: try reader.bytes.byte())
        }?.first
        selection.destination = try list { (reader) throws(Malformed) in try reader.prefixWithFamily() }?.first
        selection.covers = try list { (reader) throws(Malformed) in try reader.prefixWithFamily() }?.first
        return selection
    }

    private mutating func prefixWithFamily() throws(Malformed) -> Prefix {
        let family = try family()
        return try prefix(family)
    }

    private mutating func list<Element>(
        _ element: (inout RecordReader) throws(Malformed) -> Element
    ) throws(Malformed) -> [Element]? {
        let count = try bytes.varint(as: Int.self)
        if count == 0 { return nil }
        guard count - 1 <= bytes.bytes.count else { throw bytes.malformed("a count of \(count)") }
        var elements: [Element] = []
        for _ in 1..<count { elements.append(try element(&self)) }
        return elements
    }
}
