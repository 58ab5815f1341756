internal import ChangeLog
internal import ControlPlane
internal import HTTPServer
internal import JSON
internal import Routing
internal import TrafficControl

/// `/v1/blocks`, and the chains of one.
struct BlockHandlers: Sendable {
    let answers: FilterAnswers
    private let objects: ObjectAnswers

    init(plane: ControlPlane) {
        answers = FilterAnswers(plane: plane)
        objects = ObjectAnswers(plane: plane)
    }

    var endpoints: [Endpoint] {
        [
            Endpoint("/v1/blocks", "Blocks of filters", [(.get, list)]),
            Endpoint("/v1/blocks/{block}", "One of them", [(.get, get)]),
            Endpoint("/v1/blocks/{block}/chains", "Its chains: list, add", [(.get, listChains), (.post, addChain)]),
            Endpoint(
                "/v1/blocks/{block}/chains/{chain}", "One chain",
                [(.get, getChain), (.put, putChain), (.delete, deleteChain)]),
        ]
    }

    // MARK: Blocks

    private func list(_ call: Call) throws(Problem) -> HTTPPlan {
        var query = Query(call.target)
        var filter = EventFilter()
        filter.kinds = [.block]
        filter.selection = try query.namespaces()
        let wanted = filter
        return try objects.list(call, &query, "/v1/blocks", of: .block) { wanted.objects(of: $0) }
    }

    /// Of a link whose qdisc shares one, that.
    private func get(_ call: Call) throws(Problem) -> HTTPPlan {
        let (namespace, isDurable) = try call.reading()
        let place = try call.block()
        return .answer(
            .work {
                .of { () throws(Problem) in
                    let (found, sequence) = try Problem.of { () throws(FIBError) in
                        let place = try answers.plane.block(place, in: namespace)
                        return try answers.plane.object(.block(place), in: namespace)
                    }
                    guard let found else {
                        throw Problem(FIBError(.einval, .blockNotFound, "there is no block \(place)", rule: "R4-04"))
                    }
                    return answers.plane.answer(
                        objects.answer(200, found, sequence), asOf: sequence, isDurable: isDurable)
                }
            })
    }

    // MARK: Chains

    private func listChains(_ call: Call) throws(Problem) -> HTTPPlan {
        var query = Query(call.target)
        return try TrafficList(call, &query, .chain).plan(call, answers.plane)
    }

    private func getChain(_ call: Call) throws(Problem) -> HTTPPlan {
        let (namespace, isDurable) = try call.reading()
        let (place, index) = (try call.block(), try call.chain(1))
        return answers.get(isDurable) { plane throws(FIBError) in
            let (chain, sequence) = try plane.chain(index, of: place, in: namespace)
            return (.chain(chain), sequence)
        }
    }

    private func addChain(_ call: Call) throws(Problem) -> HTTPPlan { try writeChain(call, index: nil) }

    private func putChain(_ call: Call) throws(Problem) -> HTTPPlan {
        try writeChain(call, index: try call.chain(1))
    }

    private func writeChain(_ call: Call, index path: UInt32?) throws(Problem) -> HTTPPlan {
        let target = try FilterAnswers.Target(call)
        let place = try call.block()
        let condition = try call.request.writeCondition()
        return try answers.collecting(
            call,
            { reader in
                let input = try ChainInput(&reader)
                try target.agree(input.namespace)
                try input.check(place)
                if let path, let index = input.index, index != path {
                    throw Problem.keyMismatch("chain", "\(index)", "\(path)")
                }
                let template = try input.template.map { try $0.template }
                return TrafficOperation(
                    target.namespace, .addChain(place, path ?? input.index ?? 0, template), condition: condition)
            }, target.options,
            location: { result in
                guard case .chain(let chain) = result.object else { return "" }
                return target.location(
                    "/v1/blocks/\(HTTPTarget.encoded(place.description))/chains/\(chain.identity.index)")
            })
    }

    private func deleteChain(_ call: Call) throws(Problem) -> HTTPPlan {
        let target = try FilterAnswers.Target(call)
        let operation = TrafficOperation(
            target.namespace, .removeChain(try call.block(), try call.chain(1)),
            condition: try call.request.deleteCondition())
        return .answer(.work { .of { () throws(Problem) in try answers.change(operation, target.options) } })
    }
}

extension Call {
    func chain(_ index: Int) throws(Problem) -> UInt32 {
        try number(index, "the index of a chain", in: 0...UInt32.max)
    }
}

extension ChainInput.Template {
    /// Throws as `tc chain add` (R4-16).
    var template: ChainTemplate {
        get throws(FIBError) {
            let kinds = ClassifierKinds()
            let type = self.protocol ?? .all
            guard let options else {
                // Of kinds that have no templates, that is what is wrong.
                _ = try kinds.template(kind, [:], type)
                throw FIBError(
                    .einval, .chainInvalid, "a template needs options: what filters may compare", rule: "R4-16")
            }
            return try kinds.template(kind, options, type)
        }
    }
}
