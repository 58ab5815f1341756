internal import ChangeLog
internal import ControlPlane
internal import HTTPServer
internal import Routing

extension RouteHandlers {
    /// `DELETE /v1/routes`.
    func flush(_ call: Call) throws(Problem) -> HTTPPlan {
        var query = Query(call.target)
        var selection = try query.selection()
        try query.addListParts(to: &selection)
        let all = try query.flag("all")
        let expected: Int? = try query.number("expect", in: 0...Int.max)
        let options = try WriteOptions(&query, call.request)
        try query.finish()
        try call.request.refuseCondition()
        let isNarrowed =
            selection.destination != nil || selection.within != nil || selection.protocols != nil
            || selection.devices != nil || selection.nextHopIDs != nil || selection.tables != nil
            || selection.types != nil
        guard isNarrowed || all else {
            throw Problem(
                status: 400, reason: "flush-unbounded",
                detail: "say what to remove: dst, within, protocol, dev, nhid, table or type; or all=1 for everything")
        }
        // What the kernel put there comes and goes with links and addresses.
        if !(selection.protocols?.contains(.kernel) ?? false) { selection.spared = .kernel }
        let wanted = selection
        let ticket =
            options.acknowledgement == .hardware && !options.isDryRun ? try hardware.waits.reserve() : nil
        return .answer(
            .work {
                .of { () throws(Problem) in
                    do throws(FIBError) {
                        let (count, sequence, isThrough) = try plane.flush(
                            wanted, expected: expected, dryRun: options.isDryRun)
                        guard isThrough else {
                            if let ticket { hardware.waits.release(ticket) }
                            let problem = Problem.unknownOutcome(
                                sequence, plane.storeTrouble?.code ?? "EBUSY",
                                "\(count) routes have gone, up to number \(sequence.rawValue), and the store takes no "
                                    + "more at the moment; the others follow when it does")
                            return .response(problem.response)
                        }
                        let start = options.isDryRun ? "{\"dry_run\":true,\"deleted\":" : "{\"deleted\":"
                        let body = Array("\(start)\(count),\"seq\":\(sequence.rawValue)}\n".utf8)
                        let response = HTTPResponse.json(200, body, sequence: sequence)
                        guard let ticket else { return options.acknowledge(response, sequence, plane) }
                        let removers = count == 0 ? [] : hardware.allRemovers
                        return hardware.removal(response, sequence, by: removers, options, ticket)
                    } catch {
                        if let ticket { hardware.waits.release(ticket) }
                        throw Problem(error)
                    }
                }
            })
    }
}
