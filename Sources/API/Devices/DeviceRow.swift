internal import ChangeLog
internal import ControlPlane
internal import Hardware
internal import JSON

/// A device as clients see it: what a simulated switch is set to beside how it goes with it, or that a driver has one.
enum DeviceRow {
    case simulated(SimulatedSwitch)
    case driver(Device)

    var name: String {
        switch self {
        case .simulated(let member): member.name
        case .driver(let device): device.name
        }
    }

    /// All that there are, sorted by name.
    static func all(_ board: SwitchBoard, _ devices: Devices) -> [DeviceRow] {
        let switches = board.all
        let drivers = devices.all.filter { device in !switches.contains { $0.name == device.name } }
        return (switches.map(DeviceRow.simulated) + drivers.map(DeviceRow.driver)).sorted { $0.name < $1.name }
    }

    /// Members sorted.
    func append(to bytes: inout [UInt8]) {
        switch self {
        case .simulated(let member): Self.append(member.status, member.name, to: &bytes)
        case .driver(let device):
            bytes.appendASCII("{\"generation\":\(device.generation.rawValue),\"kind\":\"driver\",\"name\":")
            bytes.appendJSON(string: device.name)
            bytes.appendASCII(",\"state\":\"up\"}")
        }
    }

    private static func append(_ status: SimulatedSwitch.Status, _ name: String, to bytes: inout [UInt8]) {
        let (settings, counters, occupancy) = (status.settings, status.counters, status.occupancy)
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
        bytes.appendASCII(",\"kind\":\"simulated\"")
        settings.appendLatencyAndName(name, to: &bytes)
        bytes.append(
            members: "occupancy",
            [
                ("filters", occupancy.filters), ("ipv4", occupancy.ipv4), ("ipv6", occupancy.ipv6),
                ("nexthops", occupancy.nexthops),
            ])
        bytes.appendASCII(",\"profile\":\"\(settings.profile.rawValue)\",\"queue\":\(status.queue)")
        bytes.appendASCII(",\"seed\":\(settings.seed),\"state\":\"\(status.isUp ? "up" : "down")\"}")
    }
}

extension SwitchSettings {
    /// What a client sets, without status. Members sorted.
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
        bytes.appendASCII("\"capacity\":{\"filters\":\(text(filters)),\"ipv4\":\(text(ipv4)),\"ipv6\":\(text(ipv6))")
        bytes.appendASCII(",\"nexthops\":\(text(nexthops))}")
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
