internal import HTTPServer

/// A request on its way to its handler: its header, and the parts of its path that name an object.
struct Call: Sendable {
    let request: HTTPRequest
    let target: HTTPTarget
    /// The variable segments of the path, in order.
    let names: PathNames
}

/// Those segments of a path that stand where its form has variables.
struct PathNames: Sendable {
    let segments: [String]
    /// Which of the segments.
    let positions: [Int]

    var isEmpty: Bool { positions.isEmpty }
    subscript(_ index: Int) -> String { segments[positions[index]] }
}

/// One resource: the form of its path, and what each method does. The router and `GET /v1` read the same list.
struct Endpoint: Sendable {
    typealias Handler = @Sendable (Call) throws(Problem) -> HTTPPlan

    /// What a method does. Not a tuple, from which a closure comes only wrapped in another.
    struct Action: Sendable {
        let method: HTTPMethod
        let handler: Handler
    }

    /// Segments; one in braces stands for any text.
    let path: [String]
    /// Where the braces are.
    let variables: [Int]
    let summary: String
    let actions: [Action]

    init(_ path: String, _ summary: String, _ handlers: [(HTTPMethod, Handler)]) {
        let segments = path.dropFirst().split(separator: "/", omittingEmptySubsequences: false).map(String.init)
        self.path = segments
        variables = segments.indices.filter { segments[$0].hasPrefix("{") }
        self.summary = summary
        actions = handlers.map { Action(method: $0.0, handler: $0.1) }
    }

    /// Whether a path of these segments is of this form.
    func matches(_ segments: [String]) -> Bool {
        guard segments.count == path.count else { return false }
        for index in path.indices where path[index] != segments[index] && !variables.contains(index) { return false }
        return true
    }

    /// The action of `method`; GET's for HEAD, since the server leaves the body out.
    func action(for method: HTTPMethod) -> Action? {
        let method = method == .head ? .get : method
        return actions.first { $0.method == method }
    }

    /// The value of `Allow`.
    var allow: String {
        var methods = actions.map(\.method.rawValue)
        if methods.contains("GET") { methods.append("HEAD") }
        return (methods + ["OPTIONS"]).joined(separator: ", ")
    }

    var pattern: String { "/" + path.joined(separator: "/") }
}
