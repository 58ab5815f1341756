import Routing
import Testing

@testable import TrafficControl

/// What a list of actions does to a packet.
@Suite struct ActionRunTests {
    private struct Step: RunnableAction {
        let verdict: Verdict
        var isPassedOver = false
        func run() -> Verdict { verdict }
    }

    private func outcome(_ verdicts: Verdict..., skipping: Int? = nil) -> (Verdict, met: [Int]) {
        var met: [Int] = []
        let steps = verdicts.enumerated().map { Step(verdict: $1, isPassedOver: $0 == skipping) }
        return (ActionRun.verdict(of: steps) { index, _ in met.append(index) }, met)
    }

    @Test("R4-54: pipe goes on, everything else ends; without actions a packet passes")
    func pipes() {
        #expect(outcome() == (.pass, []))
        #expect(outcome(.pipe, .pipe, .drop, .trap) == (.drop, [0, 1, 2]))
        #expect(outcome(.pipe, .pipe) == (.pipe, [0, 1]))
        for verdict in [Verdict.continue, .pass, .reclassify, .stolen, .queued, .redirect, .trap, .goto(chain: 7)] {
            #expect(outcome(verdict, .drop) == (verdict, [0]))
        }
    }

    @Test(
        "R4-54: jump n goes on with the action at place n, also backwards, 31 times at most; elsewhere the packet passes"
    )
    func jumps() {
        #expect(outcome(.jump(2), .drop, .trap) == (.trap, [0, 2]))
        #expect(outcome(.jump(0), .drop).0 == .pass)
        #expect(outcome(.jump(3), .drop, .drop).0 == .pass)
        #expect(outcome(.pipe, .pipe, .jump(1)).met.count == 1 + 2 * 32)
        #expect(outcome(.pipe, .pipe, .jump(1)).0 == .pass)
    }

    @Test("R4-54: repeat is taken 32 times, and then the packet passes")
    func repeats() {
        #expect(outcome(.repeat, .drop) == (.pass, [Int](repeating: 0, count: 32)))
    }

    @Test("R4-54: an action for hardware alone is passed over")
    func passesOver() {
        #expect(outcome(.drop, .trap, skipping: 0) == (.trap, [1]))
        #expect(outcome(.drop, skipping: 0) == (.pass, []))
    }

    @Test("R4-55: verdicts have the names that tc gives them")
    func names() {
        for (name, verdict) in [
            ("pass", Verdict.pass), ("ok", .pass), ("drop", .drop), ("shot", .drop), ("continue", .continue),
        ] {
            #expect(Verdict(name: name) == verdict)
        }
        #expect(Verdict(name: "goto") == nil && Verdict(name: "jump") == nil && Verdict(name: "nosuch") == nil)
        #expect(Verdict.goto(chain: 1).name == "goto" && Verdict.jump(1).name == "jump" && Verdict.drop.name == "drop")
    }

    @Test("R4-97: what a gact does at random can't be to go to a chain")
    func randomGoto() throws {
        #expect(throws: FIBError.self) { try Gact.Random(.netrand, .goto(chain: 1), value: 2) }
        #expect(throws: FIBError.self) { try Gact.Random(.netrand, .drop, value: 10_001) }
        #expect(try Gact.Random(.determ, .drop, value: 0).value == 1)
    }
}
