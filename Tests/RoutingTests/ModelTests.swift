import Addressing
import ChangeLog
import Routing
import TestSupport
import Testing

/// A table as the rules tell it, obviously right and slow: one flat list, searched from the front.
private struct Model {
    struct Row: Equatable {
        var prefix: Prefix
        var tos: UInt8
        var metric: UInt32
        var info: RouteInfo.Fields
    }
    let family: AddressFamily
    /// In order of address, longest prefix, tos descending, metric, and within a key as the verbs made it.
    var rows: [Row] = []

    private static func comesBefore(_ a: Row, _ b: Row) -> Bool {
        if a.prefix != b.prefix { return a.prefix < b.prefix }
        if a.tos != b.tos { return a.tos > b.tos }
        return a.metric < b.metric
    }

    private func indices(ofKey row: Row) -> [Int] {
        rows.indices.filter {
            rows[$0].prefix == row.prefix && rows[$0].tos == row.tos && rows[$0].metric == row.metric
        }
    }

    private mutating func insertNew(_ row: Row) {
        rows.insert(row, at: rows.firstIndex { Self.comesBefore(row, $0) } ?? rows.count)
    }

    /// Nil if it succeeded.
    mutating func run(_ verb: RouteVerb, _ row: Row) -> FIBError.Errno? {
        let present = indices(ofKey: row)
        if present.isEmpty {
            if verb == .change || verb == .test { return .enoent }
            insertNew(row)
            return nil
        }
        let stands = verb == .add && [.kernel, .routerAdvertisement, .redirect].contains(row.info.protocol)
        if verb == .test || (verb == .add && !stands) { return .eexist }
        return family == .inet ? runIPv4(verb, row, present) : runIPv6(verb, row, present)
    }

    private mutating func runIPv4(_ verb: RouteVerb, _ row: Row, _ present: [Int]) -> FIBError.Errno? {
        let equal = present.first { rows[$0] == row }
        switch verb {
        case .replace, .change:
            if equal == present[0] { return nil }
            if equal != nil { return .eexist }
            rows[present[0]] = row
        default:
            if equal != nil { return .eexist }
            rows.insert(row, at: verb == .prepend ? present[0] : present[present.count - 1] + 1)
        }
        return nil
    }

    private func isGroup(_ row: Row) -> Bool {
        row.info.type == .unicast && row.info.protocol != .routerAdvertisement && !row.info.nextHops.isEmpty
            && row.info.nextHops.allSatisfy { $0.gateway != nil }
    }

    /// R1-25; routes that refuse all lead over the loopback.
    private func sharesHop(_ a: Row, _ b: Row) -> Bool {
        if a.info.nextHops.isEmpty, b.info.nextHops.isEmpty { return true }
        return a.info.nextHops.contains { hop in
            b.info.nextHops.contains { $0.gateway == hop.gateway && $0.device == hop.device }
        }
    }

    private mutating func runIPv6(_ verb: RouteVerb, _ row: Row, _ present: [Int]) -> FIBError.Errno? {
        if verb == .replace || verb == .change {
            let target = present.first { isGroup(rows[$0]) == isGroup(row) } ?? present[0]
            if rows[target] == row { return nil }
            if present.contains(where: { $0 != target && rows[$0] == row }) { return .eexist }
            rows[target] = row
            return nil
        }
        if present.contains(where: { sharesHop(rows[$0], row) || rows[$0] == row }) { return .eexist }
        if isGroup(row), let group = present.first(where: { isGroup(rows[$0]) }) {
            rows[group].info.nextHops += row.info.nextHops
        } else {
            rows.insert(row, at: present[present.count - 1] + 1)
        }
        return nil
    }

    mutating func delete(_ prefix: Prefix, _ tos: UInt8, _ metric: UInt32?, _ gateway: IPAddress?) -> FIBError.Errno? {
        for index in rows.indices where rows[index].prefix == prefix && rows[index].tos == tos {
            if let metric, rows[index].metric != metric { continue }
            guard let gateway else {
                rows.remove(at: index)
                return nil
            }
            if family == .inet || !isGroup(rows[index]) {
                guard rows[index].info.nextHops.first?.gateway == gateway else { continue }
                rows.remove(at: index)
                return nil
            }
            guard let leg = rows[index].info.nextHops.firstIndex(where: { $0.gateway == gateway }) else { continue }
            rows[index].info.nextHops.remove(at: leg)
            if rows[index].info.nextHops.isEmpty { rows.remove(at: index) }
            return nil
        }
        let isBare = metric == nil && gateway == nil
        return prefix == .default(.inet6) && isBare && !rows.contains { $0.prefix == prefix } ? .enoent : .esrch
    }
}

@Suite struct ModelTests {
    @Test(
        "Random verbs do to a table what the rules say they do to a flat list",
        arguments: [AddressFamily.inet, .inet6], UInt64(1)...20)
    func agrees(family: AddressFamily, seed: UInt64) throws {
        var random = SeededGenerator(seed: seed)
        var model = Model(family: family)
        var table = RouteTable(family: family)
        var sequence = ChangeSequence.zero
        func apply(_ edit: RouteEdit) {
            sequence = sequence.next
            table.apply(edit, version: sequence, hash: EntryHash(high: 1, low: sequence.rawValue))
            table._checkInvariants()
        }
        for step in 0..<400 {
            let row = Self.row(family, &random)
            var errno: FIBError.Errno?
            let expected: FIBError.Errno?
            do throws(FIBError) {
                if Int.random(in: 0..<4, using: &random) == 0 {
                    var selector = RouteSelector(prefix: row.prefix)
                    selector.tos = row.tos
                    selector.metric = Bool.random(using: &random) ? row.metric : nil
                    let gateway = Bool.random(using: &random) ? row.info.nextHops.first?.gateway : nil
                    if let gateway { selector.nextHops = [NextHop(gateway: gateway)] }
                    expected = model.delete(row.prefix, row.tos, selector.metric, gateway)
                    apply(try table.decideDelete(selector))
                } else {
                    let verb = RouteVerb.allCases.randomElement(using: &random) ?? .add
                    expected = model.run(verb, row)
                    let route = Route(prefix: row.prefix, tos: row.tos, metric: row.metric, info: RouteInfo(row.info))
                    if case .edit(let edit) = try table.decide(verb, route) { apply(edit) }
                }
            } catch {
                errno = error.errno
            }
            #expect(errno == expected, "step \(step)")
            var cursor = table.image.cursor()
            var rows: [Model.Row] = []
            while let (key, value) = cursor.next() {
                rows.append(
                    Model.Row(prefix: key.prefix(family), tos: key.tos, metric: key.metric, info: value.info.fields))
            }
            #expect(rows == model.rows, "step \(step)")
            if rows != model.rows { return }
        }
    }

    private static func row(_ family: AddressFamily, _ random: inout SeededGenerator) -> Model.Row {
        let texts =
            family == .inet ? ["10.0.0.0/8", "10.0.0.0/16", "0.0.0.0/0"] : ["2001:db8::/32", "2001:db8::/48", "::/0"]
        let prefix = texts.randomElement(using: &random).flatMap { try? Prefix($0) } ?? .default(family)
        var fields = RouteInfo.Fields()
        fields.protocol = [.boot, .boot, .bgp, .kernel, .routerAdvertisement].randomElement(using: &random) ?? .boot
        let first = UInt64.random(in: 1..<5, using: &random)
        for hop in 0..<UInt64.random(in: 0..<3, using: &random) {
            let gateway =
                family == .inet
                ? IPAddress(inet: 0xc000_0200 + UInt32(first + hop)) : IPAddress(inet6: 1 << 61, first + hop)
            fields.nextHops.append(NextHop(gateway: gateway))
        }
        if fields.nextHops.isEmpty { fields.nextHops = [NextHop(device: "d\(first)")] }
        fields.metric = UInt32.random(in: 1..<3, using: &random)
        return Model.Row(
            prefix: prefix, tos: family == .inet ? [0, 0, 8].randomElement(using: &random) ?? 0 : 0,
            metric: fields.metric, info: fields)
    }
}
