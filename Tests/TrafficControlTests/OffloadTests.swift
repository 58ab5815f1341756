import ChangeLog
import Routing
import Testing

@testable import TrafficControl

@Suite("Filters in hardware")
struct OffloadTests {
    private let lab = TrafficLab()
    private let room = HardwareRoom()

    private func add(_ port: Int, _ flags: FilterFlags = [], _ actions: ActionContent...) -> String {
        lab.write(
            TrafficLab.flower(port) { write in
                (write.priority, write.flags) = (1, flags)
                write.actions = actions.map { ActionDraft($0) }
            })
    }

    /// Of each filter, how many devices have it.
    private var counts: [Int] {
        lab.block.contents.chains.flatMap { $0.protos.flatMap { $0.filters.map(\.hardwareCount) } }
    }

    @Test("R4-80…R4-82: each device is asked, refusals are no news, skip_hw asks no one")
    func everyDevice() throws {
        let other = HardwareRoom("asic1", limit: 1)
        lab.traffic.add(room)
        lab.traffic.add(other)
        try lab.bind()
        #expect(add(80) == "0/1/1" && add(81) == "0/1/2" && add(82, .skipHW) == "0/1/3")
        #expect(counts == [2, 1, 0])
        #expect(room.held.count == 2 && other.held.count == 1)
        #expect(add(83, [.skipHW, .skipSW]) == "EINVAL R4-80")
        #expect(lab.delete { ($0.priority, $0.handle) = (1, 1) } == "1")
        #expect(room.held.count == 1 && other.held.isEmpty)
        #expect(lab.delete { $0.chain = 0 } == "2")
        #expect(room.held.isEmpty)
        lab.check()
    }

    @Test("R4-83: skip_sw needs hardware behind every link, and room in all of it")
    func hardwareAlone() throws {
        #expect(add(80, .skipSW) == "EOPNOTSUPP R4-83")
        try lab.bind()
        #expect(add(80, .skipSW) == "EOPNOTSUPP R4-83", "there is no device")
        let small = HardwareRoom("asic1", limit: 1)
        lab.traffic.add(room)
        lab.traffic.add(small)
        #expect(add(80, .skipSW) == "0/1/1" && counts == [2])
        #expect(add(81, .skipSW) == "ENOSPC R4-83")
        #expect(room.held.count == 1, "what the first took it gave back")
        #expect(lab.block.told(0) != nil && counts == [2])
        try lab.bind("eth1", isOffloaded: false)
        #expect(add(82, .skipSW) == "EOPNOTSUPP R4-83")
        lab.traffic.setLink("eth1", isOffloaded: true)
        #expect(lab.delete { ($0.priority, $0.handle) = (1, 1) } == "1")
        #expect(add(82, .skipSW) == "0/1/1")
        lab.check()
    }

    @Test("R4-84: what no hardware does keeps a filter out of it, and fails one that is for hardware alone")
    func actions() throws {
        lab.traffic.add(room)
        try lab.bind()
        #expect(add(80, [], .gact(Gact(.pipe)), .gact(Gact(.drop))) == "0/1/1" && counts == [0])
        for verdict in [Verdict.continue, .reclassify, .pipe] {
            #expect(add(81, .skipSW, .gact(Gact(verdict))) == "EOPNOTSUPP R4-84")
        }
        #expect(add(81, .skipSW, .gact(Gact(.drop))) == "0/1/2" && counts == [0, 1])
        lab.check()
    }

    @Test("R4-86: who comes later is offered all that is there; what it must take and can't, it takes nothing of")
    func replay() throws {
        try lab.bind()
        let template = try lab.traffic.template("flower", ["keys": .object(["ip_proto": .text("tcp")])], .ip)
        _ = try lab.traffic.addChain(5, template: template, in: lab.block)
        #expect(add(80) == "0/1/1" && add(81) == "0/1/2" && add(82, .skipHW) == "0/1/3")
        lab.traffic.add(room)
        #expect(counts == [1, 1, 0] && room.told == ["+5"])
        #expect(add(83, .skipSW) == "0/1/4")
        let small = HardwareRoom("asic1", limit: 1)
        #expect(lab.traffic.add(small) == [.shared(22)])
        #expect(small.held.isEmpty && counts == [1, 1, 0, 1])
        // Without it, hardware isn't behind all of the block.
        #expect(add(84, .skipSW) == "EOPNOTSUPP R4-83")
        small.setLimit(9)
        try lab.traffic.update(lab.block)
        #expect(counts == [2, 2, 0, 2] && small.told == ["+5", "-5", "+5"])
        lab.traffic.remove(room)
        #expect(room.held.isEmpty && counts == [1, 1, 0, 1] && room.told == ["+5", "-5"])
        lab.block.unbind("eth0", .ingress)
        try lab.traffic.update(lab.block)
        #expect(small.held.isEmpty && counts == [0, 0, 0, 0])
        lab.check()
    }

    @Test("R4-85: a link without hardware doesn't join a block with filters in it")
    func binding() throws {
        lab.traffic.add(room)
        try lab.bind()
        lab.traffic.setLink("eth1", isOffloaded: false)
        try lab.traffic.checkBinding(of: "eth1", to: .shared(22))
        #expect(add(80) == "0/1/1")
        #expect(throws: FIBError.self) { try lab.traffic.checkBinding(of: "eth1", to: .shared(22)) }
        try lab.traffic.checkBinding(of: "eth2", to: .shared(22))
    }

    @Test("R4-87: an update that hardware refuses leaves the old filter, in hardware too")
    func update() throws {
        lab.traffic.add(room)
        try lab.bind()
        #expect(add(80, .skipSW) == "0/1/1")
        room.setLimit(1)
        let refused = TrafficLab.flower(81) {
            ($0.verb, $0.priority, $0.handle, $0.flags) = (.replace, 1, 1, .skipSW)
        }
        #expect(lab.write(refused) == "ENOSPC R4-83")
        #expect(room.held == ["0/1 0"] && counts == [1])
        room.setLimit(2)
        #expect(lab.write(refused) == "0/1/1")
        #expect(room.held == ["0/1 0"] && counts == [1])
        lab.check()
    }

    @Test("R4-88: what a filter is made with has its flags; what it shares must have them already")
    func actionFlags() throws {
        lab.traffic.add(room)
        try lab.bind()
        #expect(add(80, .skipHW, .gact(Gact(.drop))) == "0/1/1")
        #expect(lab.traffic.actions["gact"]?.action(1)?.stored.marks.flags == .skipHW)
        func sharing(_ flags: FilterFlags) -> String {
            lab.write(
                TrafficLab.flower(81) {
                    ($0.priority, $0.flags, $0.actions) = (1, flags, [ActionDraft("gact", index: 1)])
                })
        }
        #expect(sharing([]) == "EINVAL R4-88" && sharing(.skipSW) == "EINVAL R4-88")
        #expect(sharing(.skipHW) == "0/1/2")
        #expect(lab.traffic.actions["gact"]?.holders(1)?.bindings == 2)
        lab.check()
    }
}
