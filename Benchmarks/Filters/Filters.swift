import ChangeLog
import Dispatch
import TrafficControl

/// Filters a second, in process: `filters [FILTERS]`, 200,000 by default; `filters FILTERS WRITERS nothing` adds them once, for a profile.
///
/// Adds that many filters of flower, each with an action of its own, from one, two, four and eight threads, which share a priority or
/// have priorities, chains or blocks of their own; beside it the same behind one global lock, as it was before, and what the machine
/// makes of threads that share nothing. Of five rounds the best counts. Then classifies packets by the number of masks.
@main
struct Filters {
    static func main() throws {
        let count = CommandLine.arguments.dropFirst().first.flatMap { Int($0) } ?? 200_000
        let arguments = CommandLine.arguments
        if arguments.count == 4, let writers = Int(arguments[2]),
            let sharing = Sharing.allCases.first(where: { "\($0)" == arguments[3] })
        {
            return print("\(Int(try added(count, by: writers, sharing, false) / 1_000)) k/s")
        }
        print("\(count) filters, added by")
        for sharing in Sharing.allCases {
            for isSerial in [false, true] {
                let rates = try best { try added(count, by: $0, sharing, isSerial) }
                print("  1, 2, 4, 8 writers, \(sharing.rawValue)\(isSerial ? ", one lock" : ""): \(rates)")
            }
        }
        print("  1, 2, 4, 8 threads that share nothing: \(try best { computed(count, by: $0) })")
        for masks in [1, 4, 16, 64] { try classify(masks) }
    }

    /// The best of five rounds by 1, 2, 4 and 8 threads, which take turns, since other work on the machine comes and goes.
    private static func best(_ rate: (_ threads: Int) throws -> Double) rethrows -> String {
        let threads = [1, 2, 4, 8]
        var rates = [Double](repeating: 0, count: threads.count)
        for _ in 0..<5 {
            for (place, threads) in threads.enumerated() { rates[place] = max(rates[place], try rate(threads)) }
        }
        return rates.map { "\(Int($0 / 1_000)) k/s (\(($0 / rates[0] * 100).rounded() / 100) x)" }.joined(
            separator: ", ")
    }

    /// As much memory as a filter takes, written and hashed.
    private static func computed(_ count: Int, by threads: Int) -> Double {
        let start = DispatchTime.now().uptimeNanoseconds
        DispatchQueue.concurrentPerform(iterations: threads) { _ in
            var kept: [[UInt8]] = []
            for number in 0..<count / threads {
                for place in 0..<8 {
                    let bytes = [UInt8](repeating: UInt8(truncatingIfNeeded: number + place), count: 192)
                    let hash = EntryHash(of: bytes.span)
                    precondition(hash.high != hash.low)
                    kept.append(bytes)
                }
            }
        }
        return Double(count) / (Double(DispatchTime.now().uptimeNanoseconds - start) / 1e9)
    }

    /// What writers have in common.
    enum Sharing: String, CaseIterable {
        case priority = "one priority"
        case chain = "a priority each"
        case block = "a chain each"
        case nothing = "a block each"
    }

    private static func added(_ count: Int, by writers: Int, _ sharing: Sharing, _ isSerial: Bool) throws -> Double {
        let host = Host()
        let traffic = Traffic(host, gate: Gate(), global: Traffic.GlobalLock(), isSerial: isSerial)
        let blocks = (0..<writers).map {
            traffic.addBlock(BlockIdentity(namespace: "default", .shared(UInt32($0) + 1)))
        }
        // What a request says is read before any lock is taken; here, before time is.
        let writes = (0..<writers).map { writer in
            (0..<count / writers).map { number in write(number * writers + writer, writer, sharing) }
        }
        let start = DispatchTime.now().uptimeNanoseconds
        DispatchQueue.concurrentPerform(iterations: writers) { writer in
            let block = blocks[sharing == .nothing ? writer : 0]
            for write in writes[writer] {
                guard (try? traffic.write(write, in: block)) != nil else { preconditionFailure("a filter was refused") }
            }
        }
        return Double(count) / (Double(DispatchTime.now().uptimeNanoseconds - start) / 1e9)
    }

    private static func write(_ number: Int, _ writer: Int, _ sharing: Sharing) -> FilterWrite {
        var write = FilterWrite()
        (write.kind, write.protocol) = ("flower", .ip)
        write.chain = sharing == .block ? UInt32(writer) : 0
        write.priority = sharing == .chain ? UInt16(writer) + 1 : 1
        let address = "10.\(number >> 16 & 255).\(number >> 8 & 255).\(number & 255)"
        write.options = [
            "keys": .object([
                "ip_proto": .text("tcp"), "dst_ip": .text(address), "dst_port": .number(UInt64(number >> 24) + 80),
            ])
        ]
        write.actions = [ActionDraft(.gact(Gact(.drop)))]
        return write
    }

    /// A packet that no filter is for asks all masks.
    private static func classify(_ masks: Int) throws {
        let host = Host()
        let traffic = Traffic(host, gate: Gate(), global: Traffic.GlobalLock())
        let block = traffic.addBlock(BlockIdentity(namespace: "default", .shared(1)))
        for number in 0..<10_000 {
            var write = write(number, 0, .priority)
            let length = 32 - number % masks % 32
            var keys: FlowMembers = [
                "ip_proto": .text("tcp"), "dst_ip": .text("10.\(number >> 8 & 255).\(number & 255).1/\(length)"),
                "dst_port": .number(UInt64(number) + 1),
            ]
            if number % masks >= 32 { keys["ip_ttl"] = .number(7) }
            write.options = ["keys": .object(keys)]
            _ = try traffic.write(write, in: block)
        }
        var packet = FlowBits()
        (packet[.etherType], packet[.ipProtocol], packet[.dstPort]) = (0x800, 6, 65_000)
        let count = 200_000
        let start = DispatchTime.now().uptimeNanoseconds
        for _ in 0..<count { precondition(block.classify(Packet(.ip, packet), counts: false).verdict == nil) }
        let each = Double(DispatchTime.now().uptimeNanoseconds - start) / Double(count)
        print("a packet beside 10,000 filters of \(masks) masks, and for none of them: \(Int(each)) ns")
    }
}

/// Numbers changes in a log, and hashes as many bytes as an entry has.
private final class Host: TrafficHost {
    struct Record: LogRecord {
        let sequence: ChangeSequence
        let change: TrafficChange
        var retainedBytes: Int { 300 }
    }

    private let log = Log<Record>(byteLimit: 16 << 20)

    func hash(_ entry: TrafficEntry) -> EntryHash {
        var bytes = [UInt8](repeating: 0x20, count: 250)
        if case .filter(_, _, let handle) = entry { bytes[0] = UInt8(truncatingIfNeeded: handle) }
        return EntryHash(of: bytes.span)
    }

    func text(of options: any FilterOptions, _ flags: FilterFlags, classID: UInt32, kind: String) -> [UInt8] {
        [UInt8](repeating: 0x20, count: 90)
    }

    func commit(_ count: Int, because: ChangeSequence?, _ make: (Int, ChangeSequence) -> TrafficChange) {
        log.append(count: count) { Record(sequence: $1, change: make($0, $1)) }
    }

    func pause() {}
    var isNumbering: Bool { true }
    var now: UInt64 { 0 }
}
