import Addressing
import ChangeLog
import Synchronization
import Threads

@testable import PathAttributes

/// Numbers changes and keeps them, with a clock that stands until it is moved.
final class PathHost: PeerHost {
    private let changes = Locked<[(PeerChange, PeerReason?)]>([], rank: .leaf)
    private let time = Atomic<UInt64>(1_000_000)

    func hash(_ address: IPAddress, _ information: PathInformation) -> EntryHash {
        let bytes = Array("\(address) \(information)".utf8)
        return EntryHash(of: bytes.span)
    }

    func commit(_ count: Int, because reason: PeerReason?, _ make: (Int, ChangeSequence) -> PeerChange) {
        changes.withLock { changes in
            for index in 0..<count {
                changes.append((make(index, ChangeSequence(rawValue: UInt64(changes.count) + 1)), reason))
            }
        }
    }

    /// In milliseconds.
    var now: UInt64 { time.load(ordering: .relaxed) }

    func wait(seconds: UInt64) { time.wrappingAdd(seconds * 1_000, ordering: .relaxed) }
    func wait(milliseconds: UInt64) { time.wrappingAdd(milliseconds, ordering: .relaxed) }

    var all: [(change: PeerChange, reason: PeerReason?)] { changes.withLock { $0 } }
}

/// The peers of one family, and what is told of them.
final class PathLab: Sendable {
    let host = PathHost()
    let peers: PeerStore
    /// How many changes were told the last time.
    private let told = Locked(0, rank: .leaf)

    init(_ family: AddressFamily = .inet) { peers = PeerStore(family, host) }

    static func address(_ text: String) -> IPAddress {
        guard let address = try? IPAddress(text) else { preconditionFailure("no address: \(text)") }
        return address
    }

    /// A message that a packet was too large, and what it came to: the path MTU, whether it is locked, what was decided, by which rule.
    func tell(
        _ mtu: UInt32, of length: UInt32? = 1_500, to destination: String = "203.0.113.9", from source: String? = nil,
        route: RouteMTU = RouteMTU(1_500), settings: PathSettings? = nil, sourceLimit: UInt32? = nil,
        _ fill: (inout MTUMessage) -> Void = { _ in }
    ) -> String {
        var message = MTUMessage(Self.address(destination), mtu: mtu)
        message.packetLength = length
        fill(&message)
        let (final, settings) = (message, settings ?? PathSettings(peers.family))
        let outcome = peers.learn(
            of: final.destination, from: source.map(Self.address), sourceLimit: sourceLimit
        ) { known in final.decide(known, route, settings, least: settings.leastMTU, now: host.now) }
        let known = outcome.peer?.information.mtu
        return "\(known.map { "\($0.value)\($0.isLocked ? " lock" : "")" } ?? "none") "
            + "\(outcome.decision.outcome.rawValue) \(outcome.decision.rule)"
    }

    /// What was told since the last time.
    func news() -> [String] {
        let all = host.all
        let start = told.withLock { told in
            defer { told = all.count }
            return told
        }
        return all[start...].map { change, reason in
            let sign = change.old == nil ? "+" : change.new == nil ? "-" : "~"
            let peer = change.new ?? change.old
            let why = reason.map { " \($0)" } ?? ""
            return sign + "\(peer.map { "\($0.address)" } ?? "") \(change.new?.information.mtu?.value ?? 0)" + why
        }
    }
}

extension PeerStore {
    /// As it is, whatever is known.
    @discardableResult
    func forget(_ address: IPAddress) -> ChangeSequence? { forget(address) { _ in } }
}
