import Addressing
import Testing

@testable import PathAttributes

/// What is believed of the size of packets.
@Suite struct MTUMessageTests {
    @Test(
        "F-60…F-64: what a message says, where that can be, and what is likely where it can't",
        arguments: [
            (1_400, 1_500, "1400 accepted R5-21"), (300, 1_500, "552 lock accepted R5-52"),
            (60, 1_500, "1492 accepted R5-20"), (1_600, 1_500, "1492 accepted R5-20"),
            (0, 1_500, "576 accepted R5-20"), (1_500, 1_500, "1492 accepted R5-20"), (67, 1_500, "1492 accepted R5-20"),
            (68, 1_500, "552 lock accepted R5-52"), (552, 1_500, "552 accepted R5-21"),
            (551, 1_500, "552 lock accepted R5-52"), (0, 600, "576 accepted R5-20"),
            (0, 596, "552 lock accepted R5-52"),
            (0, 60, "552 lock accepted R5-52"), (1_400, nil, "1400 accepted R5-21"),
            (0, nil, "576 accepted R5-20"),
        ] as [(UInt32, UInt32?, String)])
    func values(mtu: UInt32, length: UInt32?, expected: String) {
        #expect(PathLab().tell(mtu, of: length) == expected)
    }

    @Test("R5-20: the next lower plateau, of all that there are, and 68 below them")
    func plateaus() {
        let settings = {
            var settings = PathSettings(.inet)
            settings.leastMTU = 68
            return settings
        }()
        let route = RouteMTU(nil)
        for (length, expected) in [
            (65_535, 32_000), (32_001, 32_000), (32_000, 17_914), (17_914, 8_166), (8_166, 4_352), (4_352, 2_002),
            (2_002, 1_492), (1_492, 576), (576, 296), (296, 216), (216, 128), (128, 68), (100, 68),
        ] as [(UInt32, UInt32)] {
            let found = PathLab().tell(UInt32.max, of: length, route: route, settings: settings)
            #expect(found == "\(expected) accepted R5-20", "\(length)")
        }
        // With a header of 60 bytes, that is taken off if a router says nothing.
        let found = PathLab().tell(0, of: 636, route: route, settings: settings) { $0.headerLength = 60 }
        #expect(found == "296 accepted R5-20")
    }

    @Test("F-65, R5-21: a greater value changes nothing while a lower one counts, and is looked at all the same")
    func lowerOnly() {
        let lab = PathLab()
        #expect(lab.tell(1_400) == "1400 accepted R5-21")
        #expect(lab.peers.generation == 1)
        #expect(lab.tell(1_450) == "1400 ignored R5-21")
        #expect(lab.peers.generation == 2)
        #expect(lab.tell(1_300) == "1300 accepted R5-21")
        lab.host.wait(seconds: 600)
        #expect(lab.tell(1_450) == "1450 accepted R5-21")
        #expect(lab.news() == ["+203.0.113.9 1400", "~203.0.113.9 1300", "~203.0.113.9 1450"])
    }

    @Test("R5-52: the same value is renewed in the second half of its time; a locked one stays until its end")
    func renewal() {
        let lab = PathLab()
        func expires() -> UInt64? { lab.peers.find(PathLab.address("203.0.113.9"))?.information.mtu?.expires }
        let start = lab.host.now
        #expect(lab.tell(1_400) == "1400 accepted R5-21" && expires() == start + 600_000)
        lab.host.wait(seconds: 299)
        #expect(lab.tell(1_400) == "1400 ignored R5-52" && expires() == start + 600_000)
        lab.host.wait(seconds: 1)
        #expect(lab.tell(1_400) == "1400 accepted R5-21" && expires() == start + 900_000)
        #expect(lab.tell(100) == "552 lock accepted R5-52")
        lab.host.wait(seconds: 1)
        var settings = PathSettings(.inet)
        settings.leastMTU = 300
        for mtu: UInt32 in [100, 400, 1_300] {
            #expect(lab.tell(mtu, settings: settings) == "552 lock ignored R5-52" && expires() == start + 900_000)
        }
        lab.host.wait(seconds: 600)
        #expect(lab.tell(400, settings: settings) == "400 accepted R5-21")
    }

    @Test(
        "R5-20, R5-21: of a packet of unknown length, what a packet can't have isn't believed, and 0 is less than what is known"
    )
    func unknownLength() {
        let lab = PathLab()
        #expect(lab.tell(.max, of: nil) == "none ignored R5-21")
        #expect(lab.tell(0, of: nil) == "576 accepted R5-20")
        #expect(lab.tell(0, of: nil) == "552 lock accepted R5-52")
        #expect(lab.tell(1_400, of: nil, to: "203.0.113.7") == "1400 accepted R5-21")
    }

    @Test("R5-52: what is more than what is known is ignored, also where less than the floor is known")
    func higherThanLow() {
        let lab = PathLab()
        #expect(lab.tell(1_300) == "1300 accepted R5-21")
        var settings = PathSettings(.inet)
        settings.leastMTU = 1_400
        #expect(lab.tell(1_350, settings: settings) == "1300 ignored R5-21")
        #expect(lab.tell(1_200, settings: settings) == "1300 lock accepted R5-52")
    }

    @Test(
        "R5-52: what the route says counts: a locked mtu is not changed, nor a lower one, and the floor is not above it"
    )
    func routes() {
        #expect(PathLab().tell(1_400, route: RouteMTU(1_500, isLocked: true)) == "none ignored R5-52")
        #expect(PathLab().tell(1_400, route: RouteMTU(1_300)) == "none ignored R5-52")
        #expect(PathLab().tell(1_400, route: RouteMTU(1_400)) == "1400 accepted R5-21")
        #expect(PathLab().tell(100, route: RouteMTU(500)) == "500 lock accepted R5-52")
        #expect(PathLab().tell(1_400, route: RouteMTU(nil)) == "1400 accepted R5-21")
    }

    @Test("R5-58: ip_no_pmtu_disc")
    func discovery() {
        func told(_ discovery: PathSettings.Discovery, isVerifiable: Bool = false) -> (String, UInt64) {
            var settings = PathSettings(.inet)
            settings.discovery = discovery
            let lab = PathLab()
            return (lab.tell(1_400, settings: settings) { $0.isVerifiable = isVerifiable }, lab.peers.generation)
        }
        #expect(told(.believed) == ("1400 accepted R5-21", 1))
        #expect(told(.least) == ("552 lock accepted R5-58", 1))
        #expect(told(.ignored) == ("none ignored R5-58", 0))
        #expect(told(.verified) == ("none ignored R5-58", 0))
        #expect(told(.verified, isVerifiable: true) == ("1400 accepted R5-21", 1))
    }

    @Test(
        "R5-59: IPv6 believes 1280 and more, and what is less than is known; locks don't count, nothing else is looked at again"
    )
    func inet6() {
        let lab = PathLab(.inet6)
        func tell(_ mtu: UInt32, route: RouteMTU = RouteMTU(1_500)) -> String {
            lab.tell(mtu, to: "2001:db8::9", route: route)
        }
        #expect(tell(1_279) == "none ignored R5-59" && tell(0) == "none ignored R5-59")
        #expect(tell(1_500) == "none ignored R5-59" && lab.peers.generation == 0)
        #expect(tell(1_400, route: RouteMTU(1_500, isLocked: true)) == "1400 accepted R5-59")
        #expect(tell(1_400) == "1400 ignored R5-59" && tell(1_450) == "1400 ignored R5-59")
        #expect(lab.peers.generation == 1)
        #expect(tell(1_280) == "1280 accepted R5-59" && lab.peers.generation == 2)
        lab.host.wait(seconds: 600)
        #expect(tell(1_450) == "1450 accepted R5-59")
    }

    @Test(
        "R5-57: what is known follows a link whose MTU changes",
        arguments: [
            (1_400, false, 1_500, 1_300, "1300"), (1_400, false, 1_500, 1_400, "none"),
            (1_400, false, 1_500, 1_600, "none"), (1_500, false, 1_500, 1_600, "1600"),
            (552, true, 1_500, 1_400, "none"), (552, true, 1_500, 552, "552"), (552, true, 1_500, 500, "500"),
        ] as [(UInt32, Bool, UInt32, UInt32, String)])
    func links(known: UInt32, isLocked: Bool, old: UInt32, new: UInt32, expected: String) {
        let information = PathInformation(mtu: .init(known, isLocked: isLocked, expires: 1_000))
        let after = information.following(link: old, to: new, now: 500)
        #expect(after?.mtu.map { "\($0.value)" } ?? "none" == expected)
        #expect(after.map { !($0.mtu?.isLocked ?? true) } ?? true)
        #expect(information.following(link: old, to: new, now: 1_000) == nil)
    }
}
