import ControlPlane
import ServiceSupport
import Storage
import TestSupport

/// Requests of any kind, one after the other, to a server that has a store: none fails for what the server does wrong, none
/// that is refused changes anything, and a restart finds what there was.
enum Requests {
    static func run(_ input: [UInt8]) {
        let store = MemoryStore()
        let plane = Server.plane(store)
        let service = LocalService(plane)
        for request in Script(input).requests { send(request, service) }
        let before = Server.state(plane)
        plane.close()
        let second = Server.plane(store.reopened())
        expect(Server.state(second) == before, "a restart finds \(Server.state(second)), not \(before)")
        second.close()
    }

    private static func send(_ request: Script.Request, _ service: LocalService) {
        let before = Server.state(service.plane)
        guard let reply = service.reply(request.method, request.target, [request.body], request.fields) else { return }
        expect(reply.status < 500 || reply.status == 503, "\(request) is answered \(reply)")
        // Rows of an import stand for themselves.
        guard reply.status >= 400, !request.isNDJSON else { return }
        expect(Server.state(service.plane) == before, "\(request) has changed something, and is answered \(reply)")
    }
}

/// The server that requests are for.
enum Server {
    static func plane(_ store: any Store) -> ControlPlane {
        // A clock that stands, so that an input does the same each time.
        do {
            return try ControlPlane(
                limits: ControlPlane.Limits(logBytes: 1 << 20), store: store, clock: { 1_800_000_000_000 })
        } catch {
            fatalError("what was stored can't be read: \(error.message)")
        }
    }

    /// What there is, as sums by kind.
    static func state(_ plane: ControlPlane) -> KindSummaries { EventFilter().summaries(of: plane.snapshot()) }
}
