internal import ControlPlane
internal import HTTPServer
internal import Hardware
internal import Routing

extension RouteHandlers {
    /// The first route of a prefix is pending again with the devices that have failed it or not answered; simulated switches
    /// are told here, drivers by their streams.
    func retry(_ call: Call) throws(Problem) -> HTTPPlan {
        var query = Query(call.target)
        let place = try place(call, &query)
        let options = try WriteOptions(&query, call.request)
        try query.finish()
        try call.request.refuseCondition()
        return .answer(
            .work {
                .of { () throws(Problem) in
                    let retry = try Problem.of { () throws(FIBError) in
                        try plane.retryHardware(
                            place.namespace, place.table, place.prefix, metric: place.metric, tos: place.tos,
                            dryRun: options.isDryRun)
                    }
                    if options.isDryRun {
                        return .response(
                            .dryRun(.unchanged, asOf: retry.sequence) { body in
                                RouteEntry.append(retry.table, retry.route.key, retry.route.value.info, to: &body)
                            })
                    }
                    board.retry(retry.devices, retry.table, retry.route.key)
                    var body: [UInt8] = []
                    memory.appendRow(retry.table, retry.route, to: &body)
                    body.append(UInt8(ascii: "\n"))
                    let response = HTTPResponse.json(202, body, sequence: retry.sequence)
                        .with(version: retry.route.value.version)
                    return options.acknowledge(response, retry.sequence, plane)
                }
            })
    }
}
