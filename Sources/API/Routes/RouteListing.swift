internal import ControlPlane
internal import HTTPServer
internal import JSON
internal import Threads

/// A list of routes, written while the client takes it: memory stays constant however long it is.
final class RouteListing: BodyProducer {
    private struct State {
        var walk: RouteWalk
        let writer = EntryWriter()
        var hasBegun = false
    }

    private let isNDJSON: Bool
    // A leaf: the server makes one call at a time, so it is never contended.
    private let state: Locked<State>

    init(_ walk: RouteWalk, _ isNDJSON: Bool) {
        self.isNDJSON = isNDJSON
        state = Locked(State(walk: walk), rank: .leaf)
    }

    func response(_ base: HTTPResponse) -> HTTPResponse {
        var response = isNDJSON ? base.withType("application/x-ndjson") : base
        response.body = .produced(self)
        return response
    }

    func produce(into buffer: inout [UInt8], limit: Int) -> Bool {
        state.withLock { state in
            while buffer.count < limit {
                guard let row = state.walk.next() else {
                    if !isNDJSON { buffer.appendASCII(state.hasBegun ? "]\n" : "[]\n") }
                    return false
                }
                if !isNDJSON { buffer.append(UInt8(ascii: state.hasBegun ? "," : "[")) }
                state.hasBegun = true
                state.writer.appendRow(row.0, row.1, to: &buffer)
                if isNDJSON { buffer.append(UInt8(ascii: "\n")) }
            }
            return true
        }
    }

    func cancel() {}
}
