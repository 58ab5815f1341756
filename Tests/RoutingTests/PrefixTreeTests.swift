import Addressing
import ChangeLog
import TestSupport
import Testing

@testable import Routing

/// The prefix tree beside a plain dictionary.
@Suite struct PrefixTreeTests {
    private static func info(_ number: Int) -> RouteInfo {
        var fields = RouteInfo.Fields()
        fields.nextHops = [NextHop(gateway: IPAddress(inet: UInt32(number)))]
        return RouteInfo(fields)
    }

    /// By trying every length.
    private struct Model {
        var values: [Prefix: RouteInfo] = [:]

        func holding(_ address: IPAddress) -> [(Int, RouteInfo)] {
            (0...address.family.maximumLength).reversed().compactMap { length in
                (try? Prefix(masking: address, length: length)).flatMap { values[$0] }.map { (Int(length), $0) }
            }
        }
    }

    private func compare(_ tree: RoutePrefixes, _ model: Model, _ address: IPAddress) {
        let expected = model.holding(address)
        let found = tree.longest(address)
        #expect(found?.length == expected.first?.0 && found?.value === expected.first?.1, "\(address)")
        var all: [(Int, RouteInfo)] = []
        tree.forEach(holding: address) { length, value in
            all.append((length, value))
            return true
        }
        #expect(all.map(\.0) == expected.map(\.0) && zip(all, expected).allSatisfy { $0.1 === $1.1 }, "\(address)")
    }

    private func address(_ family: AddressFamily, _ random: inout SeededGenerator) -> IPAddress {
        // Few values of each byte, so that prefixes lie in each other.
        func word() -> UInt64 {
            (0..<8).reduce(0) { word, _ in
                word << 8 | [0, 1, 0x7F, 0x80, 0xFE, 0xFF][Int.random(in: 0..<6, using: &random)]
            }
        }
        return family == .inet
            ? IPAddress(inet: UInt32(truncatingIfNeeded: word())) : IPAddress(inet6: word(), word())
    }

    @Test("Whatever comes and goes, the longest is found and all that hold an address", arguments: UInt64(1)...12)
    func random(seed: UInt64) throws {
        var random = SeededGenerator(seed: seed)
        let family: AddressFamily = seed.isMultiple(of: 2) ? .inet : .inet6
        var (tree, model) = (RoutePrefixes(), Model())
        var former: [(RoutePrefixes, Model)] = []
        for step in 0..<1_200 {
            let length = UInt8.random(in: 0...family.maximumLength, using: &random)
            var prefix = try Prefix(masking: address(family, &random), length: length)
            let removes = Int.random(in: 0..<5, using: &random) < (step < 600 ? 1 : 4)
            if removes, Bool.random(using: &random), let there = model.values.keys.randomElement(using: &random) {
                prefix = there
            }
            let value = removes ? nil : Self.info(step)
            tree.set(prefix, value)
            model.values[prefix] = value
            #expect(tree.count == model.values.count)
            compare(tree, model, prefix.address)
            compare(tree, model, prefix.lastAddress)
            compare(tree, model, address(family, &random))
            if step.isMultiple(of: 200) { former.append((tree, model)) }
        }
        for (tree, model) in former {
            for _ in 0..<200 { compare(tree, model, address(family, &random)) }
        }
        for prefix in model.values.keys { tree.set(prefix, nil) }
        #expect(tree.count == 0 && tree.longest(.unspecified(family)) == nil)
    }

    @Test("Prefixes of every length stand beside each other")
    func lengths() throws {
        for family in [AddressFamily.inet, .inet6] {
            let ones = family == .inet ? IPAddress(inet: .max) : IPAddress(inet6: .max, .max)
            var (tree, model) = (RoutePrefixes(), Model())
            for length in 0...family.maximumLength {
                let prefix = try Prefix(masking: ones, length: length)
                model.values[prefix] = Self.info(Int(length))
                tree.set(prefix, model.values[prefix])
            }
            compare(tree, model, ones)
            compare(tree, model, .unspecified(family))
            #expect(tree.longest(ones)?.length == Int(family.maximumLength))
        }
    }

    @Test("Values are held once, and let go with the last tree that has them")
    func references() throws {
        weak var gone: RouteInfo?
        var tree = RoutePrefixes()
        var copy: RoutePrefixes?
        do {
            let value = Self.info(1)
            gone = value
            tree.set(try Prefix("10.0.0.0/24"), value)
        }
        copy = tree
        tree.set(try Prefix("10.0.0.0/24"), Self.info(2))
        let address = try IPAddress("10.0.0.1")
        #expect(gone != nil && copy?.longest(address)?.value === gone)
        copy = nil
        #expect(gone == nil)
        for number in 0..<300 { tree.set(try Prefix("10.0.\(number & 255).0/24"), Self.info(number)) }
        for number in 0..<256 { tree.set(try Prefix("10.0.\(number).0/24"), nil) }
        #expect(tree.count == 0)
    }

    @Test("An index that is made of a copy has what has changed meanwhile", arguments: UInt64(1)...6)
    func index(seed: UInt64) throws {
        var random = SeededGenerator(seed: seed)
        var table = RouteTable(family: .inet)
        var version: UInt64 = 0
        func step() throws {
            let prefix = try Prefix(
                masking: address(.inet, &random), length: [0, 8, 16, 24].randomElement(using: &random) ?? 0)
            let key = RouteKey(
                prefix, tos: [0, 0, 8].randomElement(using: &random) ?? 0,
                metric: UInt32.random(in: 0..<2, using: &random), position: 0x8000)
            version += 1
            if Int.random(in: 0..<3, using: &random) == 0 {
                table.remove(key)
            } else {
                let stored = StoredRoute(
                    version: ChangeSequence(rawValue: version), hash: EntryHash(high: version, low: 0),
                    info: Self.info(Int(version)).with(metric: key.metric))
                table.insert(stored, for: key)
            }
        }
        for _ in 0..<300 { try step() }
        #expect(table.isWithoutIndex && table.prefixes == nil)
        table.beginIndex()
        let copy = table
        for _ in 0..<300 { try step() }
        #expect(!table.isWithoutIndex && table.prefixes == nil)
        table.endIndex(copy.makeIndex())
        table._checkPrefixes()
        for _ in 0..<300 {
            try step()
            table._checkPrefixes()
        }
        #expect(table.prefixes?.count == Set(table.routesOfAll.map { $0.prefix(.inet) }).count)
    }
}

extension RouteTable {
    fileprivate var routesOfAll: [RouteKey] {
        var cursor = image.cursor()
        var keys: [RouteKey] = []
        while let (key, _) = cursor.next() { keys.append(key) }
        return keys
    }
}
