internal import Addressing
internal import ChangeLog
internal import Routing

extension RecordWriter {
    /// `previous` is the number of the change before it in the record. Not for changes that aren't in records.
    mutating func append(_ change: Change, after previous: ChangeSequence) {
        precondition(change.isInRecords, "a change that is in no record")
        var form = RecordForm()
        form.operation = change.operation
        form.hasBatch = change.batch != nil
        switch change.object {
        case .route(let route):
            form.hasOld = route.old != nil
            form.hasNew = route.new != nil
        case .hardware, .device, .notice, .peer, .peerStorage: break
        case .status: (form.hasOld, form.hasNew) = (true, true)
        case .operationEnd: form.isObject = true
        case .listener(let listener):
            form.isListener = true
            form.hasOld = listener.old != nil
            form.hasNew = listener.new != nil
        case .object(let object):
            form.isObject = true
            form.hasOld = object.old != nil
            form.hasNew = object.new != nil
        case .traffic(let traffic):
            form.isTraffic = true
            form.hasOld = traffic.old != nil
            form.hasNew = traffic.new != nil
        }
        append(byte: form.rawValue)
        append(change.sequence.rawValue - previous.rawValue)
        if let batch = change.batch { append(batch) }
        switch change.object {
        case .route(let route): append(route)
        case .hardware, .device, .notice, .peer, .peerStorage: break
        case .status(let status): append(status)
        case .operationEnd(let cause): append(cause.rawValue)
        case .listener(let listener):
            if let old = listener.old { append(old) }
            if let new = listener.new { append(new) }
        case .object(let object):
            if let old = object.old { append(old) }
            if let new = object.new { append(new) }
        case .traffic(let traffic): append(traffic)
        }
    }

    /// The new route's version is the change's number.
    private mutating func append(_ change: RouteChange) {
        append(change.table)
        append(change.key, change.table.family)
        if let old = change.old { append(old) }
        if let new = change.new {
            append(new.hash)
            append(new.info)
        }
        switch change.best {
        case .none: append(byte: 0)
        // That nexthops left is known to members of the chain alone, which are told while it happens.
        case .own(.other), .own(.left): append(byte: 1)
        case .own(.joined): append(byte: 2)
        case .displaced(let neighbour): append(3, neighbour, change.table.family)
        case .promoted(let neighbour): append(4, neighbour, change.table.family)
        }
    }

    private mutating func append(_ change: RouteStatusChange) {
        append(change.table)
        append(change.key, change.table.family)
        append(change.route)
        append(byte: change.isFirst ? 1 : 0)
        append(UInt64(change.legs.count))
        for (was, leg) in zip(change.was, change.legs) {
            append(byte: was.rawValue)
            append(byte: leg.rawValue)
        }
    }

    private mutating func append(_ form: UInt8, _ neighbour: BestChange.Neighbour, _ family: AddressFamily) {
        append(byte: form)
        append(neighbour.key, family)
        append(neighbour.value)
    }

    mutating func append(_ fields: RouteInfo.Fields) {
        append(byte: fields.type.rawValue)
        append(byte: fields.protocol.rawValue)
        append(byte: fields.scope.rawValue)
        append(
            byte: fields.preference.rawValue | (fields.nextHopID == 0 ? 0 : RecordForm.hasNextHopID)
                | (fields.expiresAt == 0 ? 0 : RecordForm.hasExpiry) | (fields.metric == 0 ? 0 : RecordForm.hasMetric))
        if fields.nextHopID != 0 { append(UInt64(fields.nextHopID)) }
        if fields.metric != 0 { append(UInt64(fields.metric)) }
        if fields.expiresAt != 0 { append(fields.expiresAt) }
        appendOptional(fields.preferredSource)
        append(UInt64(fields.nextHops.count))
        for hop in fields.nextHops {
            appendOptional(hop.gateway)
            append(hop.device)
            append(UInt64(hop.weight))
            append(byte: hop.flags.rawValue)
        }
        append(fields.metrics)
    }

    /// Numbers, then what is locked, then the algorithm, if there is one: each by its name, since the list of names may grow in
    /// the middle.
    private mutating func append(_ metrics: RouteMetrics) {
        let locked = metrics.lockedNames
        append(UInt64(metrics.values.count + locked.count + (metrics.algorithm.isEmpty ? 0 : 1)))
        for metric in metrics.values {
            append(RouteMetrics.names[Int(metric.name)])
            append(UInt64(metric.value))
        }
        for name in locked { append(RecordForm.lock + name) }
        guard !metrics.algorithm.isEmpty else { return }
        append(RouteMetrics.names[RouteMetrics.congestion])
        append(metrics.algorithm)
    }

    mutating func appendOptional(_ address: IPAddress?) {
        guard let address else { return append(byte: 0) }
        append(byte: address.family == .inet ? 4 : 6)
        append(Prefix(host: address))
    }

    mutating func append(_ remainder: OperationRemainder) {
        append(remainder.bound.rawValue)
        append(remainder.selection)
        append(byte: (remainder.link == nil ? 0 : 1) | (remainder.selection.nextHopIDs == nil ? 0 : 2))
        if let ids = remainder.selection.nextHopIDs { appendList(ids.sorted()) { $0.append(UInt64($1)) } }
        guard let link = remainder.link else { return }
        append(link.device)
        append(
            byte: (link.isRemoved ? 1 : 0) | (link.hasLostIPv4 ? 2 : 0) | (link.isAdded ? 4 : 0)
                | (link.changesOffload ? 8 : 0))
        append(byte: link.before.inet.rawValue)
        append(byte: link.before.inet6.rawValue)
        append(UInt64(link.sources.count))
        for source in link.sources { appendOptional(source) }
    }

    mutating func append(_ selection: RouteSelection) {
        appendList(selection.namespaces) { $0.append($1) }
        appendList(selection.families) { $0.append(byte: $1 == .inet ? 4 : 6) }
        appendList(selection.tables) { $0.append(UInt64($1.rawValue)) }
        appendList(selection.within) { $0.appendWithFamily($1) }
        appendList(selection.protocols) { $0.append(byte: $1.rawValue) }
        appendList(selection.types) { $0.append(byte: $1.rawValue) }
        appendList(selection.devices) { $0.append($1) }
        appendList(selection.spared.map { [$0] }) { $0.append(byte: $1.rawValue) }
        appendList(selection.destination.map { [$0] }) { $0.appendWithFamily($1) }
        appendList(selection.covers.map { [$0] }) { $0.appendWithFamily($1) }
    }

    private mutating func appendWithFamily(_ prefix: Prefix) {
        append(byte: prefix.family == .inet ? 4 : 6)
        append(prefix)
    }

    /// Zero for none, else one more than there are.
    private mutating func appendList<Element>(
        _ list: [Element]?, _ appendElement: (inout RecordWriter, Element) -> Void
    ) {
        append(UInt64(list.map { $0.count + 1 } ?? 0))
        for element in list ?? [] { appendElement(&self, element) }
    }
}

/// The first byte of a change's record.
struct RecordForm: RawRepresentable {
    var rawValue: UInt8 = 0

    /// In the byte of a route's preference: the id of a nexthop object follows.
    static let hasNextHopID: UInt8 = 0x80
    /// In the same byte: when it expires follows.
    static let hasExpiry: UInt8 = 0x40
    /// In the same byte: the route's metric follows.
    static let hasMetric: UInt8 = 0x20
    /// In the byte of what is set for IPv4.
    static let usesNeighbours: UInt8 = 0x08
    /// In the same byte: what is set for paths follows.
    static let hasPaths: UInt8 = 0x04
    /// Before the name of a metric: it is locked, and has no value here.
    static let lock = "lock "

    init() {}
    init?(rawValue: UInt8) {
        guard let operation = ChangeOperation(rawValue: rawValue & 7), operation != .flags && operation != .restart
        else { return nil }
        self.rawValue = rawValue
    }

    var operation: ChangeOperation {
        get { ChangeOperation(rawValue: rawValue & 7) ?? .add }
        set { rawValue = rawValue & ~7 | newValue.rawValue }
    }
    /// A namespace, as versions 1 and 2 have it.
    var isNamespace: Bool { self[3] && !self[7] }
    /// A chain, a filter or an action; since version 7.
    var isTraffic: Bool {
        get { self[3] && !self[7] }
        set { (self[3], self[7]) = (newValue, false) }
    }
    var hasOld: Bool {
        get { self[4] }
        set { self[4] = newValue }
    }
    var hasNew: Bool {
        get { self[5] }
        set { self[5] = newValue }
    }
    var hasBatch: Bool {
        get { self[6] }
        set { self[6] = newValue }
    }

    var isListener: Bool {
        get { self[7] && !self[3] }
        set { self[7] = newValue }
    }
    /// Any object but a route or a listener.
    var isObject: Bool {
        get { self[7] && self[3] }
        set { (self[7], self[3]) = (newValue, newValue) }
    }

    private subscript(_ bit: UInt8) -> Bool {
        get { rawValue >> bit & 1 != 0 }
        set { rawValue = rawValue & ~(1 << bit) | (newValue ? 1 << bit : 0) }
    }
}
