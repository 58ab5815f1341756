internal import ChangeLog
internal import ControlPlane
internal import Hardware
internal import JSON
internal import Routing

/// A device as clients see it: what a simulated switch is set to beside how it goes with it, or that a driver has one.
enum DeviceRow {
    case simulated(SimulatedSwitch, StoredObject)
    case driver(Device)

    var name: String {
        switch self {
        case .simulated(let member, _): member.name
        case .driver(let device): device.name
        }
    }

    /// The number of the change that made the settings; nil of a driver's device, which has none.
    var version: ChangeSequence? {
        if case .simulated(_, let stored) = self { stored.version } else { nil }
    }

    /// All that there are, sorted by name.
    static func all(_ board: SwitchBoard, _ snapshot: Snapshot) -> [DeviceRow] {
        let members = board.all
        let switches = snapshot.deviceObjects.all.compactMap { stored in
            members.first { $0.name == stored.device?.name }.map { DeviceRow.simulated($0, stored) }
        }
        let drivers = snapshot.devices.all.filter { device in !members.contains { $0.name == device.name } }
        return (switches + drivers.map(DeviceRow.driver)).sorted { $0.name < $1.name }
    }

    /// Members sorted.
    func append(to bytes: inout [UInt8]) {
        switch self {
        case .simulated(let member, let stored): Self.append(member, stored, to: &bytes)
        case .driver(let device):
            bytes.appendASCII("{\"generation\":\(device.generation.rawValue),\"kind\":\"driver\",\"name\":")
            bytes.appendJSON(string: device.name)
            bytes.appendASCII(",\"state\":\"up\"}")
        }
    }

    private static func append(_ member: SimulatedSwitch, _ stored: StoredObject, to bytes: inout [UInt8]) {
        let status = member.status
        // Those that the hash is of, even while the switch is yet to be told of them.
        let settings = (try? stored.device.map(SwitchSettings.init(_:))) ?? status.settings
        let (counters, occupancy) = (status.counters, status.occupancy)
        bytes.append(UInt8(ascii: "{"))
        settings.capacity.append(to: &bytes)
        bytes.append(
            members: "counters",
            [
                ("deleted", counters.deleted), ("duplicated", counters.duplicated), ("failed", counters.failed),
                ("failed_deletes", counters.failedDeletes), ("lost", counters.lost),
                ("programmed", counters.programmed),
                ("retries", counters.retries), ("stale", counters.stale), ("vetoed", counters.vetoed),
            ])
        settings.faults.append(to: &bytes)
        bytes.appendASCII(",\"generation\":" + (status.generation.map { "\($0.rawValue)" } ?? "null"))
        bytes.appendASCII(",\"h\":\"")
        bytes.append(stored.hash)
        bytes.appendASCII("\",\"kind\":\"simulated\"")
        settings.appendLatencyAndName(member.name, to: &bytes)
        bytes.append(
            members: "occupancy",
            [
                ("filters", occupancy.filters), ("ipv4", occupancy.ipv4), ("ipv4_rules", occupancy.ipv4Rules),
                ("ipv6", occupancy.ipv6), ("ipv6_rules", occupancy.ipv6Rules), ("nexthops", occupancy.nexthops),
            ])
        bytes.appendASCII(",\"profile\":\"\(settings.profile.rawValue)\",\"queue\":\(status.queue)")
        bytes.appendASCII(",\"seed\":\(settings.seed),\"seq\":\(stored.version.rawValue)")
        bytes.appendASCII(",\"state\":\"\(status.isUp ? "up" : "down")\",\"version\":\(stored.version.rawValue)}")
    }
}

extension SwitchSettings {
    /// Those that are kept. What isn't named is as by default.
    ///
    /// - Throws: EOPNOTSUPP if they are of another version, or of something else.
    init(_ kept: DeviceSettings) throws(FIBError) {
        do throws(Problem) {
            self = try DeviceInput(Array(kept.entry.utf8), kept.name).applied(to: SwitchSettings())
        } catch {
            throw FIBError(
                .eopnotsupp, .unsupported,
                "this version doesn't understand what is kept of the device '\(kept.name)': \(error.detail)")
        }
    }

    /// As they are kept.
    func kept(of name: String) -> DeviceSettings {
        var bytes: [UInt8] = []
        appendEntry(name: name, to: &bytes)
        return DeviceSettings(name: name, entry: String(decoding: bytes, as: UTF8.self))
    }

    /// What a client sets, without status: canonical, its members sorted.
    func appendEntry(name: String, to bytes: inout [UInt8]) {
        bytes.append(UInt8(ascii: "{"))
        capacity.append(to: &bytes)
        faults.append(to: &bytes)
        appendLatencyAndName(name, to: &bytes)
        bytes.appendASCII(",\"profile\":\"\(profile.rawValue)\",\"seed\":\(seed)}")
    }

    fileprivate func appendLatencyAndName(_ name: String, to bytes: inout [UInt8]) {
        bytes.appendASCII(",\"latency_ms\":{\"max\":\(latency.maximum),\"min\":\(latency.minimum)},\"name\":")
        bytes.appendJSON(string: name)
    }
}

extension SwitchSettings.Capacity {
    fileprivate func append(to bytes: inout [UInt8]) {
        func text(_ limit: Int?) -> String { limit.map { "\($0)" } ?? "null" }
        bytes.appendASCII("\"capacity\":{\"filters\":\(text(filters)),\"ipv4\":\(text(ipv4))")
        bytes.appendASCII(",\"ipv4_rules\":\(text(ipv4Rules)),\"ipv6\":\(text(ipv6))")
        bytes.appendASCII(",\"ipv6_rules\":\(text(ipv6Rules)),\"nexthops\":\(text(nexthops))}")
    }
}

extension SwitchSettings.Faults {
    fileprivate func append(to bytes: inout [UInt8]) {
        bytes.appendASCII(",\"faults\":{\"duplicate_every\":\(duplicateEvery),\"fail_every\":\(failEvery)")
        bytes.appendASCII(",\"fail_route_delete\":\(failsRouteDelete),\"fail_route_offload\":\(failsRouteOffload)")
        bytes.appendASCII(",\"lose_every\":\(loseEvery),\"reorder\":\(reorders),\"stale_every\":\(staleEvery)}")
    }
}

extension [UInt8] {
    /// A further member, an object of numbers.
    fileprivate mutating func append(members name: String, _ members: [(String, Int)]) {
        appendASCII(",\"\(name)\":{")
        for (index, member) in members.enumerated() {
            appendASCII((index > 0 ? "," : "") + "\"\(member.0)\":\(member.1)")
        }
        append(UInt8(ascii: "}"))
    }
}
