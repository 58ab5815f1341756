internal import Addressing
internal import JSON
internal import Platform
internal import Routing

/// Names that stand for values, found by their bytes: without a string for each that is read.
struct NameTable<Value: Sendable>: Sendable {
    private let names: JSONFields
    private let values: [Value]

    /// `value` gives each name its meaning.
    init(_ names: [String], _ value: (String) -> Value?) {
        let known = names.compactMap { name in value(name).map { (name, $0) } }
        self.names = JSONFields(known.map(\.0))
        values = known.map(\.1)
    }

    /// The value that the next string names, which then is consumed.
    func read(_ reader: inout JSONReader) -> Value? { reader.readIndex(of: names).map { values[$0] } }
}

/// The parts of a route, as iproute2 writes them.
extension JSONReader {
    /// One of the names, or else whatever `readOther` makes of the value.
    mutating func read<Value>(
        _ names: NameTable<Value>, _ readOther: (inout JSONReader) throws -> Value
    ) throws -> Value {
        if let value = names.read(&self) { return value }
        return try readOther(&self)
    }

    mutating func readName<Value>(_ expected: String, _ parse: (String) -> Value?) throws -> Value {
        let start = offset
        let text = try readString()
        if let value = parse(text) { return value }
        throw JSONError(.range, offset: start, "'\(text)' is not \(expected)")
    }

    /// A name, or its number as a number or a text.
    mutating func readNameOrNumber<Value>(
        _ expected: String, max: UInt64 = UInt64(UInt32.max), _ parse: (String) -> Value?
    ) throws -> Value {
        guard try peek() == .number else { return try readName(expected, parse) }
        let start = offset
        let number = try readUInt(max: max)
        if let value = parse(String(number)) { return value }
        throw JSONError(.range, offset: start, "\(number) is not \(expected)")
    }

    mutating func readAddress() throws -> IPAddress { try readText { try IPAddress(parsing: $0) } }

    mutating func readDevice() throws -> String {
        let name = try readString()
        let utf8 = name.utf8Span
        if Link.isName(utf8.span) { return name }
        throw FIBError(
            .einval, .deviceMissing, "'\(name)' can't name a device: 1 to 15 bytes without spaces, '/' and ':'")
    }

    mutating func readWeight() throws -> UInt16 {
        let weight = try readUInt(max: UInt64(UInt32.max))
        guard (1...256).contains(weight) else {
            throw FIBError(.einval, .weightInvalid, "weight \(weight) is not in 1…256", rule: "R1-50")
        }
        return UInt16(weight)
    }

    private static var viaFields: JSONFields { viaFieldTable }

    /// `{"family","host"}`: a gateway of the other family.
    mutating func readVia() throws -> IPAddress {
        var family: AddressFamily?
        var host: IPAddress?
        let start = offset
        try readObject(Self.viaFields) { reader, index in
            if index == 0 {
                family = try reader.readName("inet or inet6") { AddressFamily(name: $0) }
            } else {
                host = try reader.readAddress()
            }
        }
        guard let host else { throw JSONError(.range, offset: start, "via needs a host") }
        guard family.map({ $0 == host.family }) ?? true else {
            throw FIBError(.einval, .familyMismatch, "via \(host) is not of the family it names")
        }
        return host
    }

    /// Flags that are the route's own; those that tell of its state are ignored.
    mutating func readHopFlags() throws -> NextHop.Flags {
        var flags: NextHop.Flags = []
        try readArray { reader, _ in
            let start = reader.offset
            let name = try reader.readString()
            switch name {
            case "onlink": flags.insert(.onlink)
            case "pervasive": flags.insert(.pervasive)
            case "rt_offload", "rt_trap", "rt_offload_failed", "offload", "trap", "dead", "linkdown", "notify",
                "unresolved":
                break
            default: throw JSONError(.range, offset: start, "'\(name)' is not a flag of a route")
            }
        }
        return flags
    }

    /// A time as RFC 3339 writes it; in milliseconds since 1970.
    mutating func readTime() throws -> UInt64 {
        let text = try readString()
        if let time = WallClock.milliseconds(of: text) { return time }
        throw FIBError(
            .einval, .expiryInvalid,
            "'\(text)' is not a time from 1970 to 9999, such as 2026-12-01T06:00:00Z")
    }

    /// iproute2 prints flags that are set as null.
    mutating func readMark() throws -> Bool {
        if try readNull() { return true }
        return try readBool()
    }

    /// A number, or a text as `ip` prints it: `0x08`, or a name of `rt_dsfield`.
    mutating func readTos() throws -> UInt8 {
        if try peek() == .number { return UInt8(try readUInt(max: 255)) }
        return try readName("a tos: 0…255, 0x00…0xff, or a DSCP name such as CS1") { tosValue($0) }
    }
}

private let viaFieldTable = JSONFields("family", "host")

/// `8`, `0x08` or a name of iproute2's `rt_dsfield`.
func tosValue(_ text: String) -> UInt8? {
    if let named = dscpNames[text] { return named }
    // A sign is part of a number to the standard library, but not here; leading zeros are octal to `ip`.
    if text.hasPrefix("0x"), (3...4).contains(text.utf8.count), text.dropFirst(2).allSatisfy(\.isHexDigit) {
        return UInt8(text.dropFirst(2), radix: 16)
    }
    guard let value = UInt8(text), String(value) == text else { return nil }
    return value
}

private let dscpNames: [String: UInt8] = {
    var names: [String: UInt8] = ["default": 0, "EF": 0xb8, "LE": 0x04]
    for number in UInt8(0)...7 { names["CS\(number)"] = number << 5 }
    for group in UInt8(1)...4 {
        for drop in UInt8(1)...3 { names["AF\(group)\(drop)"] = group << 5 | drop << 3 }
    }
    return names
}()

extension RouteMetrics {
    /// The names, then what stands beside them.
    private static let fields = JSONFields(names + ["lock", "ecn"])

    /// An object, or as `ip` prints it an array of one.
    init(_ reader: inout JSONReader) throws {
        self.init()
        if try reader.peek() == .array {
            try reader.readArray { reader, _ in try read(&reader) }
        } else {
            try read(&reader)
        }
    }

    private mutating func read(_ reader: inout JSONReader) throws {
        var ecn = false
        try reader.readObject(Self.fields) { reader, index in
            switch index {
            case Self.congestion: try readAlgorithm(&reader)
            case Self.names.count: try readLocks(&reader)
            case Self.names.count + 1:
                // What `ip` prints of it has no value.
                let start = reader.offset
                guard try reader.readNull() else { throw JSONError(.range, offset: start, "ecn is null, or left out") }
                ecn = true
            default: set(index, to: UInt32(try reader.readUInt(max: UInt64(UInt32.max))))
            }
        }
        if ecn { set(Self.features, to: self[Self.features] | Self.ecn) }
    }

    private mutating func readLocks(_ reader: inout JSONReader) throws {
        try reader.readArray { reader, _ in
            let start = reader.offset
            let name = try reader.readString()
            guard let index = Self.names.firstIndex(of: name) else {
                throw JSONError(.range, offset: start, "'\(name)' is not a metric such as mtu")
            }
            lock(index)
        }
    }

    /// The name of a module of the kernel.
    private mutating func readAlgorithm(_ reader: inout JSONReader) throws {
        let start = reader.offset
        algorithm = try reader.readString()
        let isName = algorithm.utf8.allSatisfy { (UInt8(ascii: "!")...UInt8(ascii: "~")).contains($0) }
        guard isName, 1...Self.longestAlgorithm ~= algorithm.utf8.count else {
            throw JSONError(.range, offset: start, "'\(algorithm)' is not the name of an algorithm such as cubic")
        }
    }
}

extension Span<UInt8> {
    func equals(_ text: StaticString) -> Bool {
        guard count == text.utf8CodeUnitCount else { return false }
        var index = 0
        for byte in text.description.utf8 {
            if self[index] != byte { return false }
            index += 1
        }
        return true
    }
}
