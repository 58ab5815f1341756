import API
import ControlPlane
import HTTPServer
import Routing

/// A service without sockets, and what it answers.
struct Service {
    private let service = FIBService(
        plane: ControlPlane(limits: ControlPlane.Limits(logBytes: 1 << 20)), configuration: FIBService.Configuration())

    struct Reply {
        let status: Int
        let headers: HTTPResponseHeaders
        let body: String

        func field(_ name: String) -> String? { headers.first(name) }
    }

    /// Bodies are JSON unless `fields` give another type.
    func call(_ method: String, _ target: String, _ body: String = "", _ fields: (String, String)...) -> Reply {
        let parts = target.split(separator: "?", maxSplits: 1, omittingEmptySubsequences: false).map(String.init)
        var headers = HTTPHeaders()
        if !fields.contains(where: { $0.0 == "Host" }) { headers.add("Host", "localhost") }
        if !body.isEmpty, !fields.contains(where: { $0.0 == "Content-Type" }) {
            headers.add("Content-Type", "application/json")
        }
        for (name, value) in fields { headers.add(name, value) }
        let request = HTTPRequest(
            method: HTTPMethod(rawValue: method), path: parts[0], query: parts.count > 1 ? parts[1] : nil,
            headers: headers, contentLength: UInt64(body.utf8.count))
        switch service.plan(for: request) {
        case .answer(let answer): return settle(answer)
        case .collect(_, let then): return settle(then(Array(body.utf8)))
        case .consume(let consumer):
            consumer.consume(Array(body.utf8))
            return settle(consumer.finish(.complete))
        }
    }

    private func settle(_ answer: HTTPAnswer) -> Reply {
        switch answer {
        case .response(let response):
            return Reply(status: response.status, headers: response.headers, body: text(response.body))
        case .work(let job): return settle(job())
        case .stream(let head, _): return Reply(status: 200, headers: head.headers, body: "")
        case .held(let held): return settle(held.answer)
        case .awaited: preconditionFailure("what others give takes a server to wait for it")
        }
    }

    private func text(_ body: HTTPResponse.Body) -> String {
        var bytes: [UInt8] = []
        switch body {
        case .bytes(let whole): bytes = whole
        case .produced(let producer): while producer.produce(into: &bytes, limit: bytes.count + 4_096) {}
        }
        return String(decoding: bytes, as: UTF8.self)
    }
}

extension ControlPlane {
    /// A transaction of routes only.
    @discardableResult
    func transact(_ operations: [RouteOperation]) throws(TransactionError) -> TransactionOutcome {
        try transact(operations.map { TransactionOperation.route($0) })
    }
}
