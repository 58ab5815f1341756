import HTTPServer
import JSON

/// Rows that are made before the clock starts, whatever the count.
private let tableSize = 100_000
/// Rows of a walk through a whole table, of which there are as many as the count asks for.
private let walkSize = 10_000

extension HotPaths {
    static func readRows(_ count: Int) {
        let rows = Table(count: max(count, tableSize)).rows
        let fields = JSONFields("dst", "gateway", "dev", "protocol")
        var bytes = 0
        measure(count) {
            do {
                for row in rows[..<count] {
                    var reader = JSONReader(row.span.extracting(droppingLast: 1), lineFeedEnds: true)
                    try reader.read { reader in
                        try reader.readObject(fields) { reader, _ in try reader.readText { bytes += $0.count } }
                    }
                }
            } catch {
                preconditionFailure("\(error)")
            }
        }
        precondition(bytes > 20 * count)
    }

    static func importRows(isSorted: Bool) -> @Sendable (Int) -> Void {
        { count in
            let pieces = Table(count: max(count, tableSize), isSorted: isSorted).pieces(of: count)
            let service = Service()
            measure(count) { service.load(pieces, mode: "add") }
        }
    }

    static func replay(_ count: Int) {
        let service = Service()
        service.load(Table(count: walkSize).pieces())
        measure(count) {
            for _ in 0..<(count / walkSize) {
                let bytes = service.stream("until=sync").drain()
                precondition(bytes > 100 * walkSize, "a replay of \(bytes) bytes")
            }
        }
    }

    /// Each stream has a filter of its own, so that no two share the frames.
    static func encodeChanges(_ count: Int) {
        let service = Service(logBytes: 1 << 30)
        let streams = (0..<(count / walkSize)).map { service.stream("replay=none&table=main,\($0 + 1_000)") }
        for stream in streams { stream.drain() }
        service.load(Table(count: walkSize).pieces())
        measure(count) {
            for stream in streams {
                let bytes = stream.drain()
                precondition(bytes > 100 * walkSize, "changes of \(bytes) bytes")
            }
        }
    }

    static func deliver(_ count: Int) {
        let table = Table(count: tableSize)
        let service = Service()
        let streams = (0..<100).map { _ in service.stream("replay=none") }
        for stream in streams { stream.drain() }
        measure(count) {
            for event in 0..<(count / streams.count) {
                service.load([table.rows[event % tableSize]])
                service.service.streamsAwake()
                for stream in streams { precondition(stream.drain() > 100, "no frame") }
            }
        }
    }

    static func get(_ count: Int) {
        let table = Table(count: tableSize)
        let service = Service()
        service.load(table.pieces())
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
        service.load(Table(count: walkSize).pieces())
        measure(count) {
            for _ in 0..<(count / walkSize) {
                guard case .answer(let answer) = service.plan("GET", "/v1/routes"),
                    case .response(let response) = service.settle(answer), case .produced(let producer) = response.body
                else { preconditionFailure("a list is produced") }
                var buffer: [UInt8] = []
                while producer.produce(into: &buffer, limit: 128 << 10) { buffer.removeAll(keepingCapacity: true) }
            }
        }
    }
}
