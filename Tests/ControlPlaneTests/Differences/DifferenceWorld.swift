import Addressing
import ChangeLog
import Routing
import TestSupport

@testable import ControlPlane

/// Tables of many leaves, in which all that a difference of snapshots may be of happens now and then.
struct DifferenceWorld {
    let plane = ControlPlane(limits: ControlPlane.Limits(logBytes: 64 << 20))
    var random: SeededGenerator
    private var devices: [Device] = []
    private let writer = EntryWriter()

    init(seed: UInt64) {
        random = SeededGenerator(seed: seed)
        _ = try? plane.putNamespace("blue") { _ in NamespaceSettings() }
        for link in ["eth1", "eth2", "eth3"] { put(link, isUp: true) }
        for _ in 0..<4 { writeRun(400) }
        devices.append(plane.addDevice("d", RouteSelection()))
    }

    mutating func one<Value>(_ values: [Value]) -> Value { values[Int.random(in: 0..<values.count, using: &random)] }

    private mutating func number(_ range: Range<UInt32>) -> UInt32 { UInt32.random(in: range, using: &random) }

    /// One of 2,048 of IPv4, or of 64 of IPv6, some of which contain others.
    mutating func prefix() -> Prefix {
        if number(0..<10) == 0 {
            return Prefix(unchecked: IPAddress(inet6: 0x2001_0db8 << 32 | UInt64(number(0..<64)) << 8, 0), 56)
        }
        return Self.prefix(number(0..<2_048))
    }

    private static func prefix(_ number: UInt32) -> Prefix {
        let length: UInt8 = number % 64 == 0 ? 18 : 24
        return Prefix(unchecked: IPAddress(inet: 10 << 24 | number << 8), length)
    }

    enum Event: CaseIterable { case writes, deletions, run, flush, list, link, namespace, devices, report }

    mutating func step() {
        let often = Array(repeating: Event.writes, count: 12) + Array(repeating: .deletions, count: 4)
        step(one(often + [.report, .link] + Event.allCases))
    }

    mutating func step(_ event: Event) {
        switch event {
        case .writes: for _ in 0..<number(1..<8) { write(prefix()) }
        case .deletions: for _ in 0..<number(1..<8) { delete(prefix()) }
        case .run: writeRun(number(1..<400))
        case .flush: flush()
        case .list: growList()
        case .link: put(one(["eth1", "eth2", "eth3"]), isUp: Bool.random(using: &random))
        case .namespace: changeNamespace()
        case .devices: changeDevices()
        case .report: report()
        }
    }

    // MARK: Routes

    private mutating func place() -> (namespace: String, table: TableID) {
        (one(["default", "default", "blue"]), one([.main, .main, .main, TableID(rawValue: 100)]))
    }

    private mutating func write(_ prefix: Prefix, _ verb: RouteVerb? = nil, at place: (String, TableID)? = nil) {
        let (namespace, id) = place ?? self.place()
        var fields = RouteInfo.Fields()
        fields.protocol = one([.static, .static, .bgp, .boot])
        fields.nextHops = [NextHop(device: one(["eth1", "eth2", "eth3", "eth4"]))]
        // So that appended ones say something else.
        fields.metrics.set(RouteMetrics.index(of: "mtu"), to: number(1_280..<9_000))
        let metric: UInt32? = one([nil, nil, 1, 2])
        guard let table = try? plane.table(namespace, prefix.family, id),
            let route = try? Route.validated(prefix: prefix, tos: 0, metric: metric, fields: fields)
        else { return }
        _ = try? plane.write(verb ?? one(RouteVerb.allCases), RouteWrite(table, route, writer))
    }

    private mutating func delete(_ prefix: Prefix) {
        let place = place()
        _ = try? plane.delete(place.namespace, place.table, RouteSelector(prefix: prefix))
    }

    private mutating func writeRun(_ count: UInt32) {
        let (start, verb, place) = (number(0..<2_048), one([RouteVerb.replace, .add]), place())
        for number in start..<start + count { write(Self.prefix(number), verb, at: place) }
    }

    private mutating func flush() {
        var selection = RouteSelection()
        let network = Prefix(unchecked: IPAddress(inet: 10 << 24 | number(0..<32) << 14), 18)
        (selection.within, selection.namespaces) = ([network], one([nil, ["blue"]]))
        if number(0..<8) == 0 { (selection.within, selection.namespaces) = (nil, ["blue"]) }
        selection.spared = .kernel
        _ = try? plane.flush(selection)
    }

    /// To several leaves' worth of routes of one key.
    private mutating func growList() {
        let (prefix, place) = (prefix(), place())
        for _ in 0..<number(20..<60) { write(prefix, one([.append, .prepend]), at: place) }
    }

    // MARK: What routes are of, and what is made of them

    private mutating func put(_ link: String, isUp: Bool) {
        let namespace = one(["default", "blue"])
        var edit = LinkEdit(name: link)
        edit.isUp = true
        _ = try? plane.change(ObjectOperation(namespace, .putLink(edit)))
        _ = try? plane.change(ObjectOperation(namespace, .setCarrier(link, isUp)))
    }

    private mutating func changeNamespace() {
        if Bool.random(using: &random) { _ = try? plane.deleteNamespace("blue") }
        if Bool.random(using: &random) { _ = try? plane.putNamespace("blue") { _ in NamespaceSettings() } }
    }

    private mutating func changeDevices() {
        guard let index = devices.indices.randomElement(using: &random), number(0..<3) > 0 else {
            var selection = RouteSelection()
            selection.namespaces = one([nil, ["blue"]])
            devices.append(plane.addDevice("d\(devices.count)", selection))
            return
        }
        if devices.count > 1 {
            plane.removeDevice(devices.remove(at: index).line)
        } else if let renewed = plane.restartDevice(devices[index].line) {
            devices[index] = renewed
        }
    }

    private mutating func report() {
        guard let device = devices.randomElement(using: &random) else { return }
        var selection = RouteSelection()
        selection.within = [prefix(), prefix(), prefix(), Prefix(unchecked: IPAddress(inet: 10 << 24), 20)]
        var (walk, reports) = (RouteWalk(plane.snapshot(), selection, firstsOnly: true), [HardwareReport]())
        while reports.count < 20, let (table, route) = walk.next() {
            let state: HardwareState = one([.offload, .offload, .trap, .failed])
            reports.append(HardwareReport(table, route.key, version: route.value.version, state: state))
        }
        _ = try? plane.report(reports, by: device.line)
    }
}

extension DifferenceWorld {
    mutating func filter() -> EventFilter {
        var filter = EventFilter()
        filter.kinds = one([[.route], [.route], EventFilter().kinds, Set(ObjectKind.allCases)])
        filter.view = one([.routes, .best])
        filter.hardware = one(HardwareNotice.allCases)
        filter.selection.families = one([nil, nil, nil, [.inet], [.inet6]])
        filter.selection.namespaces = one([nil, nil, nil, ["blue"], ["default"]])
        filter.selection.tables = one([nil, nil, nil, [.main], [TableID(rawValue: 100)]])
        filter.selection.protocols = one([nil, nil, nil, [.bgp], [.static, .boot]])
        guard one([true, false]) else { return filter }
        let count = Int(one([1, 3, 40, 400] as [UInt32]))
        filter.selection.within = (0..<count).map { _ in
            let prefix = prefix()
            return (try? Prefix(masking: prefix.address, length: one([24, 24, 22, 20, 16]))) ?? prefix
        }
        return filter
    }
}
