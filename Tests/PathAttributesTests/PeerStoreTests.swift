import Addressing
import ChangeLog
import Testing
import Threads

@testable import PathAttributes

/// Peers that come, are held, and go.
@Suite struct PeerStoreTests {
    private let lab = PathLab()

    private func address(_ number: Int) -> IPAddress { IPAddress(inet: 10 << 24 | UInt32(number)) }

    private func tell(_ number: Int) { _ = lab.tell(1_400, to: "\(address(number))") }

    @Test(
        "F-66, R5-07: how long those stay that no one holds",
        arguments: [
            (0, 600_000), (32_832, 360_000), (65_663, 120_008), (65_664, 0), (100_000, 0),
        ] as [(Int, UInt64)])
    func allowedIdle(total: Int, expected: UInt64) {
        #expect(PeerLimits().allowedIdle(of: total) == expected)
    }

    @Test("R5-03, R5-04, R5-05: one that is held stays, and when it was let go of is when it was used")
    func holding() throws {
        let place = address(1)
        #expect(lab.peers.hold(place) == nil)
        tell(1)
        let peer = try #require(lab.peers.hold(place))
        #expect(lab.peers.hold(place) === peer && peer.references == 2)
        lab.host.wait(seconds: 700)
        lab.peers.letGo(peer)
        #expect(peer.references == 1 && peer.lastUsed == lab.host.now)
        #expect(!peer.claim())
        lab.peers.letGo(peer)
        // Once it is claimed, no one can hold it, and who asks gets another one.
        #expect(peer.claim() && !peer.hold() && peer.references == 0)
    }

    @Test(
        "R5-06, R5-07: whoever makes a peer removes those beside it that were idle for too long, 8 at most, and none that is held"
    )
    func collection() throws {
        for number in 0..<100 { tell(number) }
        let held = try #require(lab.peers.hold(address(3)))
        lab.host.wait(seconds: 599)
        tell(200)
        #expect(lab.peers.image.count == 101)
        lab.host.wait(seconds: 1)
        _ = lab.news()
        tell(201)
        // None comes after the new one, so it is 8 from the beginning on, one of which is held.
        #expect(lab.peers.image.count == 101 - 7 + 1)
        #expect(lab.news().count { $0.hasPrefix("-") && $0.hasSuffix("collected") } == 7)
        #expect(lab.peers.find(held.address) != nil && lab.peers.find(address(200)) != nil)
        lab.peers.letGo(held)
    }

    @Test("R5-07: from the threshold on a new peer takes the place of others, so that there are never many more")
    func threshold() {
        var limits = PeerLimits()
        limits.threshold = 50
        lab.peers.set(limits)
        for number in 0..<10_000 { tell(number * 7_919 % 10_007) }
        #expect(lab.peers.image.count <= 51)
    }

    @Test("R5-22, R5-55: what has come to its end is forgotten, with the peer if no one holds it")
    func expiry() throws {
        tell(1)
        tell(2)
        let held = try #require(lab.peers.hold(address(2)))
        #expect(lab.peers.expire() == lab.host.now + 600_000)
        lab.host.wait(seconds: 400)
        tell(1)
        _ = lab.news()
        let generation = lab.peers.generation
        lab.host.wait(seconds: 200)
        #expect(lab.peers.expire() == lab.host.now + 400_000)
        #expect(lab.news() == ["~10.0.0.2 0 expired"])
        lab.host.wait(seconds: 400)
        #expect(lab.peers.expire() == nil)
        #expect(lab.news() == ["-10.0.0.1 0 expired"])
        // Bumps are for news only (R5-12); a cached route knows by itself when something ends.
        #expect(lab.peers.generation == generation)
        lab.peers.letGo(held)
    }

    @Test("Forgetting a peer has cached routes look again; one that is held stays without what was known")
    func forgetting() throws {
        tell(1)
        tell(2)
        let held = try #require(lab.peers.hold(address(2)))
        let generation = lab.peers.generation
        #expect(lab.peers.forget(address(9)) == nil && lab.peers.generation == generation)
        #expect(lab.peers.forget(address(1)) != nil && lab.peers.find(address(1)) == nil)
        #expect(lab.peers.forget(address(2)) != nil && lab.peers.find(address(2))?.information == PathInformation())
        #expect(lab.peers.generation == generation + 2)
        lab.peers.letGo(held)
    }

    @Test("Of one source there are no more peers than it may have, and as many again when they go")
    func sources() {
        func tell(_ number: Int, from source: String) -> String {
            lab.tell(1_400, to: "\(address(number))", from: source, sourceLimit: 2)
        }
        #expect(tell(1, from: "192.0.2.1") == "1400 accepted R5-21")
        #expect(tell(2, from: "192.0.2.1") == "1400 accepted R5-21")
        #expect(tell(3, from: "192.0.2.1") == "none rejected per-source")
        #expect(tell(3, from: "192.0.2.2") == "1400 accepted R5-21")
        // News of one that is known make no more of them.
        #expect(lab.tell(1_300, to: "10.0.0.3", from: "192.0.2.1", sourceLimit: 2) == "1300 accepted R5-21")
        #expect(lab.peers.forget(address(1)) != nil)
        #expect(tell(4, from: "192.0.2.1") == "1400 accepted R5-21")
    }

    @Test("A storm of messages fills memory with nothing: neither peers nor what they were to expire by")
    func storm() {
        var limits = PeerLimits()
        limits.threshold = 100
        lab.peers.set(limits)
        for number in 0..<20_000 { tell(number) }
        #expect(lab.peers.image.count <= 101)
        #expect(lab.peers._queued <= 2 * 101 + 1_024)
    }

    @Test("A source counts for those that it was the first to say something of, whoever was there before")
    func countedSources() {
        // Nothing was known of these but their rates.
        for number in 1...3 { _ = lab.peers.allows(.error, to: address(number)) }
        func tell(_ number: Int) -> Bool {
            lab.tell(1_400, to: "\(address(number))", from: "192.0.2.1", sourceLimit: 2).contains("accepted")
        }
        #expect(tell(1) && tell(2) && !tell(3) && !tell(4))
        lab.peers.forget(address(1))
        #expect(tell(3) && !tell(4) && lab.peers._sources == 2)
        for number in 2...3 { lab.peers.forget(address(number)) }
        #expect(lab.peers._sources == 0)
    }

    @Test("R5-08: the limits are the kernel's, unless others are set")
    func defaults() {
        let limits = PeerLimits()
        #expect((limits.threshold, limits.minimumIdle, limits.maximumIdle) == (65_664, 120, 600))
    }

    @Test("A change of many is made in runs, and leaves those alone that were changed meanwhile")
    func revision() {
        for number in 0..<3_000 { tell(number) }
        let generation = lab.peers.generation
        var pauses = 0
        let count = lab.peers.revise(
            because: .mtuChanged(ChangeSequence(rawValue: 7)),
            within: { body in
                pauses += 1
                if pauses == 1 { _ = lab.tell(1_300, to: "\(address(2_999))") }
                return body()
            }
        ) { $0.information.following(link: 1_500, to: 1_200, now: lab.host.now) }
        #expect(count == 2_999 && pauses == 3)
        #expect(lab.peers.find(address(2_999))?.information.mtu?.value == 1_300)
        #expect(lab.peers.find(address(5))?.information.mtu?.value == 1_200)
        #expect(lab.peers.generation == generation + 4)
    }

    @Test(
        "Peers are made, held, let go of, expired and collected by many at once: counts are exact, and what was told is what there is"
    )
    func everythingAtOnce() {
        var limits = PeerLimits()
        limits.threshold = 64
        lab.peers.set(limits)
        let lab = lab
        let threads = (0..<4).map { place in
            Thread(name: "teller-\(place)") {
                for step in 0..<2_000 {
                    let target = IPAddress(inet: 10 << 24 | UInt32((step * 31 + place * 7) % 200))
                    switch step % 5 {
                    case 0, 1: _ = lab.tell(UInt32(1_000 + step % 400), to: "\(target)")
                    case 2: if let peer = lab.peers.hold(target) { lab.peers.letGo(peer) }
                    case 3: _ = lab.peers.expire()
                    default: _ = lab.peers.forget(target)
                    }
                    if step % 100 == 0 { lab.host.wait(seconds: 60) }
                }
            }
        }
        for thread in threads { thread.join() }
        var found: [IPAddress: ChangeSequence] = [:]
        for (change, _) in lab.host.all {
            #expect(change.old?.version == (change.new ?? change.old).flatMap { found[$0.address] })
            if let new = change.new {
                found[new.address] = new.version
            } else if let old = change.old {
                found[old.address] = nil
            }
        }
        var (cursor, there) = (lab.peers.image.cursor(), [IPAddress: ChangeSequence]())
        while let (_, stored) = cursor.next() {
            there[stored.address] = stored.version
            #expect(stored.peer.references == 0)
        }
        #expect(there == found)
    }
}
