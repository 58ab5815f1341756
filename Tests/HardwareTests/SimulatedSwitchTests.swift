import Addressing
import ChangeLog
import Platform
import Routing
import TestSupport
import Testing
import Threads

@testable import ControlPlane
@testable import Hardware

/// A simulated switch on the chain of a running control plane.
@Suite struct SimulatedSwitchTests {
    @Test("What was there is replayed and programmed, and what comes is told and programmed")
    func replay() throws {
        let lab = try SwitchLab(SwitchSettings(), isStarted: false)
        for index in 0..<1_000 { try lab.add("10.\(index >> 8).\(index & 255).0/24") }
        try lab.start()
        try lab.add("11.0.0.0/8")
        let states = try lab.settledStates()
        #expect(states.count == 1_001 && states.allSatisfy { $0.hasSuffix(" offload") })
        #expect(lab.asic.status.isUp && lab.asic.status.occupancy.ipv4 == 1_001 && lab.asic.status.queue == 0)
    }

    @Test("A route that moves up by the deletion of a better one is programmed, and told to be in hardware")
    func promotion() throws {
        let lab = try SwitchLab()
        try lab.add("10.0.0.0/8", metric: 2)
        try lab.add("10.0.0.0/8", metric: 1)
        #expect(try lab.settledStates() == ["10.0.0.0/8 1 offload", "10.0.0.0/8 2"])
        let head = lab.plane.log.head
        try lab.delete("10.0.0.0/8", metric: 1)
        #expect(try lab.settledStates() == ["10.0.0.0/8 2 offload"])
        let changes = try #require(lab.plane.log.read(after: head))
        let promoted = changes.compactMap { change in
            if case .hardware(let hardware) = change.object, hardware.key.metric == 2 { hardware.to } else { nil }
        }
        #expect(promoted.last == .offload)
    }

    @Test("What has no room fails, and is programmed by itself when there is")
    func capacity() throws {
        let lab = try SwitchLab { $0.capacity.ipv4 = 1 }
        try lab.add("10.0.0.0/8")
        try lab.add("11.0.0.0/8")
        try lab.settle()
        #expect(try lab.answer("11.0.0.0/8") == "failed: ipv4 table is full (1 of 1)")
        try lab.delete("10.0.0.0/8")
        #expect(try eventually { try lab.answer("11.0.0.0/8") == "offload" })
        #expect(lab.asic.status.counters.retries == 1)
    }

    @Test("Its own neighbours decide, once it is told of them")
    func neighbours() throws {
        let lab = try SwitchLab()
        try lab.write(.add, "10.0.0.0/8", "192.0.2.1")
        try lab.settle()
        let gateway = try IPAddress("192.0.2.1")
        let neighbour = Neighbour(device: "", address: gateway, state: .failed)
        lab.asic.deliver(
            .neighbour(namespace: "default", device: "", gateway, neighbour), lab.plane.log.head)
        #expect(try eventually { try lab.answer("10.0.0.0/8") == "trap: neighbour 192.0.2.1 is FAILED" })
    }

    @Test("A restart is a new generation, in which everything is programmed anew")
    func restart() throws {
        let lab = try SwitchLab()
        try lab.add("10.0.0.0/8")
        try lab.settle()
        let before = try #require(lab.asic.status.generation)
        let device = try lab.asic.restart()
        #expect(device.generation > before && lab.asic.status.generation == device.generation)
        #expect(try lab.settledStates() == ["10.0.0.0/8 offload"])
        #expect(lab.asic.status.occupancy.ipv4 == 1)
    }

    @Test(
        "Restarts under writes, with faults that make results stale, leave every first route with the answer for it",
        arguments: UInt64(1)...4)
    func restartsUnderWrites(seed: UInt64) throws {
        var settings = SwitchSettings()
        settings.seed = seed
        settings.faults.reorders = true
        settings.faults.duplicateEvery = 7
        settings.faults.staleEvery = 5
        let lab = try SwitchLab(settings)
        let writes = (0..<2_000).map { index in
            (index % 3 == 2, "10.\((index &* 7 + Int(seed)) % 97).0.0/16", "eth\(index % 5)")
        }
        let plane = lab.plane
        let isDone = Locked(false, rank: .leaf)
        let writer = Thread(name: "writer") {
            for (deletes, text, device) in writes {
                do {
                    let prefix = try Prefix(text)
                    if deletes {
                        _ = try? plane.delete("default", .main, RouteSelector(prefix: prefix))
                    } else {
                        var fields = RouteInfo.Fields()
                        fields.nextHops = [NextHop(device: device)]
                        let route = try Route.validated(prefix: prefix, tos: 0, metric: 5, fields: fields)
                        let table = try plane.table("default", .inet, .main)
                        _ = try plane.write(.replace, RouteWrite(table, route, EntryWriter()))
                    }
                } catch {
                    Issue.record("\(error)")
                }
            }
            isDone.withLock { $0 = true }
        }
        // Each may find too many changes and go on by itself.
        for _ in 0..<4 { _ = try lab.asic.restart() }
        writer.join()
        #expect(isDone.withLock { $0 })
        #expect(eventually { lab.asic.status.isUp })
        try lab.settle()
        #expect(eventually { lab.states().allSatisfy { $0.hasSuffix(" offload") } }, "\(lab.states())")
        #expect(lab.asic.status.occupancy.ipv4 == lab.states().count)
        #expect(lab.asic.status.counters.duplicated > 0)
    }

    @Test("A switch that was too slow begins anew by itself")
    func fellBehind() throws {
        var limits = ControlPlane.Limits(logBytes: 16 << 20)
        limits.chainBacklog = 64
        let isHeld = Monitor(false)
        let lab = try SwitchLab(SwitchSettings(), ControlPlane(limits: limits)) {
            // Whoever wants to know the time waits, and with it the queue.
            _ = isHeld.wait(seconds: 60) { $0 ? nil : true }
            return MonotonicClock.nanoseconds
        }
        let generation = lab.asic.status.generation
        isHeld.change { $0 = true }
        for index in 0..<200 { try lab.add("10.0.\(index).0/24") }
        isHeld.change { $0 = false }
        #expect(eventually { lab.asic.status.isUp && lab.asic.status.generation != generation })
        try lab.settle()
        #expect(eventually { lab.states().allSatisfy { $0.hasSuffix(" offload") } })
    }

    @Test("A reported entry that is not there any more is counted as stale")
    func stale() throws {
        let lab = try SwitchLab { $0.faults.staleEvery = 1 }
        try lab.add("10.0.0.0/8")
        try lab.write(.replace, "10.0.0.0/8", "eth2")
        #expect(eventually { lab.asic.status.counters.stale >= 2 })
        // If the route was replaced before it was reported, the report itself is one of these two.
        #expect(try eventually { try lab.answer("10.0.0.0/8") == "offload" })
    }

    @Test("A retry programs what was lost")
    func retry() throws {
        let lab = try SwitchLab { $0.faults.loseEvery = 1 }
        try lab.add("10.0.0.0/8")
        #expect(try lab.settledStates() == ["10.0.0.0/8 pending"])
        try lab.change { $0.faults.loseEvery = 0 }
        let retry = try lab.plane.retryHardware("default", .main, try Prefix("10.0.0.0/8"))
        #expect(retry.devices == ["asic0"])
        lab.asic.retry(retry.table, retry.route.key)
        #expect(eventually { lab.states() == ["10.0.0.0/8 offload"] })
    }

    @Test("R3-34: when it is removed, its states go with it, and no thread stays")
    func removal() throws {
        let lab = try SwitchLab()
        try lab.add("10.0.0.0/8")
        try lab.settle()
        #expect(lab.asic.remove() != nil)
        #expect(lab.states() == ["10.0.0.0/8"] && lab.plane.presentDevices.isEmpty)
        #expect(!lab.asic.status.isUp && lab.asic.remove() == nil)
        #expect(throws: FIBError.self) { try lab.asic.restart() }
        try lab.add("11.0.0.0/8")
        #expect(lab.states() == ["10.0.0.0/8", "11.0.0.0/8"])
    }

    @Test("It says how far it has come, in order, also of deletions")
    func processed() throws {
        let lab = try SwitchLab()
        let heard = Locked<[ChangeSequence]>([], rank: .leaf)
        lab.asic.whenProcessed { mark in heard.withLock { $0.append(mark) } }
        try lab.add("10.0.0.0/8")
        let deletion = try lab.delete("10.0.0.0/8")
        #expect(eventually { heard.withLock { $0.last == deletion } })
        let marks = heard.withLock { $0 }
        #expect(marks == marks.sorted() && lab.asic.processed == deletion)
    }

    @Test("Another profile begins anew, and shows its own states")
    func profile() throws {
        let lab = try SwitchLab()
        try lab.add("10.0.0.0/8")
        #expect(try lab.settledStates() == ["10.0.0.0/8 offload"])
        try lab.change { $0.profile = .netdevsim }
        #expect(try lab.settledStates() == ["10.0.0.0/8 trap"])
    }

    @Test("While the clock stands still, nothing is programmed")
    func clock() throws {
        let now = Locked<UInt64>(1, rank: .leaf)
        let plane = ControlPlane(limits: ControlPlane.Limits(logBytes: 1 << 20))
        var settings = SwitchSettings()
        settings.latency = try #require(.init(minimum: 500, maximum: 500))
        let asic = SimulatedSwitch("asic0", settings, plane) { now.withLock { $0 } }
        asic.start()
        defer { asic.stop() }
        #expect(eventually { asic.status.isUp && asic.status.queue == 0 })
        var fields = RouteInfo.Fields()
        fields.nextHops = [NextHop(device: "eth0")]
        let route = try Route.validated(prefix: try Prefix("10.0.0.0/8"), tos: 0, metric: 5, fields: fields)
        let result = try plane.write(.add, RouteWrite(try plane.table("default", .inet, .main), route, EntryWriter()))
        let sequence = try #require(result).sequence
        #expect(eventually { asic.status.queue == 1 })
        now.withLock { $0 = 500_000_000 }
        asic.wake()
        #expect(asic.processed < sequence)
        now.withLock { $0 = 500_000_001 }
        asic.wake()
        #expect(eventually { asic.processed >= sequence })
    }
}
