import ControlPlane
import TestSupport
import Testing
import TrafficControl

@testable import API

/// Values of keys as JSON has them.
@Suite struct FlowValueTests {
    private func read(_ text: String) throws -> FlowValue { try InputReading.read(text) { try FlowValue(&$0) } }

    private func text(_ value: FlowValue) -> String {
        switch value {
        case .number(let number): "\(number)"
        case .text(let text): "\"\(text)\""
        case .bool(let isTrue): "\(isTrue)"
        case .object(let members): "{" + members.map { "\"\($0.name)\":\(text($0.value))" }.joined(separator: ",") + "}"
        case .list(let elements): "[" + elements.map(text).joined(separator: ",") + "]"
        }
    }

    private func random(_ depth: Int, _ random: inout SeededGenerator) -> FlowValue {
        switch Int.random(in: 0..<(depth > 0 ? 5 : 3), using: &random) {
        case 0:
            return .number(
                UInt64.random(in: 0...UInt64.max, using: &random) >> UInt64.random(in: 0...63, using: &random))
        case 1: return .text(["", "ip", "+trk-new", "192.0.2.0/24", "é"].randomElement(using: &random) ?? "")
        case 2: return .bool(Bool.random(using: &random))
        case 3:
            let names = ["start", "end", "frag", "keys"].prefix(Int.random(in: 0...4, using: &random))
            return .object(FlowMembers(names.map { ($0, self.random(depth - 1, &random)) }))
        default: return .list((0..<Int.random(in: 0...3, using: &random)).map { _ in self.random(depth - 1, &random) })
        }
    }

    @Test("What is written is read again", arguments: UInt64(1)...50)
    func roundTrip(seed: UInt64) throws {
        var generator = SeededGenerator(seed: seed)
        let value = random(4, &generator)
        #expect(try read(text(value)) == value)
    }

    @Test("The keys of a filter are read as they are shown")
    func keys() throws {
        let match = try FlowMatch(
            [
                "ip_proto": .text("tcp"), "dst_ip": .text("192.0.2.0/24"), "ip_tos": .number(8),
                "ip_tos_mask": .number(12),
                "dst_port": .object(["start": .number(1), "end": .number(9)]),
                "ip_flags": .object(["frag": .bool(true)]),
            ], protocol: .ip)
        let values = try InputReading.read(text(.object(match.values))) { try FlowMembers(&$0) }
        #expect(values == match.values)
        #expect(try FlowMatch(values, protocol: .ip) == match)
    }

    @Test("Whole numbers may be written in any way")
    func numbers() throws { #expect(try read("[1e2,8.0]") == .list([.number(100), .number(8)])) }

    @Test(
        "What is no value is refused where it isn't one",
        arguments: [
            ("null", "wrong-type "), ("[1,-2]", "bad-value /1"), (#"{"a":0.5}"#, "wrong-type /a"),
            (#"{"a":18446744073709551616}"#, "bad-value /a"), (#"{"a":1,"a":1}"#, "duplicate-field /a"),
            ("[,]", "json-syntax /0"),
            (String(repeating: "[", count: 33), "json-depth " + String(repeating: "/0", count: 32)),
        ])
    func refused(text: String, what: String) { #expect(InputReading.refusal(text) { try FlowValue(&$0) } == what) }
}
