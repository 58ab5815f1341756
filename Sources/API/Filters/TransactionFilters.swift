internal import ControlPlane
internal import JSON
internal import Routing
internal import TrafficControl

/// What a step of a transaction does with qdiscs, chains, filters and actions.
struct TransactionFilters {
    /// Nil for a deletion.
    let verb: RouteVerb?
    let condition: WriteCondition
    /// Of the whole transaction.
    let namespace: String?

    func operation(_ kind: ObjectKind, _ reader: inout JSONReader) throws -> TrafficOperation? {
        switch kind {
        case .qdisc: try qdisc(try QdiscInput(&reader))
        case .chain: try chain(try ChainInput(&reader))
        case .filter: try filter(try FilterInput(&reader))
        case .action: try action(try ActionInput(&reader, isReference: verb == nil))
        default: nil
        }
    }

    private func operation(
        _ action: TrafficOperation.Action, in namespace: String?, _ condition: WriteCondition
    ) -> TrafficOperation {
        TrafficOperation(
            namespace ?? self.namespace ?? ControlPlane.defaultNamespace, action, condition: condition)
    }

    private func unsupported(_ kind: String) -> FIBError {
        FIBError(.eopnotsupp, .unsupported, "a \(kind) can't be changed that way in a transaction")
    }

    private func qdisc(_ input: QdiscInput) throws -> TrafficOperation {
        let qdisc = try input.qdisc(nil)
        switch verb {
        case .add, .replace:
            return operation(.addQdisc(qdisc, replaces: verb == .replace), in: input.namespace, condition)
        case nil: return operation(.removeQdisc(device: qdisc.device, qdisc.kind), in: input.namespace, condition)
        default: throw unsupported("qdisc")
        }
    }

    private func place(_ place: BlockIdentity.Place?) throws -> BlockIdentity.Place {
        if let place { return place }
        throw Problem.missing("block", "say which block: block, or dev with ingress or egress")
    }

    private func chain(_ input: ChainInput) throws -> TrafficOperation {
        let (place, index) = (try place(input.place), input.index ?? 0)
        switch verb {
        case .add:
            return operation(
                .addChain(place, index, try input.template.map { try $0.template }), in: input.namespace, condition)
        case nil: return operation(.removeChain(place, index), in: input.namespace, condition)
        default: throw unsupported("chain")
        }
    }

    private func filter(_ input: FilterInput) throws -> TrafficOperation {
        let place = try place(input.place)
        let name = input.namespace ?? namespace ?? ControlPlane.defaultNamespace
        guard let verb else {
            var selector = FilterSelector()
            (selector.chain, selector.priority, selector.handle) = (
                input.write.chain, input.write.priority, input.write.handle
            )
            (selector.protocol, selector.kind) = (input.write.protocol, input.write.kind)
            let condition = condition
            if condition != .none {
                guard selector.handle != nil else { throw Problem.missing("handle", "if_match is of one filter") }
                selector.check = { (filter) throws(FIBError) in try condition.check(filter.version, "the filter") }
            }
            return operation(.removeFilters(place, selector), in: name, .none)
        }
        guard let verb = FilterWrite.Verb(rawValue: verb.rawValue) else { throw unsupported("filter") }
        return try FilterJob(namespace: name, place: place, verb: verb, condition: condition).operation(input)
    }

    private func action(_ input: ActionInput) throws -> TrafficOperation {
        switch verb {
        case .add, .replace:
            return operation(
                .writeAction(input.draft, replaces: verb == .replace), in: input.namespace, condition)
        case nil:
            guard let index = input.draft.index else {
                throw Problem.missing("index", "say which action is to go, by its index")
            }
            return operation(.removeAction(kind: input.draft.kind, index), in: input.namespace, condition)
        default: throw unsupported("action")
        }
    }
}
