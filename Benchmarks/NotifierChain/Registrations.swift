import ChangeLog
import ControlPlane
import Glibc
import Routing
import Threads

/// A member that only counts what is replayed to it. It is not told of anything while it is looked at.
final class CountingMember: ChainMember {
    let name = "counter"
    private let routes = Locked(0, rank: .leaf)

    var replayed: Int { routes.withLock { $0 } }
    func replay(_ event: ChainEvent) {
        if case .route = event { routes.withLock { $0 += 1 } }
    }
    func dumpInconsistent() { routes.withLock { $0 = 0 } }
    func deliver(_ event: ChainEvent, _ sequence: ChangeSequence) {}
    func fellBehind() {}
}

/// How long members take to register, and how often they must try.
enum Registrations {
    static func measureDump() throws {
        let count = 1_000_000
        let routes = try Routes(Routes.plane())
        try routes.load(count)
        print("registration that dumps \(count) routes | ms | routes/s")
        let seconds = try (1...5).map { _ in
            let member = CountingMember()
            let time = try ContinuousClock().measure { try routes.plane.register(member, scope: .all) }
            precondition(member.replayed == count, "\(member.replayed) routes were replayed")
            routes.plane.unregister(member)
            return time.seconds
        }
        let all = seconds.map { "\(Int($0 * 1_000))" }.joined(separator: ", ")
        print("median of \(all) ms | \(Int(median(seconds) * 1_000)) | \(shown(Double(count) / median(seconds)))")
    }

    static func measureBesideChanges() throws {
        let rates = [10, 100, 1_000]
        print(
            "attempts that each of 10 registrations took, x: EBUSY | \(rates.map { "\($0)/s" }.joined(separator: " | "))"
        )
        for count in [1_000, 10_000, 100_000, 1_000_000] {
            let routes = try Routes(Routes.plane())
            try routes.load(count)
            let outcomes = try rates.enumerated().map { index, rate in
                let changes = try Changes(routes, rate: rate, among: count, round: index + 1)
                defer { changes.stop() }
                return try (1...10).map { _ in
                    // Not in step with the changes.
                    usleep(UInt32.random(in: 0..<50_000))
                    return try outcome(routes.plane)
                }.joined(separator: " ")
            }
            print("\(count) routes | \(outcomes.joined(separator: " | "))")
        }
    }

    private static func outcome(_ plane: ControlPlane) throws -> String {
        let member = CountingMember()
        do throws(FIBError) {
            let attempts = try plane.register(member, scope: .all)
            plane.unregister(member)
            return "\(attempts)"
        } catch {
            guard error.errno == .ebusy else { throw error }
            return "x"
        }
    }
}

/// A thread that replaces the first route of some prefix so many times a second.
final class Changes: Sendable {
    private let stops = Locked(false, rank: .leaf)
    private let thread: Thread

    /// - Parameter round: another one each time, so that every write is a change.
    init(_ routes: Routes, rate: Int, among count: Int, round: Int) throws {
        let (plane, stops) = (routes.plane, stops)
        thread = Thread(name: "changes") {
            do {
                let routes = try Routes(plane)
                let clock = ContinuousClock()
                let start = clock.now
                var made = 0
                while !stops.withLock({ $0 }) {
                    let due = start + .seconds(1) * made / rate
                    let wait = due - clock.now
                    // In small pieces, so that it stops when it is told to.
                    if wait > .zero {
                        usleep(UInt32(min(wait / .microseconds(1), 10_000)))
                        continue
                    }
                    made += 1
                    _ = try plane.write(.replace, routes.write(made % count, round: round))
                }
            } catch {
                preconditionFailure("a replacement is refused: \(error)")
            }
        }
    }

    func stop() {
        stops.withLock { $0 = true }
        thread.join()
    }
}
