internal import Hardware
internal import JSON

/// Settings of a simulated switch as a client wrote them: what is not named stays, and what is `null` is as by default (RFC 7396).
struct DeviceInput: Sendable {
    private var edits: [@Sendable (inout SwitchSettings) -> Void] = []
    /// The inner nil: by default.
    private var minimum: Int??
    private var maximum: Int??

    private static let fields = JSONFields(
        "name", "capacity", "latency_ms", "profile", "faults", "seed", "counters", "generation", "h", "kind",
        "occupancy", "queue", "seq", "state", "version")
    private static let capacityFields = JSONFields(
        "ipv4", "ipv6", "ipv4_rules", "ipv6_rules", "nexthops", "filters")
    private static let latencyFields = JSONFields("min", "max")
    private static let faultFields = JSONFields(
        "fail_route_offload", "fail_route_delete", "reorder", "fail_every", "lose_every", "duplicate_every",
        "stale_every")
    /// What a client can write as a number without losing digits (RFC 8259, section 6).
    static let largestNumber = 1 << 53 - 1

    /// An empty body says nothing. What a listing prints beside the settings is ignored.
    init(_ body: [UInt8], _ name: String) throws(Problem) {
        if body.isEmpty { return }
        do {
            var reader = JSONReader(body.span)
            try reader.read { reader in
                try reader.readObject(Self.fields) { reader, index in
                    switch Self.fields.names[index] {
                    case "name": try Self.checkName(try reader.readString(), name)
                    case "capacity": try readCapacity(&reader)
                    case "latency_ms": try readLatency(&reader)
                    case "profile":
                        let profile = try Self.orDefault(&reader, .asic) { try Self.readProfile(&$0) }
                        edits.append { $0.profile = profile }
                    case "faults": try readFaults(&reader)
                    case "seed":
                        let seed = try Self.orDefault(&reader, 1) { try Self.readCount(&$0) }
                        edits.append { $0.seed = UInt64(seed) }
                    default: try reader.skipValue()
                    }
                }
            }
        } catch {
            throw Problem(input: error)
        }
    }

    func applied(to settings: SwitchSettings) throws(Problem) -> SwitchSettings {
        var settings = settings
        for edit in edits { edit(&settings) }
        let (standard, present) = (SwitchSettings.Latency.standard, settings.latency)
        let (lower, upper) = (
            minimum.map { $0 ?? standard.minimum } ?? present.minimum,
            maximum.map { $0 ?? standard.maximum } ?? present.maximum
        )
        guard let latency = SwitchSettings.Latency(minimum: lower, maximum: upper) else {
            let detail =
                "min is \(lower) and max \(upper): min is at most max, and max at most "
                + "\(SwitchSettings.Latency.longest)"
            throw Problem(
                status: 422, reason: "bad-value", detail: "/latency_ms: \(detail)",
                errors: [Problem.Item(pointer: "/latency_ms", detail: detail)])
        }
        settings.latency = latency
        return settings
    }

    // MARK: Parts

    private mutating func readCapacity(_ reader: inout JSONReader) throws {
        if try reader.readNull() { return edits.append { $0.capacity = .init() } }
        try reader.readObject(Self.capacityFields) { reader, index in
            let limit = try reader.readNull() ? nil : try Self.readCount(&reader)
            edits.append { settings in
                switch Self.capacityFields.names[index] {
                case "ipv4": settings.capacity.ipv4 = limit
                case "ipv6": settings.capacity.ipv6 = limit
                case "ipv4_rules": settings.capacity.ipv4Rules = limit
                case "ipv6_rules": settings.capacity.ipv6Rules = limit
                case "nexthops": settings.capacity.nexthops = limit
                default: settings.capacity.filters = limit
                }
            }
        }
    }

    private mutating func readLatency(_ reader: inout JSONReader) throws {
        if try reader.readNull() { return (minimum, maximum) = (.some(nil), .some(nil)) }
        try reader.readObject(Self.latencyFields) { reader, index in
            let value: Int? = try reader.readNull() ? nil : try Self.readCount(&reader)
            if Self.latencyFields.names[index] == "min" { minimum = .some(value) } else { maximum = .some(value) }
        }
    }

    private mutating func readFaults(_ reader: inout JSONReader) throws {
        if try reader.readNull() { return edits.append { $0.faults = .init() } }
        try reader.readObject(Self.faultFields) { reader, index in
            let name = Self.faultFields.names[index]
            if ["fail_route_offload", "fail_route_delete", "reorder"].contains(name) {
                let isOn = try Self.orDefault(&reader, false) { try $0.readBool() }
                edits.append { settings in
                    switch name {
                    case "fail_route_offload": settings.faults.failsRouteOffload = isOn
                    case "fail_route_delete": settings.faults.failsRouteDelete = isOn
                    default: settings.faults.reorders = isOn
                    }
                }
            } else {
                let count = try Self.orDefault(&reader, 0) { try Self.readCount(&$0) }
                edits.append { settings in
                    switch name {
                    case "fail_every": settings.faults.failEvery = count
                    case "lose_every": settings.faults.loseEvery = count
                    case "duplicate_every": settings.faults.duplicateEvery = count
                    default: settings.faults.staleEvery = count
                    }
                }
            }
        }
    }

    // MARK: Values

    private static func orDefault<Value>(
        _ reader: inout JSONReader, _ standard: Value, _ read: (inout JSONReader) throws -> Value
    ) throws -> Value {
        try reader.readNull() ? standard : try read(&reader)
    }

    private static func readCount(_ reader: inout JSONReader) throws -> Int {
        let number = try reader.readInt()
        guard (0...Int64(largestNumber)).contains(number) else {
            throw refusal("\(number) is not a number from 0 to \(largestNumber)")
        }
        return Int(number)
    }

    private static func readProfile(_ reader: inout JSONReader) throws -> SwitchSettings.Profile {
        let text = try reader.readString()
        guard let profile = SwitchSettings.Profile(rawValue: text) else {
            throw refusal("'\(text)' is not asic or netdevsim")
        }
        return profile
    }

    private static func checkName(_ body: String, _ path: String) throws {
        guard body != path else { return }
        throw refusal("the name is '\(body)' in the body but '\(path)' in the path")
    }

    private static func refusal(_ detail: String) -> Problem {
        Problem(status: 422, reason: "bad-value", detail: detail)
    }
}
