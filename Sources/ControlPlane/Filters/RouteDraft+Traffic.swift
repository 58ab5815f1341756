internal import ChangeLog
internal import Routing
internal import TrafficControl

/// Filters aren't copied for a draft, as tables are: a draft that is made within the exclusive gate changes them in place, and takes
/// that back if nothing comes of it.
extension RouteDraft {
    mutating func apply(_ operation: TrafficOperation) throws(FIBError) -> TrafficResult {
        precondition(isWithinGate, "filters are changed within the gate only")
        let place = try place(of: operation.namespace)
        switch operation.action {
        case .addQdisc(let qdisc, let replaces):
            return try add(qdisc, replaces: replaces, operation.condition, at: place)
        case .removeQdisc(let device, let kind): return try removeQdisc(device, kind, operation.condition, at: place)
        default: break
        }
        let namespace = touched[place].0
        return try drafting(at: place) { (_, head) throws(FIBError) in
            try namespace.perform(operation, .exclusive) { head() }
        }
    }

    /// Takes in what `body` changes of filters.
    private mutating func drafting<Result>(
        at place: Int, _ body: (TrafficDraft, () -> ChangeSequence) throws(FIBError) -> Result
    ) throws(FIBError) -> Result {
        let namespace = touched[place].0
        let traffic = TrafficDraft(first: upcoming, batch(nil))
        let head = head
        defer { add(traffic.changes) }
        return try namespace.trafficLink.drafting(into: traffic) { () throws(FIBError) in
            try body(traffic) { traffic.changes.last?.sequence ?? head }
        }
    }

    // MARK: Qdiscs

    private mutating func add(
        _ qdisc: Qdisc, replaces: Bool, _ condition: WriteCondition, at place: Int
    ) throws(FIBError) -> TrafficResult {
        let name = touched[place].0.name
        if let present = touched[place].1.objects[.qdisc(qdisc.device)] {
            try condition.check(present.version, "the qdisc of '\(qdisc.device)'")
            if replaces, present.qdisc == qdisc {
                return TrafficResult(outcome: .unchanged, qdisc: present, sequence: head)
            }
            if replaces, present.qdisc?.kind == qdisc.kind {
                throw FIBError(
                    .eopnotsupp, .unsupported, "the blocks of a qdisc can't be changed; remove it first", rule: "R4-02")
            }
            throw FIBError(
                .eexist, .qdiscExists,
                "'\(qdisc.device)' has \(present.qdisc?.kind.rawValue ?? "a qdisc") already; remove it first",
                rule: "R4-05"
            )
        }
        if case .version(let wanted) = condition {
            throw FIBError(
                .estale, .versionMismatch, "the qdisc of '\(qdisc.device)' is not at version \(wanted.rawValue)")
        }
        guard touched[place].1.objects[.link(qdisc.device)] != nil else {
            throw FIBError(
                .enodev, .linkNotFound, "there is no link '\(qdisc.device)' in \(name)", rule: "R4-04")
        }
        for block in qdisc.places { try touched[place].0.traffic.checkBinding(of: qdisc.device, to: block) }
        for block in Set(qdisc.places).sorted() where touched[place].1.objects[.block(block)] == nil {
            _ = change(.add, from: nil, to: StoredObject(.block(block), in: name, version: upcoming), nil, at: place)
        }
        let stored = StoredObject(.qdisc(qdisc), in: name, version: upcoming)
        let sequence = change(.add, from: nil, to: stored, nil, at: place)
        // A device that comes with it has to take what is there (R4-86).
        for block in Set(qdisc.places) {
            if let block = touched[place].0.traffic.block(block) { try touched[place].0.traffic.update(block) }
        }
        return TrafficResult(outcome: .created, qdisc: stored, sequence: sequence)
    }

    /// With all that is in its blocks, unless others share them.
    ///
    /// - Parameter cause: why it goes, if no one asked for that.
    mutating func removeQdisc(
        _ device: String, _ kind: Qdisc.Kind?, _ condition: WriteCondition, _ cause: ChangeBatch.Cause? = nil,
        at place: Int
    ) throws(FIBError) -> TrafficResult {
        let stored = try touched[place].1.qdisc(device, kind)
        try condition.check(stored.version, "the qdisc of '\(device)'")
        guard let qdisc = stored.qdisc else { preconditionFailure("a qdisc that is none") }
        let traffic = touched[place].0.traffic
        let own = traffic.blocks(endingWith: qdisc)
        let count = try drafting(at: place) { (_, _) throws(FIBError) in
            var count = 0
            for block in own { count += try traffic.empty(block, .exclusive) }
            return count
        }
        let sequence = change(.delete, from: stored, to: nil, cause, at: place)
        for block in own {
            guard let object = touched[place].1.objects[.block(block.identity.place)] else { continue }
            _ = change(.delete, from: object, to: nil, cause, at: place)
        }
        return TrafficResult(outcome: .deleted, qdisc: stored, removed: count, sequence: max(sequence, head))
    }

    private mutating func change(
        _ operation: ChangeOperation, from old: StoredObject?, to new: StoredObject?, _ cause: ChangeBatch.Cause?,
        at place: Int
    ) -> ChangeSequence {
        let change = ObjectChange(old: old, new: new)
        let sequence = add(operation, .object(change), cause)
        if let new { touched[place].1.set(new) } else { touched[place].1.remove(change.object.key) }
        touched[place].0.traffic.follow(from: old, to: new)
        return sequence
    }

    /// What was changed in place is as it was before. Within the gate.
    func takeBackTraffic() {
        let places = Dictionary(uniqueKeysWithValues: touched.map { ($0.0.name, $0.0) })
        for change in changes.reversed() {
            switch change.object {
            case .object(let change): places[change.object.namespace]?.traffic.follow(from: change.new, to: change.old)
            case .traffic(let change):
                guard let namespace = places[change.namespace] else { continue }
                namespace.trafficLink.drafting(into: TrafficDraft()) {
                    guard namespace.traffic.restore(Traffic.inverse(of: change.change)) != nil else {
                        preconditionFailure("a change of filters can't be taken back")
                    }
                }
            default: continue
            }
        }
        forgetParted()
    }

    /// It is done.
    func forgetParted() { for (namespace, _) in touched { namespace.traffic.forgetParted() } }
}

extension Namespace.State {
    /// Throws ENOENT without one, or if it is of another kind (R4-05).
    func qdisc(_ device: String, _ kind: Qdisc.Kind?) throws(FIBError) -> StoredObject {
        if let stored = objects[.qdisc(device)], kind == nil || stored.qdisc?.kind == kind { return stored }
        throw FIBError(
            .enoent, .qdiscNotFound, "'\(device)' has no qdisc\(kind.map { " of \($0.rawValue)" } ?? "")", rule: "R4-05"
        )
    }
}

extension Traffic {
    /// The blocks that no other qdisc gives packets to.
    func blocks(endingWith qdisc: Qdisc) -> [Block] {
        Set(qdisc.places).sorted().compactMap { block($0) }.filter { block in
            block.bindingCount == qdisc.places.filter { $0 == block.identity.place }.count
        }
    }
}
