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

    /// - Parameter context: of the snapshot that is walked.
    init(_ walk: RouteWalk, _ context: RowContext, _ isNDJSON: Bool) {
        self.isNDJSON = isNDJSON
        let first = State(walk: walk)
        first.writer.use(context)
        state = Locked(first, rank: .leaf)
    }

    func response(_ base: HTTPResponse) -> HTTPResponse {
        var response = isNDJSON ? base.withType("application/x-ndjson") : base
        response.body = .produced(self)
        return response
    }

    func produce(into buffer: inout [UInt8], limit: Int) -> Bool {
        state.withLock { state in
            while buffer.count < limit {
                let start = buffer.count
                guard appendRows(of: &state, to: &buffer) else {
                    if !isNDJSON { buffer.appendASCII(state.hasBegun ? "]\n" : "[]\n") }
                    return false
                }
                // There is a comma before every row.
                if !isNDJSON, !state.hasBegun { buffer[start] = UInt8(ascii: "[") }
                state.hasBegun = true
            }
            return true
        }
    }

    /// Some rows, which all have a comma before them or a line feed behind; false if there are none left.
    private func appendRows(of state: inout State, to buffer: inout [UInt8]) -> Bool {
        let form = ListedForm(isNDJSON ? .lineFeedBehind : .commaBefore)
        if state.walk.takesRuns {
            guard let (table, run) = state.walk.nextRun() else { return false }
            state.writer.append(table, run, as: form, to: &buffer)
        } else {
            guard let (table, (key, route)) = state.walk.next() else { return false }
            state.writer.append(table, key, route, as: form, to: &buffer)
        }
        return true
    }

    func cancel() {}
}
