internal import Addressing
internal import ChangeLog
internal import ControlPlane
internal import HTTPServer
internal import JSON
internal import Routing

extension LookupHandlers {
    private static let fields = JSONFields("dsts")
    private static var most: Int { 10_000 }

    /// All from one state.
    func many(_ call: Call) throws(Problem) -> HTTPPlan {
        var query = Query(call.target)
        let options = try Options(&query)
        try query.finish()
        _ = try call.request.bodyKind()
        return .collect(limit: 1 << 20) { body in
            .work {
                .of { () throws(Problem) in
                    let destinations = try Self.destinations(body)
                    let view = try view(options)
                    var bytes = [UInt8(ascii: "[")]
                    var batch = LookupBatch(self, options, view)
                    try batch.append(destinations, to: &bytes)
                    bytes.appendASCII("]\n")
                    return .response(
                        .json(200, bytes, sequence: view.sequence)
                            .with("Fibd-Count", .number(UInt64(destinations.count)))
                            .with(durable: plane.log.durable, below: view.sequence))
                }
            }
        }
    }

    private static func destinations(_ body: [UInt8]) throws(Problem) -> [IPAddress] {
        var destinations: [IPAddress]?
        do {
            var reader = JSONReader(body.span)
            try reader.read { reader in
                try reader.readObject(fields) { reader, _ in
                    var list: [IPAddress] = []
                    try reader.readArray { reader, index in
                        guard index < most else {
                            throw FIBError(
                                .einval, .tooManyDestinations, "\(most) destinations in one request are the limit")
                        }
                        list.append(try reader.readAddress())
                    }
                    destinations = list
                }
            }
        } catch {
            throw Problem(input: error)
        }
        guard let destinations else { throw Problem.missing("dsts", "a list of addresses") }
        return destinations
    }
}
