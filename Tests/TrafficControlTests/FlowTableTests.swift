import ChangeLog
import TestSupport
import Testing

@testable import TrafficControl

/// Flower's tables beside an obviously right way to classify: all filters looked at one after the other.
@Suite struct FlowTableTests {
    private final class Entry: FlowEntry {
        static func === (a: Entry, b: Entry) -> Bool { ObjectIdentifier(a) == ObjectIdentifier(b) }

        let match: FlowMatch
        let packed: PackedMatch
        let order: UInt64
        let place: FilterPlace
        let isPassedOver: Bool
        let hash = EntryHash(high: 1, low: 1)

        /// - Parameter group: when the first of its mask came; nil if it is that.
        init(
            _ match: FlowMatch, _ mask: FlowMask, order: UInt64, group: ChangeSequence? = nil,
            isPassedOver: Bool = false
        ) {
            let born = ChangeSequence(rawValue: order)
            place = FilterPlace(born: born, group: group ?? born)
            self.match = match
            packed = PackedMatch(match, mask)
            self.order = order
            self.isPassedOver = isPassedOver
        }
    }

    /// A list of filters, and the masks in the order in which they came.
    private struct Model {
        var entries: [Entry] = []
        var masks: [FlowMask] = []

        private static func agrees(_ match: FlowMatch, _ packet: Packet) -> Bool {
            let (fields, options) = (packet.fields, packet.options)
            for field in FlowField.allCases where fields[field] & match.mask[field] != match.key[field] { return false }
            if let key = match.options?.key, let mask = match.options?.mask {
                guard let options, options.kind == key.kind, options.length == key.length else { return false }
                guard zip(options.bytes, mask.bytes).map({ $0 & $1 }) == key.bytes else { return false }
            }
            func lies(_ field: FlowField, _ range: ClosedRange<UInt16>?) -> Bool {
                range.map { UInt128($0.lowerBound) <= fields[field] && fields[field] <= UInt128($0.upperBound) } ?? true
            }
            return lies(.dstPort, match.dstPorts) && lies(.srcPort, match.srcPorts)
        }

        func first(_ packet: Packet) -> Entry? {
            for mask in masks {
                let of = entries.filter { $0.packed.mask == mask }.sorted { $0.order < $1.order }
                if let entry = of.first(where: { Self.agrees($0.match, packet) }), !entry.isPassedOver { return entry }
            }
            return nil
        }

        mutating func insert(_ entry: Entry) {
            entries.append(entry)
            if !masks.contains(entry.packed.mask) { masks.append(entry.packed.mask) }
        }

        mutating func remove(_ entry: Entry) {
            entries.removeAll { $0 === entry }
            masks.removeAll { mask in !entries.contains { $0.packed.mask == mask } }
        }
    }

    private static func match(_ random: inout SeededGenerator) throws -> FlowMatch {
        func maybe(_ name: String, _ value: FlowValue) -> [(String, FlowValue)] {
            Bool.random(using: &random) ? [(name, value)] : []
        }
        let lengths = [8, 16, 32]
        var values = maybe(
            "dst_ip",
            .text("10.0.0.\(Int.random(in: 0..<3, using: &random))/\(lengths.randomElement(using: &random) ?? 8)"))
        values += maybe("src_ip", .text("10.0.0.\(Int.random(in: 0..<3, using: &random))"))
        values += maybe("ip_ttl", .number(.random(in: 1..<3, using: &random)))
        let start = UInt64.random(in: 1..<5, using: &random)
        let range: FlowValue = .object([
            "start": .number(start), "end": .number(start + .random(in: 1..<4, using: &random)),
        ])
        values += maybe("dst_port", Bool.random(using: &random) ? range : .number(start))
        if Int.random(in: 0..<3, using: &random) == 0 {
            let mask = ["f", "3", "ff"].randomElement(using: &random) ?? "f"
            let number = Int.random(in: 0..<3, using: &random)
            values +=
                [
                    [("vxlan_opts", .text("\(number)/0x\(mask)"))], [("gtp_opts", .text("0:\(number)/0:\(mask)"))],
                    [
                        (
                            "geneve_opts",
                            .text("1:0:0000000\(number)/ffff:0:000000\(mask.count == 2 ? mask : "0" + mask)")
                        )
                    ],
                ].randomElement(using: &random) ?? []
        }
        return try FlowMatch(
            (["ip_proto": .text("tcp")] as FlowMembers).adding(FlowMembers(values)), protocol: .ip)
    }

    private static func packet(_ random: inout SeededGenerator) -> Packet {
        var packet = FlowBits()
        packet[.etherType] = 0x800
        packet[.addressType] = FlowAddressType.inet
        packet[.ipProtocol] = 6
        packet[.dstIP] = (10 << 24 | .random(in: 0..<4, using: &random)) << 96
        packet[.srcIP] = (10 << 24 | .random(in: 0..<3, using: &random)) << 96
        packet[.ttl] = .random(in: 1..<4, using: &random)
        packet[.dstPort] = .random(in: 0..<9, using: &random)
        let number = UInt8.random(in: 0..<4, using: &random)
        let options = [
            nil, TunnelOptions(.vxlan, [0, 0, 0, number]), TunnelOptions(.gtp, [0, number]),
            TunnelOptions(.geneve, [0, 1, number, 1, 0, 0, 0, number]),
        ]
        return Packet(.ip, packet, options: options.randomElement(using: &random) ?? nil)
    }

    @Test(
        "R4-53, R4-90: masks in the order in which they came, in each an exact match; what is for hardware is passed over",
        arguments: UInt64(1)...4)
    func classifiesAsAListDoes(seed: UInt64) throws {
        var random = SeededGenerator(seed: seed)
        var (model, table) = (Model(), FlowTable<Entry>())
        var (found, former) = (0, [(FlowTable<Entry>, Model)]())
        for step in 0..<200 {
            let match = try Self.match(&random)
            let known = table.entry(sameAs: PackedMatch(match, table.mask(of: match)))
            #expect(known === model.entries.first { $0.match == match })
            let other = model.entries.randomElement(using: &random)
            if let other, Int.random(in: 0..<5, using: &random) < (model.entries.count > 30 ? 4 : 1) {
                table.remove(other)
                model.remove(other)
            } else if known == nil {
                let mask = table.mask(of: match)
                if let other, other.packed.mask == mask {
                    let entry = Entry(match, mask, order: other.order, group: other.place.group)
                    table.replace(other, with: entry)
                    model.insert(entry)
                    model.remove(other)
                } else {
                    let isPassedOver = Int.random(in: 0..<5, using: &random) == 0
                    let entry = Entry(
                        match, mask, order: UInt64(step), group: table.group(mask), isPassedOver: isPassedOver)
                    table.insert(entry)
                    model.insert(entry)
                }
            }
            table._checkInvariants()
            #expect(table.count == model.entries.count && table.maskCount == model.masks.count)
            for _ in 0..<10 {
                let packet = Self.packet(&random)
                let entry = table.first(packet.fields, packet.options)
                if entry != nil { found += 1 }
                #expect(entry === model.first(packet), "step \(step)")
            }
            if step.isMultiple(of: 50) { former.append((table, model)) }
        }
        #expect(found > 200)
        // Copies are as they were.
        for (table, model) in former {
            table._checkInvariants()
            for _ in 0..<50 {
                let packet = Self.packet(&random)
                #expect(table.first(packet.fields, packet.options) === model.first(packet))
            }
        }
    }

    @Test("A match is packed without loss")
    func packing() throws {
        var random = SeededGenerator(seed: 9)
        for _ in 0..<200 {
            let match = try Self.match(&random)
            #expect(PackedMatch(match, FlowMask(of: match)).match == match)
        }
    }
}
