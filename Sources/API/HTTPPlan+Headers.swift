internal import HTTPServer

/// Adding header fields to whatever the answer will be.
extension HTTPPlan {
    func adding(_ fields: [(StaticString, HTTPFieldValue)]) -> HTTPPlan {
        switch self {
        case .answer(let answer): .answer(answer.adding(fields))
        case .collect(let limit, let then): .collect(limit: limit) { then($0).adding(fields) }
        case .consume(let consumer): .consume(Decorated(consumer, fields))
        }
    }

    private final class Decorated: BodyConsumer {
        private let consumer: any BodyConsumer
        private let fields: [(StaticString, HTTPFieldValue)]

        init(_ consumer: any BodyConsumer, _ fields: [(StaticString, HTTPFieldValue)]) {
            self.consumer = consumer
            self.fields = fields
        }

        func consume(_ piece: [UInt8]) { consumer.consume(piece) }
        func finish(_ end: BodyEnd) -> HTTPAnswer { consumer.finish(end).adding(fields) }
    }
}

extension HTTPAnswer {
    func adding(_ fields: [(StaticString, HTTPFieldValue)]) -> HTTPAnswer {
        switch self {
        case .response(var response):
            for (name, value) in fields { response.headers.add(name, value) }
            return .response(response)
        case .work(let job): return .work { job().adding(fields) }
        case .stream(var head, let source):
            for (name, value) in fields { head.headers.add(name, value) }
            return .stream(head, source)
        case .held(var held):
            let late = held.late
            held.answer = held.answer.adding(fields)
            held.late = {
                var response = late()
                for (name, value) in fields { response.headers.add(name, value) }
                return response
            }
            return .held(held)
        case .awaited(let answer, let then): return .awaited(answer) { then($0).adding(fields) }
        }
    }

    /// The answer of a handler that may refuse.
    static func of(_ body: () throws(Problem) -> HTTPAnswer) -> HTTPAnswer {
        do throws(Problem) {
            return try body()
        } catch {
            return .response(error.response)
        }
    }
}
