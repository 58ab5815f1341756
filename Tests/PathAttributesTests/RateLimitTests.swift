import Testing

@testable import PathAttributes

/// How often a peer is sent messages.
@Suite struct RateLimitTests {
    private let lab = PathLab()

    private func allows(_ message: RateLimits.Message) -> Bool {
        lab.peers.allows(message, to: PathLab.address("192.0.2.1")).isAllowed
    }

    @Test("R5-40: errors, five at once and then one a second; other messages six at once")
    func errors() {
        #expect((0..<7).map { _ in allows(.error) } == [true, true, true, true, true, false, false])
        lab.host.wait(milliseconds: 999)
        #expect(!allows(.error))
        lab.host.wait(milliseconds: 1)
        #expect(allows(.error) && !allows(.error))
        lab.host.wait(seconds: 100)
        #expect((0..<8).filter { _ in allows(.icmp) }.count == 6)
        #expect(lab.news() == ["+192.0.2.1 0"])
    }

    @Test(
        "R5-41: redirects at once, then after 20 ms times two to the number of those before, nine of them, and anew after silence"
    )
    func redirects() {
        #expect(allows(.redirect) && !allows(.redirect))
        for sent in UInt64(1)...8 {
            lab.host.wait(milliseconds: 20 << sent)
            #expect(!allows(.redirect), "\(sent)")
            lab.host.wait(milliseconds: 1)
            #expect(allows(.redirect), "\(sent)")
        }
        // Who goes on sending isn't told, however long that goes on.
        for _ in 0..<10 {
            lab.host.wait(seconds: 20)
            #expect(!allows(.redirect))
        }
        lab.host.wait(milliseconds: 20_480)
        #expect(!allows(.redirect))
        lab.host.wait(milliseconds: 20_481)
        #expect(allows(.redirect))
    }
}
