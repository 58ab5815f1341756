internal import Addressing
internal import ChangeLog
internal import Platform
public import Routing

extension RouteDraft {
    /// What the operation would come to after those before it. The draft is as it was if it throws.
    public mutating func apply(_ operation: ObjectOperation) throws(FIBError) -> ObjectResult {
        let place = try place(of: operation.namespace)
        switch operation.action {
        case .writeRule, .removeRule: return try applyToRules(operation, at: place)
        case .writeNextHop, .removeNextHop: return try applyToNextHops(operation, at: place)
        default: break
        }
        guard let key = operation.key else { preconditionFailure("no key of \(operation.subject)") }
        let present = touched[place].1.objects[key]
        try check(operation, present)
        guard let wanted = try wanted(operation, present, touched[place].1) else {
            guard let present else { throw Self.notFound(operation) }
            let sequence = change(.delete, from: present, to: nil, at: place)
            return ObjectResult(outcome: .deleted, object: present, sequence: sequence)
        }
        if let present, present.value == wanted.value, present.status == wanted.status {
            return ObjectResult(outcome: .unchanged, object: present, sequence: head)
        }
        let isStatus = present?.value == wanted.value
        let kind: ChangeOperation = present == nil ? .add : isStatus ? .status : .replace
        let sequence = change(kind, from: present, to: wanted, at: place)
        return ObjectResult(outcome: present == nil ? .created : .replaced, object: wanted, sequence: sequence)
    }

    /// The object as it is to be; nil if it is to go.
    private func wanted(
        _ operation: ObjectOperation, _ present: StoredObject?, _ state: Namespace.State
    ) throws(FIBError) -> StoredObject? {
        func made(_ value: ObjectValue, _ status: ObjectStatus) -> StoredObject {
            if let present, present.value == value { return present.with(status) }
            return StoredObject(value, in: operation.namespace, status, version: upcoming)
        }
        switch operation.action {
        case .removeLink, .removeNeighbour, .removeRule, .writeRule, .removeNextHop, .writeNextHop: return nil
        case .putLink(let edit):
            let link = edit.applied(to: present?.link)
            try link.validate()
            if present == nil { try state.checkRoom(for: .link) }
            return made(.link(link), present?.status ?? ObjectStatus())
        case .setCarrier(_, let hasCarrier):
            guard let present else { throw Self.notFound(operation) }
            var status = present.status
            status.hasCarrier = hasCarrier
            return made(present.value, status)
        case .putNeighbour(let neighbour):
            try state.check(neighbour)
            if present == nil { try state.checkRoom(for: .neigh) }
            // To be told the same again is no news.
            if let present, present.neighbour == neighbour { return present }
            var status = ObjectStatus()
            status.updated = WallClock.milliseconds
            return made(.neighbour(neighbour), status)
        }
    }

    private func check(_ operation: ObjectOperation, _ present: StoredObject?) throws(FIBError) {
        switch operation.existence {
        case .any: break
        case .absent where present != nil:
            throw FIBError(.eexist, .objectExists, "\(operation.subject) is there already; replace or change it")
        case .absent: break
        case .present where present == nil: throw Self.notFound(operation)
        case .present: break
        }
        try operation.condition.check(present, operation.subject)
    }

    private static func notFound(_ operation: ObjectOperation) -> FIBError {
        switch operation.action {
        case .putNeighbour, .removeNeighbour:
            FIBError(.enoent, .neighbourNotFound, "there is no \(operation.subject)")
        default: FIBError(.enodev, .linkNotFound, "there is no \(operation.subject) in \(operation.namespace)")
        }
    }

    // MARK: The change, and what follows from it

    /// - Returns: the number of the change itself, or of the last one that it brought about here.
    private mutating func change(
        _ operation: ChangeOperation, from old: StoredObject?, to new: StoredObject?, at place: Int
    ) -> ChangeSequence {
        let change = ObjectChange(old: old, new: new)
        let sequence = add(operation, .object(change), nil)
        touched[place].1.chain.countObject()
        if let new { touched[place].1.set(new) } else { touched[place].1.remove(change.object.key) }
        guard change.object.kind == .link else { return sequence }
        // Filters that the same draft changes may name it.
        if isWithinGate { touched[place].0.traffic.follow(from: old, to: new) }
        let cause = ChangeBatch.Cause(reason: LinkCascade.reason(change), sequence: sequence)
        let others = touched[place].1.objects.all(.link).filter { $0.key != change.object.key }
        if let cascade = LinkCascade(change, others: others) {
            begin(UnfinishedOperation(cascade, in: change.object.namespace, cause))
        }
        // What is on it goes after it, however much that is (R4-75).
        if new == nil, let name = old?.link?.name, touched[place].1.objects[.qdisc(name)] != nil {
            end(name, in: touched[place].0, with: sequence)
        }
        removeUsers(of: change, cause, at: place)
        changeRoutes(from: old?.link, to: new?.link, cause, at: place)
        return head
    }

    /// Neighbours of a link that is gone or goes down are forgotten, of one without carrier only what isn't permanent; nexthops
    /// over it go in all these cases.
    private mutating func removeUsers(of change: ObjectChange, _ cause: ChangeBatch.Cause, at place: Int) {
        guard let old = change.old, let link = old.link else { return }
        let name = link.name
        let goesDown = change.new?.link.map { link.isUp && !$0.isUp } ?? true
        let losesCarrier = old.status.hasCarrier && !(change.new?.status.hasCarrier ?? true)
        guard goesDown || losesCarrier else { return }
        removeNextHops(over: name, cause, at: place)
        let start = ObjectKey.startOfNeighbours(on: name)
        for neighbour in touched[place].1.objects.all(.neigh, from: start) {
            guard neighbour.key.isNeighbour(on: name) else { break }
            if !goesDown, neighbour.neighbour?.state == .permanent { continue }
            _ = add(.delete, .object(ObjectChange(old: neighbour, new: nil)), cause)
            touched[place].1.chain.countObject()
            touched[place].1.remove(neighbour.key)
        }
    }

    /// The routes that its addresses bring about.
    private mutating func changeRoutes(
        from old: Link?, to new: Link?, _ cause: ChangeBatch.Cause, at place: Int
    ) {
        let (former, present) = (old?.routes ?? [], new?.routes ?? [])
        for (table, route) in former where !present.contains(where: { ($0.table, $0.route) == (table, route) }) {
            guard let index = touched[place].1.index(of: route.prefix.family, table) else { continue }
            let identity = touched[place].1.tables[index].identity
            var selector = RouteSelector(prefix: route.prefix)
            selector.metric = route.metric
            selector.hash = RouteEntry.hash(
                identity, RouteKey(route.prefix, tos: 0, metric: route.metric, position: 0), route.info)
            // Someone may have removed or changed it.
            guard let edit = try? touched[place].1.tables[index].table.decideDelete(selector) else { continue }
            _ = try? make(edit, EntryHash(high: 0, low: 0), at: place, index, cause)
        }
        for (table, route) in present where !former.contains(where: { ($0.table, $0.route) == (table, route) }) {
            let identity = TableIdentity(
                namespace: touched[place].0.name, family: route.prefix.family, id: table)
            guard let index = try? touched[place].1.indexCreating(identity),
                case .edit(let edit)? = try? touched[place].1.tables[index].table.decide(.append, route),
                let info = edit.info
            else { continue }
            _ = try? make(edit, RouteEntry.hash(identity, edit.key, info), at: place, index, cause)
        }
    }
}

extension Namespace.State {
    func checkRoom(for kind: ObjectKind) throws(FIBError) {
        let limit =
            switch kind {
            case .link: 16_384
            case .rule, .nexthop: 65_536
            default: 131_072
            }
        guard objects.summary(of: kind).count >= limit else { return }
        throw FIBError(
            .enobufs, .tooManyObjects, "namespace \(name) already has \(limit) of kind \(kind.rawValue), the limit")
    }

    /// What the kernel asks of a neighbour where it is asked for.
    fileprivate func check(_ neighbour: Neighbour) throws(FIBError) {
        if neighbour.address.isMulticast || neighbour.address.isUnspecified || neighbour.address.isLimitedBroadcast {
            throw FIBError(.einval, .addressInvalid, "\(neighbour.address) is not the address of one host")
        }
        guard settings.nextHopCheck == .strict, objects[.link(neighbour.device)] == nil else { return }
        throw FIBError(
            .enodev, .linkNotFound, "there is no link '\(neighbour.device)' in \(name); create it with PUT /v1/links")
    }
}
