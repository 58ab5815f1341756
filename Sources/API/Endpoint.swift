internal import HTTPServer

/// A request on its way to its handler: its header, and the parts of its path that name an object.
struct Call: Sendable {
    let request: HTTPRequest
    let target: HTTPTarget
    /// The variable segments of the path, in order.
    let names: [String]
}

/// One resource: the form of its path, and what each method does. The router and `GET /v1` read the same list.
struct Endpoint: Sendable {
    typealias Handler = @Sendable (Call) throws(Problem) -> HTTPPlan

    /// Segments; one in braces stands for any text.
    let path: [String]
    let summary: String
    let handlers: [(method: HTTPMethod, handler: Handler)]

    init(_ path: String, _ summary: String, _ handlers: [(HTTPMethod, Handler)]) {
        self.path = path.dropFirst().split(separator: "/", omittingEmptySubsequences: false).map(String.init)
        self.summary = summary
        self.handlers = handlers
    }

    /// The variable segments, if the path is of this form.
    func match(_ segments: [String]) -> [String]? {
        guard segments.count == path.count else { return nil }
        var names: [String] = []
        for (pattern, segment) in zip(path, segments) {
            if pattern.hasPrefix("{") {
                names.append(segment)
            } else if pattern != segment {
                return nil
            }
        }
        return names
    }

    /// A handler for `method`; GET's for HEAD, since the server leaves the body out.
    func handler(for method: HTTPMethod) -> Handler? {
        let method = method == .head ? .get : method
        return handlers.first { $0.method == method }?.handler
    }

    /// The value of `Allow`.
    var allow: String {
        var methods = handlers.map(\.method.rawValue)
        if methods.contains("GET") { methods.append("HEAD") }
        return (methods + ["OPTIONS"]).joined(separator: ", ")
    }

    var pattern: String { "/" + path.joined(separator: "/") }
}
