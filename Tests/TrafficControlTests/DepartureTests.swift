import ChangeLog
import Glibc
import Testing
import Threads

@testable import TrafficControl

/// What is in the way of requests while it goes, step by step.
@Suite struct DepartureTests {
    private let lab = TrafficLab()

    private func write(_ port: Int, _ priority: UInt16 = 1) -> String {
        lab.write(TrafficLab.flower(port) { ($0.chain, $0.priority) = (3, priority) })
    }

    private func isLeaving(_ body: () throws(Refusal) -> Void) -> Bool {
        do throws(Refusal) {
            try body()
            return false
        } catch {
            if case .leaving = error { return true }
            return false
        }
    }

    private func place(of chain: Chain) throws(Refusal) -> Proto? {
        guard case .found(let proto) = try chain.find(1, nil) else { return nil }
        return proto
    }

    @Test(
        "R4-93, R4-98: a link that goes while a request waits for its turn isn't named by what that makes",
        .timeLimit(.minutes(1)))
    func linkGoes() {
        let mirred = TrafficLab.flower(80) {
            $0.actions = [ActionDraft(.mirred(Mirred(.mirror, .egress, to: "eth1")))]
        }
        let input = TrafficLab.flower(81) { $0.options = ["indev": .text("eth1")] }
        lab.traffic.setLink("eth1", isOffloaded: true)
        let (lab, begun, outcomes) = (lab, Signal(), Locked<[String]>([], rank: .leaf))
        let writer = lab.gate.withExclusive {
            let writer = Thread(name: "writer") {
                begun.raise()
                for write in [mirred, input] {
                    let outcome = lab.write(write)
                    outcomes.withLock { $0.append(outcome) }
                }
            }
            begun.wait()
            // It comes as far as it can.
            for _ in 0..<10_000 { sched_yield() }
            lab.traffic.setLink("eth1", isOffloaded: nil)
            return writer
        }
        writer.join()
        #expect(outcomes.withLock { $0 } == ["ENODEV R4-98", "ENODEV R4-93"])
        lab.check()
    }

    @Test("R4-65, R4-70: as long as someone has a proto in hand that was taken out, none of its like comes in")
    func takenOut() throws {
        #expect(write(80) == "3/1/1")
        let chain = try #require(lab.block.hold(3))
        let proto = try #require(try place(of: chain))
        #expect(lab.delete { ($0.chain, $0.priority, $0.handle) = (3, 1, 1) } == "1")
        #expect(try place(of: chain) == nil)
        let identity = ProtoIdentity(chain.identity, 1, .ip, "flower")
        let next = Proto(identity, chain, Flower.self)
        #expect(isLeaving { () throws(Refusal) in _ = try chain.insert(next) })
        // Filters of another protocol would have the same places.
        let other = Proto(ProtoIdentity(chain.identity, 1, .ipv6, "flower"), chain, Flower.self)
        #expect(isLeaving { () throws(Refusal) in _ = try chain.insert(other) })
        other.letGo()
        proto.letGo()
        #expect(!isLeaving { () throws(Refusal) in try chain.insert(next).letGo() })
        chain.removeIfEmpty(next)
        next.letGo()
        lab.block.letGo(chain, as: .request)
        lab.check()
        #expect(lab.block.contents.chains.isEmpty)
    }

    @Test(
        "R4-35, R4-73: a flush comes to its end also if someone who had the proto in hand removes a filter of it meanwhile"
    )
    func flushedAndRemoved() throws {
        let room = HardwareRoom()
        _ = lab.traffic.add(room)
        try lab.bind()
        for port in 80...82 { #expect(write(port) == "3/1/\(port - 79)") }
        let chain = try #require(lab.block.hold(3))
        let proto = try #require(try place(of: chain))
        let second = try #require(proto.classifier.filter(2))
        // When the flush has taken the first filter out of hardware.
        room.onRemoval { [lab] in _ = try? lab.traffic.remove(second, proto) }
        #expect(lab.delete { $0.chain = 3 } == "2")
        #expect(room.held.isEmpty && proto.classifier.image.isEmpty)
        proto.letGo()
        lab.block.letGo(chain, as: .request)
        #expect(write(80) == "3/1/1")
        #expect(lab.delete { $0.chain = 3 } == "1")
        lab.check()
    }

    @Test("R4-69: nothing comes into a chain that is flushed until all who hold it have let go of it")
    func flushed() throws {
        #expect(write(80) == "3/1/1")
        let chain = try #require(lab.block.hold(3))
        #expect(lab.delete { $0.chain = 3 } == "1")
        #expect(isLeaving { () throws(Refusal) in _ = try chain.find(1, nil) })
        lab.block.letGo(chain, as: .request)
        #expect(write(80) == "3/1/1")
        lab.check()
    }

    @Test("R4-67: a filter that was changed or removed since it was looked at isn't changed: all begins anew")
    func changedMeanwhile() throws {
        #expect(write(80) == "3/1/1")
        let chain = try #require(lab.block.hold(3))
        let proto = try #require(try place(of: chain))
        let old = try #require(proto.classifier.filter(1))
        #expect(
            lab.write(TrafficLab.flower(81) { ($0.chain, $0.priority, $0.handle, $0.verb) = (3, 1, 1, .change) })
                == "3/1/1")
        let options = try Flower.options(["keys": .object(["ip_proto": .text("udp")])], .ip)
        let content = FilterContent(proto.classifier.kept(options), [], classID: 0, [], text: [])
        // Changed since, or not there when it was looked for.
        for expected in [old, nil] {
            #expect(throws: Refusal.self) {
                try proto.classifier.change(content, handle: 1, from: expected) { _ in old }
            }
        }
        #expect(throws: Refusal.self) { try proto.classifier.delete(old) {} }
        proto.letGo()
        lab.block.letGo(chain, as: .request)
        lab.check()
    }

    @Test("R4-63: a filter stays as it is for who has found it, whatever becomes of it")
    func foundFilters() throws {
        #expect(write(80) == "3/1/1")
        let filter = try #require(lab.block.contents.chains.first?.protos.first?.filters.first)
        let values = filter.content.options.values
        #expect(lab.delete { $0.chain = 3 } == "1")
        #expect(filter.handle == 1 && filter.content.options.values == values)
        lab.check()
    }

    @Test("A block that another request has removed takes nothing, whoever wanted it to go on")
    func revivedTooLate() {
        lab.traffic.end(lab.block)
        lab.traffic.revive(lab.block)
        #expect(lab.write(TrafficLab.flower(80) { $0.priority = 1 }) == "0/1/1")
        #expect(lab.delete { $0.chain = 0 } == "1")
        lab.traffic.end(lab.block)
        lab.traffic.removeBlock(lab.block.identity.place)
        lab.traffic.revive(lab.block)
        #expect(lab.write(TrafficLab.flower(80)) == "EINVAL R4-04")
    }
}
