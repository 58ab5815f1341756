import JSON
import TestSupport
import Testing
import TrafficControl

@testable import API

/// Bodies that are nearly right.
@Suite struct InputMutationTests {
    private static let chains =
        #"[{"parent":"ffff:","chain":0},{"block":22,"chain":5,"kind":"flower","protocol":"ip","options":{"keys":{"vlan_id":1}}}]"#
    private static let qdiscs =
        #"[{"kind":"clsact","handle":"ffff:","dev":"eth0","parent":"ffff:fff1","ingress_block":22,"options":{},"bytes":0}]"#
    private static let packets = #"""
        [{"protocol":"802.1Q","keys":{"vlan_id":5,"vlan_ethtype":"ip","dst_ip":"192.0.2.1","ip_proto":"tcp","dst_port":80}},
         {"protocol":"mpls_uc","keys":{"mpls":[{"depth":1,"label":7,"ttl":9}]},"length":64}]
        """#

    @Test("Whatever is done to a body, it is read or refused, and where", arguments: UInt64(1)...10)
    func bodies(seed: UInt64) {
        check(FilterInputTests.shown, seed) { _ = try FilterInput(&$0) }
        check(Self.chains, seed) { _ = try ChainInput(&$0) }
        check(Self.qdiscs, seed) { _ = try QdiscInput(&$0) }
        check(Self.packets, seed) { _ = try PacketInput(&$0) }
    }

    private func check(_ text: String, _ seed: UInt64, _ body: (inout JSONReader) throws -> Void) {
        var random = SeededGenerator(seed: seed)
        #expect(InputReading.refusal(text) { try $0.readArray { reader, _ in try body(&reader) } } == "")
        var reasons: Set<Substring> = []
        for _ in 0..<100 {
            var bytes = Array(text.utf8)
            for _ in 0..<Int.random(in: 1...3, using: &random) { Mutation.apply(to: &bytes, &random) }
            let refusal = InputReading.refusal(bytes) { try $0.readArray { reader, _ in try body(&reader) } }
            reasons.insert(refusal.prefix { $0 != " " })
        }
        // Some were taken, and some were refused for what they mean.
        #expect(reasons.isSuperset(of: ["", "json-syntax", "wrong-type"]) && reasons.count > 4, "\(reasons)")
    }
}

private enum Mutation {
    private static let alphabet = Array(#"{}[]",:0123456789-.eE\truefalsn ghij/x"#.utf8)
    private static let values = [
        "0", "1", "-1", "1.5", "15", "65535", "65536", "4294967295", "18446744073709551615", "1e3", "true", "null",
        "{}",
        "[]", "\"\"", "\"*\"", "\"/\"", "\"0x1\"", "\"ip\"", "\"gact\"", "\"mirred\"", "\"goto\"", "\"none\"",
        "\"ffff:\"",
        "\"eth0:ingress\"", "\"é\"", "[{\"depth\":7}]", "{\"start\":1,\"end\":2}",
    ]

    static func apply(to bytes: inout [UInt8], _ random: inout SeededGenerator) {
        let place = Int.random(in: 0..<bytes.count, using: &random)
        switch Int.random(in: 0..<8, using: &random) {
        case 0: bytes.remove(at: place)
        case 1: bytes.insert(alphabet.randomElement(using: &random) ?? 0, at: place)
        case 2: bytes[place] = UInt8.random(in: 0...255, using: &random)
        default: replaceValue(behind: place, in: &bytes, &random)
        }
    }

    /// The value of the next member, if that is no object or array.
    private static func replaceValue(behind place: Int, in bytes: inout [UInt8], _ random: inout SeededGenerator) {
        let quote = UInt8(ascii: "\"")
        let colons = bytes.indices.dropFirst(max(1, place)).filter {
            bytes[$0] == UInt8(ascii: ":") && bytes[$0 - 1] == quote
        }
        guard let start = colons.first.map({ $0 + 1 }), start < bytes.count else { return }
        let isText = bytes[start] == quote
        let ends = isText ? [quote] : Array(",}]".utf8)
        guard ![UInt8(ascii: "{"), UInt8(ascii: "[")].contains(bytes[start]),
            var end = bytes[(start + 1)...].firstIndex(where: { ends.contains($0) })
        else { return }
        if isText { end += 1 }
        bytes.replaceSubrange(start..<end, with: Array((values.randomElement(using: &random) ?? "").utf8))
    }
}
