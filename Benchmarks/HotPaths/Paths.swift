import HTTPServer

/// Rows in the table that requests and changes meet, whatever their number.
private let tableSize = 100_000

extension HotPaths {
    static func importRows(isSorted: Bool) -> @Sendable (Int) -> Void {
        { count in
            let pieces = Table(count: count, isSorted: isSorted).pieces
            let service = Service()
            measure(count) { service.load(pieces, mode: "add") }
        }
    }

    static func replay(_ count: Int) {
        let service = Service()
        service.load(Table(count: count).pieces)
        let stream = service.stream("until=sync")
        measure(count) {
            let bytes = stream.drain()
            precondition(bytes > 100 * count, "a replay of \(bytes) bytes")
        }
    }

    static func encodeChanges(_ count: Int) {
        let table = Table(count: count)
        let service = Service(logBytes: 4 << 30)
        let stream = service.stream("replay=none")
        stream.drain()
        service.load(table.pieces)
        measure(count) {
            let bytes = stream.drain()
            precondition(bytes > 100 * count, "changes of \(bytes) bytes")
        }
    }

    static func deliver(_ count: Int) {
        let table = Table(count: count / 100 + 1)
        let service = Service()
        let streams = (0..<100).map { _ in service.stream("replay=none") }
        for stream in streams { stream.drain() }
        measure(count) {
            for row in table.rows[..<(count / 100)] {
                service.load([row])
                service.service.streamsAwake()
                for stream in streams { precondition(stream.drain() > 100, "no frame") }
            }
        }
    }

    static func get(_ count: Int) {
        let table = Table(count: tableSize)
        let service = Service()
        service.load(table.pieces)
        measure(count) {
            for index in 0..<count {
                guard
                    case .answer(.response(let response)) = service.plan("GET", table.targets[index % tableSize]),
                    response.status == 200
                else { preconditionFailure("no such route") }
            }
        }
    }

    static func put(_ count: Int) {
        let table = Table(count: tableSize)
        let service = Service()
        let bodies = (0..<64).map { Array("{\"gateway\":\"192.0.2.\($0 + 1)\",\"dev\":\"eth0\"}".utf8) }
        let targets = table.targets.filter { !$0.contains("::") }
        measure(count) {
            for index in 0..<count {
                let body = bodies[(index / targets.count + index) % 64]
                let plan = service.plan(
                    "PUT", targets[index % targets.count], type: "application/json", size: body.count)
                guard case .collect(_, let then) = plan, case .response(let response) = then(body),
                    response.status < 300
                else { preconditionFailure("not stored") }
            }
        }
    }

    static func list(_ count: Int) {
        let service = Service()
        service.load(Table(count: count).pieces)
        guard case .answer(let answer) = service.plan("GET", "/v1/routes"),
            case .response(let response) = service.settle(answer), case .produced(let producer) = response.body
        else { preconditionFailure("a list is produced") }
        measure(count) {
            var buffer: [UInt8] = []
            while producer.produce(into: &buffer, limit: 128 << 10) { buffer.removeAll(keepingCapacity: true) }
        }
    }
}
