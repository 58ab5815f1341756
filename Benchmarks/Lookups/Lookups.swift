import Addressing
import ControlPlane
import Dispatch
import Routing
import Shared

/// Lookups in process, on a table of random prefixes: `lookups [ROUTES [LOOKUPS]]`, a million of each.
///
/// Prints how long a lookup takes, rules and all, and how long one of a batch whose answer is known, on one thread and on two at
/// once, of addresses in no order.
@main
struct Lookups {
    static func main() throws {
        let arguments = CommandLine.arguments.dropFirst().compactMap { Int($0) }
        let (routes, lookups) = (arguments.first ?? 1_000_000, arguments.dropFirst().first ?? 1_000_000)
        let plane = ControlPlane(limits: ControlPlane.Limits(logBytes: 16 << 20))
        let prefixes = try load(routes, plane)
        let begin = DispatchTime.now().uptimeNanoseconds
        let view = try plane.forwarding("default")
        let made = Double(DispatchTime.now().uptimeNanoseconds - begin) / 1e6
        // Within prefixes that there are, as packets mostly are.
        var random = SplitMix64(state: 7)
        let destinations = (0..<lookups).map { _ in
            let prefix = prefixes[Int(random.next() % UInt64(prefixes.count))]
            let host =
                UInt32(truncatingIfNeeded: random.next())
                & ~(prefix.length == 0 ? 0 : .max << (32 - UInt32(prefix.length)))
            return IPAddress(inet: UInt32(truncatingIfNeeded: prefix.address.high >> 32) | host)
        }
        print("\(routes) routes, of which an index was made in \(rounded(made)) ms; \(lookups) lookups")
        for _ in 0..<3 {
            for threads in [1, 2] {
                measure("lookups", destinations, threads) { Self.lookups(destinations, view) }
                measure("first finds", destinations, threads) { Self.finds(destinations, view) }
            }
        }
    }

    private static func measure(
        _ what: String, _ destinations: [IPAddress], _ threads: Int, _ found: @Sendable () -> Int
    ) {
        let start = DispatchTime.now().uptimeNanoseconds
        DispatchQueue.concurrentPerform(iterations: threads) { _ in
            precondition(found() == destinations.count, "an address without a route")
        }
        let seconds = Double(DispatchTime.now().uptimeNanoseconds - start) / 1e9
        let rate = Double(destinations.count * threads) / seconds / 1e6
        let each = rounded(seconds / Double(destinations.count) * 1e9)
        print("\(what), \(threads) threads: \(rounded(rate)) M/s, \(each) ns each")
    }

    private static func lookups(_ destinations: [IPAddress], _ view: Forwarding) -> Int {
        var found = 0
        for destination in destinations {
            var trace: LookupTrace?
            if case .route = view.lookup(LookupQuery(destination: destination), &trace) { found += 1 }
        }
        return found
    }

    /// What a lookup of a batch comes to, as long as its answer is one that the batch has written before.
    private static func finds(_ destinations: [IPAddress], _ view: Forwarding) -> Int {
        let tables = view.plainTables(.inet)
        var found = 0
        for (index, destination) in destinations.enumerated() {
            if index + 8 < destinations.count { tables.prefetch(destinations[index + 8]) }
            if tables.first(destination) != nil { found += 1 }
        }
        return found
    }

    /// Three in five are /24, as on the Internet, the others /16 to /23.
    private static func load(_ count: Int, _ plane: ControlPlane) throws -> [Prefix] {
        let table = try plane.table("default", .inet, .main)
        let writer = EntryWriter()
        let infos = (1...64).map { number in
            var fields = RouteInfo.Fields()
            fields.nextHops = [NextHop(gateway: IPAddress(inet: 0xc000_0200 + UInt32(number)))]
            return RouteInfo(fields)
        }
        var random = SplitMix64(state: 1)
        var prefixes: [Prefix] = []
        while prefixes.count < count {
            var rows: [RouteWrite] = []
            for _ in 0..<10_000 {
                let length = random.next() % 5 < 3 ? 24 : UInt8(16 + random.next() % 8)
                let address = IPAddress(inet: UInt32(truncatingIfNeeded: random.next() % 0xE000_0000))
                let prefix = try Prefix(masking: address, length: length)
                let info = infos[Int(random.next() % 64)]
                rows.append(
                    RouteWrite(table, try Route.validated(prefix: prefix, tos: 0, metric: nil, info: info), writer))
            }
            plane.write(.add, rows: rows) { index, result in
                if case .success = result { prefixes.append(rows[index].route.prefix) }
                return true
            }
        }
        return prefixes
    }

    private static func rounded(_ value: Double) -> Double { (value * 10).rounded() / 10 }
}
