internal import Addressing
internal import ChangeLog
internal import Routing

/// A nexthop object that goes takes with it its places in groups, groups that nothing is left of, and the routes that use what
/// went: the first two at once, the routes in runs, with the removal as their cause.
extension RouteDraft {
    mutating func applyToNextHops(_ operation: ObjectOperation, at place: Int) throws(FIBError) -> ObjectResult {
        switch operation.action {
        case .writeNextHop(let verb, let fields): try write(verb, fields, operation.condition, at: place)
        case .removeNextHop(let id): try removeNextHop(id, operation.condition, at: place)
        default: preconditionFailure("no operation on nexthops")
        }
    }

    private mutating func write(
        _ verb: RouteVerb, _ fields: NextHopFields, _ condition: WriteCondition, at place: Int
    ) throws(FIBError) -> ObjectResult {
        let (present, object) = try touched[place].1.decide(verb, fields, condition)
        if let present, present.nextHop == object {
            return ObjectResult(outcome: .unchanged, object: present, sequence: head)
        }
        if let admission = try touched[place].1.chain.call(object) {
            admissions.add(admission)
        }
        // What was given out isn't given out again soon.
        if fields.id ?? 0 == 0 { touched[place].1.latestNextHopID = object.id }
        let new = StoredObject(.nextHop(object), in: touched[place].0.name, version: upcoming)
        let sequence = add(present == nil ? .add : .replace, .object(ObjectChange(old: present, new: new)), nil)
        touched[place].1.set(new)
        return ObjectResult(outcome: present == nil ? .created : .replaced, object: new, sequence: sequence)
    }

    private mutating func removeNextHop(
        _ id: UInt32, _ condition: WriteCondition, at place: Int
    ) throws(FIBError) -> ObjectResult {
        if id == 0 { throw FIBError(.einval, .nextHopInvalid, "0 is no nexthop's id") }
        guard let present = touched[place].1.objects[.nextHop(id)] else {
            throw Namespace.State.nextHopNotFound(id, touched[place].0.name)
        }
        try condition.check(present, "nexthop \(id)")
        removeNextHops([present], nil, at: place)
        return ObjectResult(outcome: .deleted, object: present, sequence: head)
    }

    /// All that agree go; what each came to.
    mutating func removeNextHops(_ selector: NextHopSelector, in namespace: String) throws(FIBError) -> [ObjectResult] {
        let place = try place(of: namespace)
        let found = touched[place].1.objects.all(.nexthop).filter(selector.agrees)
        removeNextHops(found, nil, at: place)
        return found.map { ObjectResult(outcome: .deleted, object: $0, sequence: head) }
    }

    /// Of a link that is gone, or over which nothing can be sent: all that lead over it (kernel `nexthop_flush_dev`).
    mutating func removeNextHops(over device: String, _ cause: ChangeBatch.Cause, at place: Int) {
        let found = touched[place].1.objects.all(.nexthop).filter { $0.nextHop?.leg?.device == device }
        removeNextHops(found, cause, at: place)
    }

    /// - Parameter cause: of their removal, if it isn't asked for itself.
    private mutating func removeNextHops(_ objects: [StoredObject], _ cause: ChangeBatch.Cause?, at place: Int) {
        guard let first = objects.first else { return }
        let removal = ChangeBatch.Cause(reason: UnfinishedOperation.nextHopRemoved, sequence: upcoming)
        let gone = Set(objects.compactMap(\.nextHop?.id))
        for object in objects { take(object, cause, at: place) }
        for group in touched[place].1.objects.all(.nexthop) {
            guard let object = group.nextHop, object.members.contains(where: { gone.contains($0.id) }) else { continue }
            guard let left = object.without(gone) else {
                take(group, cause ?? removal, at: place)
                continue
            }
            touched[place].1.chain.countObject()
            let new = StoredObject(.nextHop(left), in: first.namespace, version: upcoming)
            _ = add(.replace, .object(ObjectChange(old: group, new: new)), cause ?? removal)
            touched[place].1.set(new)
        }
    }

    private mutating func take(_ object: StoredObject, _ cause: ChangeBatch.Cause?, at place: Int) {
        touched[place].1.chain.countObject()
        let sequence = add(.delete, .object(ObjectChange(old: object, new: nil)), cause)
        if let id = touched[place].1.usedNextHop(object) { begin(removingUsersOf: id, in: object.namespace, sequence) }
        touched[place].1.remove(object.key)
    }
}

extension UnfinishedOperation {
    static let nextHopRemoved = "nexthop-removed"

    /// The routes that use nexthops which have gone, the first of them with `cause`.
    init(removingUsersOf id: UInt32, in namespace: String, _ cause: ChangeSequence) {
        var selection = RouteSelection()
        selection.namespaces = [namespace]
        selection.nextHopIDs = [id]
        self.init(
            cause: cause, reason: Self.nextHopRemoved,
            remainder: OperationRemainder(selection: selection, bound: cause))
    }

    /// One more of them, that goes with `removal`.
    func joined(by id: UInt32, _ removal: ChangeSequence) -> UnfinishedOperation {
        var selection = remainder.selection
        selection.nextHopIDs?.insert(id)
        return UnfinishedOperation(
            cause: cause, reason: reason, remainder: OperationRemainder(selection: selection, bound: removal))
    }
}

extension Namespace.State {
    /// Its id, if it is a nexthop that routes use.
    func usedNextHop(_ object: StoredObject) -> UInt32? {
        guard let id = object.nextHop?.id else { return nil }
        return tables.contains { $0.table.users(of: id).count > 0 } ? id : nil
    }

    static func nextHopNotFound(_ id: UInt32, _ namespace: String) -> FIBError {
        FIBError(.enoent, .nextHopNotFound, "there is no nexthop \(id) in \(namespace)")
    }

    /// What a write comes to: what it takes the place of, and what there is then.
    ///
    /// Source: net/ipv4/nexthop.c `insert_nexthop`, `replace_nexthop`.
    fileprivate func decide(
        _ verb: RouteVerb, _ fields: NextHopFields, _ condition: WriteCondition
    ) throws(FIBError) -> (StoredObject?, NextHopObject) {
        guard verb == .add || verb == .replace || verb == .change else {
            throw FIBError(.eopnotsupp, .unsupported, "nexthops take add, replace and change, not \(verb.rawValue)")
        }
        let wanted = fields.id ?? 0
        if wanted == 0, verb != .add {
            throw FIBError(.einval, .nextHopInvalid, "to \(verb.rawValue) a nexthop, say its id")
        }
        let id = wanted == 0 ? try nextFreeID() : wanted
        let object = try fields.object(id)
        let isStrict = settings.nextHopCheck == .strict
        if isStrict, let leg = object.leg { try checkLink(of: leg) }
        try object.checkLeg()
        if isStrict { try checkGateway(of: object) }
        try checkMembers(of: object)
        let present = objects[.nextHop(id)]
        try condition.check(present, "nexthop \(id)")
        guard let old = present?.nextHop else {
            if verb == .change { throw Self.nextHopNotFound(id, name) }
            try checkRoom(for: .nexthop)
            try checkUnused(id)
            return (nil, object)
        }
        if verb == .add {
            throw FIBError(.eexist, .nextHopExists, "nexthop \(id) is there already; replace or change it")
        }
        try check(old, becomes: object)
        return (present, object)
    }

    /// As the kernel counts (`nh_find_unused_id`).
    private func nextFreeID() throws(FIBError) -> UInt32 {
        var id = latestNextHopID &+ 1
        while id == 0 || objects[.nextHop(id)] != nil { id &+= 1 }
        return id
    }

    /// Routes that are still to go with the one that had the id before would lead where this one does.
    private func checkUnused(_ id: UInt32) throws(FIBError) {
        guard tables.contains(where: { $0.table.users(of: id).count > 0 }) else { return }
        throw FIBError(
            .ebusy, .nextHopBusy,
            "routes of the nexthop that had the id \(id) before are still to go; try again, or replace it instead of "
                + "removing it")
    }

    private func check(_ old: NextHopObject, becomes new: NextHopObject) throws(FIBError) {
        if old.isGroup != new.isGroup {
            throw FIBError(
                .einval, .nextHopInvalid,
                old.isGroup ? "nexthop \(old.id) is a group, and stays one" : "nexthop \(old.id) can't become a group")
        }
        let groups =
            old.isGroup
            ? []
            : objects.all(.nexthop).compactMap(\.nextHop).filter { group in
                group.members.contains { $0.id == old.id }
            }
        if new.target == .blackhole, groups.contains(where: { $0.members.count > 1 }) {
            throw Self.blackholeAmongOthers(new.id)
        }
        var (inet, inet6) = (NextHopUsers(), NextHopUsers())
        for (identity, table) in tables {
            for id in [old.id] + groups.map(\.id) {
                if identity.family == .inet { inet += table.users(of: id) } else { inet6 += table.users(of: id) }
            }
        }
        try check(new, inet, inet6)
    }
}
