internal import COpenAPI
internal import ChangeLog
internal import ControlPlane
internal import HTTPServer
internal import JSON

/// What a client finds out about the server itself.
struct ServerHandlers: Sendable {
    let plane: ControlPlane
    let hub: EventHub
    let version: String
    let resources: [Endpoint]

    init(plane: ControlPlane, hub: EventHub, version: String, _ resources: [Endpoint]) {
        self.plane = plane
        self.hub = hub
        self.version = version
        self.resources = resources
    }

    var endpoints: [Endpoint] {
        [
            Endpoint("/", "What this is", [(.get, plain(Self.welcome))]),
            Endpoint("/v1", "The resources", [(.get, index)]),
            Endpoint("/livez", "Whether the process answers", [(.get, health { ("[+]process ok\n", nil) })]),
            Endpoint("/readyz", "Whether it can serve", [(.get, health(readiness))]),
            Endpoint("/openapi.yaml", "The description of this interface", [(.get, description)]),
        ] + MetricsHandlers(plane: plane, hub: hub).endpoints
    }

    private static let welcome = """
        fibd holds Linux forwarding state and lets you read, change and follow it.

          curl localhost:8080/v1                                   the resources
          curl --json '{"dst":"192.0.2.0/24","dev":"eth0"}' localhost:8080/v1/routes
          curl -N localhost:8080/v1/events                         everything, then every change
          curl localhost:8080/openapi.yaml                         the description of the interface

        """

    private func plain(_ text: String) -> Endpoint.Handler {
        { call throws(Problem) in
            try Query(call.target).finish()
            return .answer(.response(.text(200, text)))
        }
    }

    private func index(_ call: Call) throws(Problem) -> HTTPPlan {
        let query = Query(call.target)
        try query.finish()
        var bytes: [UInt8] = []
        bytes.appendASCII("{\"name\":\"fibd\",\"version\":")
        bytes.appendJSON(string: version)
        bytes.appendASCII(",\"epoch\":\"\(plane.epoch)\",\"resources\":[")
        for (index, endpoint) in (resources + endpoints).enumerated() {
            bytes.appendASCII(index > 0 ? ",{\"path\":" : "{\"path\":")
            bytes.appendJSON(string: endpoint.pattern)
            bytes.appendASCII(",\"methods\":[")
            bytes.appendASCII(endpoint.actions.map { "\"\($0.method.rawValue)\"" }.joined(separator: ","))
            bytes.appendASCII("],\"summary\":")
            bytes.appendJSON(string: endpoint.summary)
            bytes.append(UInt8(ascii: "}"))
        }
        bytes.appendASCII("]}\n")
        let head = plane.log.head
        return .answer(
            .response(.json(200, bytes, sequence: head).with(durable: plane.log.durable, below: head)))
    }

    /// As Kubernetes' components tell it: `ok`, after the checks if they are asked for. `?verbose` without a value is how
    /// that is usually done.
    private func health(_ check: @escaping @Sendable () -> (checks: String, failure: String?)) -> Endpoint.Handler {
        { call throws(Problem) in
            var query = Query(call.target)
            let isVerbose =
                try query.take("verbose", "0 or 1") { text in
                    ["": true, "1": true, "true": true, "0": false, "false": false][text]
                } ?? false
            try query.finish()
            let (checks, failure) = check()
            guard let failure else { return .answer(.response(.text(200, (isVerbose ? checks : "") + "ok\n"))) }
            return .answer(.response(.text(503, checks + failure + "\n").with("Retry-After", "1")))
        }
    }

    /// The server listens once the state is recovered, so only the store can be in the way.
    @Sendable private func readiness() -> (checks: String, failure: String?) {
        let durable = "durable up to \(plane.log.durable.rawValue) of \(plane.log.head.rawValue)"
        let failure = "readyz check failed"
        return switch plane.storeStatus {
        case nil: ("[+]listening ok\n[+]state ok (memory)\n", nil)
        case .writing: ("[+]listening ok\n[+]store ok (\(durable))\n", nil)
        case .blocked(let why): ("[+]listening ok\n[-]store takes nothing (\(durable)): \(why)\n", failure)
        case .failed(let why): ("[+]listening ok\n[-]store failed (\(durable)): \(why)\n", failure)
        case .closed: ("[+]listening ok\n[-]stopping (\(durable))\n", failure)
        }
    }

    /// `openapi.yaml`.
    private static let document = (0..<fibd_openapi_size()).map(fibd_openapi_byte)

    private func description(_ call: Call) throws(Problem) -> HTTPPlan {
        let query = Query(call.target)
        try query.finish()
        let response = HTTPResponse.text(200, "", type: "application/yaml")
        return .answer(
            .response(HTTPResponse(status: 200, headers: response.headers, body: .bytes(Self.document))))
    }
}
