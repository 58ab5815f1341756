import Addressing
import ChangeLog
import Routing
import Testing

@testable import ControlPlane

/// What records of the log count for. The log forgets by that, so what is long in them has to count.
@Suite struct WeightTests {
    private let plane = ControlPlane(limits: ControlPlane.Limits(logBytes: 16 << 20))

    /// Bytes a record of what came after a number.
    private func weight(after sequence: ChangeSequence) throws -> Int {
        let run = try #require(plane.log.read(after: sequence))
        try #require(!run.isEmpty)
        return run.reduce(0) { $0 + $1.retainedBytes } / run.count
    }

    private func prefixes(_ count: Int, _ first: UInt32) -> [Prefix] {
        (0..<UInt32(count)).compactMap { try? Prefix(address: IPAddress(inet: first << 16 | $0 << 2), length: 30) }
    }

    @Test("A listener's filter counts where it is another one, and not with each acknowledgement")
    func listeners() throws {
        let start = plane.log.head
        var filter = EventFilter()
        filter.selection.within = prefixes(3_000, 1)
        let settings = ListenerSettings(
            name: "one", role: .observer, filter: filter, onOverflow: .close, leaseSeconds: nil)
        let added = try plane.addListener(settings)
        #expect(try weight(after: start) > 3_000 * 18)

        filter.selection.within = prefixes(3_000, 2)
        let changed = try plane.changeListener(added.listener.id) { $0.filter = filter }
        #expect(try weight(after: added.sequence) > 6_000 * 18)

        _ = try plane.putDeviceSettings(DeviceSettings(name: "asic0", entry: "{}"))
        let news = plane.log.head
        #expect(plane.acknowledge([(added.listener.id, changed.listener.version, news)]))
        #expect(plane.log.head > news)
        #expect(try weight(after: news) < 1_000)

        _ = try plane.removeListener(added.listener.id)
        #expect(try weight(after: news.next) > 3_000 * 18)
    }

    @Test("The addresses of a link count, before and after")
    func links() throws {
        var lab = LinkLab(plane)
        let addresses = (1...200).map { "10.0.\($0).1/32" }
        try lab.put("eth0", addresses, isUp: true)
        let start = plane.log.head
        try lab.put("eth0", mtu: 9_000)
        #expect(try weight(after: start) > 400 * MemoryLayout<LinkAddress>.size)
        _ = lab.news()
    }

    @Test("A device's change counts all devices that there are then")
    func devices() throws {
        for number in 0..<100 { _ = plane.addDevice("d\(number)", RouteSelection()) }
        let start = plane.log.head
        _ = plane.addDevice("last", RouteSelection())
        #expect(try weight(after: start) > 100 * MemoryLayout<Device>.size)
    }

    @Test("A log of a mebibyte doesn't keep a thousand filters of three thousand prefixes")
    func forgets() throws {
        let plane = ControlPlane(limits: ControlPlane.Limits(logBytes: 1 << 20))
        var filter = EventFilter()
        let settings = ListenerSettings(
            name: "one", role: .observer, filter: filter, onOverflow: .close, leaseSeconds: nil)
        let id = try plane.addListener(settings).listener.id
        for number in 0..<1_000 {
            filter.selection.within = prefixes(3_000, UInt32(number))
            _ = try plane.changeListener(id) { $0.filter = filter }
        }
        let kept = plane.log.head.rawValue - plane.log.mark.floor.rawValue
        #expect(kept < 300, "a segment of 128 records is the least that it can forget")
    }
}
