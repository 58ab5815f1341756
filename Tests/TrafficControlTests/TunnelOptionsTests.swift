import Routing
import TestSupport
import Testing

@testable import TrafficControl

/// The options of tunnels, as `tc` takes and prints them.
@Suite struct TunnelOptionsTests {
    private func match(_ values: FlowMembers) throws(FIBError) -> FlowMatch {
        try FlowMatch(values, protocol: .ip)
    }

    private func printed(_ values: FlowMembers) throws -> FlowMembers {
        try match(values).values.without("eth_type")
    }

    private static func list(_ options: [(String, FlowValue)]...) -> FlowValue {
        .list(options.map { .object(FlowMembers($0)) })
    }

    private static func bytes(_ bytes: UInt64...) -> FlowValue { .list(bytes.map { .number($0) }) }

    @Test("Geneve: several options, each with its mask; what a mask doesn't say counts whole")
    func geneve() throws {
        let key = Self.list(
            [("class", .number(0x102)), ("type", .number(0x80)), ("data", Self.bytes(0, 0x88, 0, 0x22))],
            [("class", .number(0x102)), ("type", .number(1)), ("data", Self.bytes(1, 2, 3, 4, 5, 6, 7, 8))])
        let mask = Self.list(
            [("class", .number(0xFFFF)), ("type", .number(0xFF)), ("data", Self.bytes(0, 255, 255, 255))],
            [
                ("class", .number(0xFFFF)), ("type", .number(0xFF)),
                ("data", Self.bytes(255, 255, 255, 255, 255, 255, 255, 255)),
            ])
        let both: FlowMembers = ["geneve_opt_key": key, "geneve_opt_mask": mask]
        #expect(
            try printed(["geneve_opts": .text("0102:80:55880022/ffff:ff:00ffffff,0102:01:0102030405060708")]) == both)
        #expect(try printed(both) == both)
        let options = try #require(try match(both).options)
        #expect(options.key.bytes == [1, 2, 0x80, 1, 0, 0x88, 0, 0x22, 1, 2, 1, 2, 1, 2, 3, 4, 5, 6, 7, 8])
        // Members that the mask leaves out, and a whole option.
        #expect(
            try match(["geneve_opts": .text("0102:80:55880022/::00ffffff,0102:01:0102030405060708")])
                == match(["geneve_opts": .text("0102:80:55880022/ffff:ff:00ffffff,0102:01:0102030405060708")]))
    }

    @Test(
        "Each kind is printed as a list with one option, and always with its mask",
        arguments: [
            ("vxlan", "5", "gbp 5", "gbp 4784127"), ("vxlan", "0x10005/0xffff", "", ""),
            ("vxlan", "0x80005/0xffffff0f", "gbp 524293", "gbp 4783887"),
            ("erspan", "1:7:0:0", "dir 0, hwid 0, index 7, ver 1", "dir 0, hwid 0, index 4294967295, ver 1"),
            ("erspan", "1:7", "dir 0, hwid 0, index 7, ver 1", "dir 0, hwid 0, index 4294967295, ver 1"),
            (
                "erspan", "1:0x107:1:3/1:0xff:0xff:0xff", "dir 0, hwid 0, index 7, ver 1",
                "dir 0, hwid 0, index 255, ver 1"
            ),
            ("erspan", "2:0:1:63", "dir 1, hwid 63, index 0, ver 2", "dir 1, hwid 63, index 0, ver 2"),
            ("erspan", "2::1:5/2::0:0xff", "dir 0, hwid 5, index 0, ver 2", "dir 0, hwid 63, index 0, ver 2"),
            ("gtp", "01:2f", "pdu_type 1, qfi 47", "pdu_type 255, qfi 255"),
            ("gtp", "1:2f/ff:0", "pdu_type 1, qfi 0", "pdu_type 255, qfi 0"),
            ("pfcp", "01:1f", "seid 31, type 1", "seid 18446744073709551615, type 255"),
        ])
    func oneOption(kind: String, text: String, key: String, mask: String) throws {
        func members(_ value: FlowValue?) -> String {
            guard case .list(let list)? = value, case .object(let members)? = list.first, list.count == 1 else {
                return ""
            }
            return members.map { "\($0.name) \($0.value.number ?? 0)" }.joined(
                separator: ", ")
        }
        guard let match = try? match(["\(kind)_opts": .text(text)]) else { return #expect(key.isEmpty) }
        #expect(members(match.values["\(kind)_opt_key"]) == key)
        #expect(members(match.values["\(kind)_opt_mask"]) == mask)
        #expect(try self.match(match.values) == match)
    }

    @Test("A number stands for itself, and the mask may be left out")
    func shortForms() throws {
        let match = try match(["vxlan_opts": .number(5)])
        #expect(try self.match(["vxlan_opts": .text("5")]) == match)
        #expect(try self.match(["vxlan_opt_key": Self.list([("gbp", .text("0x5"))])]) == match)
        #expect(
            try self.match([
                "geneve_opt_key": Self.list([("class", .number(1)), ("type", .number(2)), ("data", .text("00ff00ff"))])
            ]) == self.match(["geneve_opts": .text("1:2:00ff00ff")]))
    }

    @Test(
        "What means nothing is refused with a reason",
        arguments: [
            (["geneve_opts": .text("0102:80")], "have data"), (["geneve_opts": .text("0102:80:01")], "in fours"),
            (["geneve_opts": .text("0102:80:0102030")], "in fours"), (["geneve_opts": .text("0102::01020304")], "type"),
            (["geneve_opts": .text("10102:80:01020304")], "class"),
            (["geneve_opts": .text("0102:+8:01020304")], "0102:80"),
            (["geneve_opts": .text("1:2:01020304:5")], "0102:80"), (["geneve_opts": .text("")], "class"),
            (["geneve_opts": .text("1:2:01020304/1:2:0102030405060708")], "as much data"),
            (["geneve_opts": .text("1:2:01020304,")], "class"), (["geneve_opts": .list([])], "0102:80"),
            (["geneve_opts": .text("1:2:" + String(repeating: "00", count: 128))], "124"),
            (
                [
                    "geneve_opts": .text(
                        ["1", "2", "3"].map { "1:\($0):" + String(repeating: "00", count: 84) }.joined(separator: ","))
                ], "264 bytes"
            ),
            (["vxlan_opts": .number(0x10000)], "0x48ffff"), (["vxlan_opts": .text("1:2")], "group policy"),
            (["vxlan_opts": .text("1/0x100000000")], "32 bits"), (["erspan_opts": .text("3:1:0:0")], "1 or 2"),
            (["erspan_opts": .text("1:1:0:0/2:1:0:0")], "same version"), (["erspan_opts": .text("1:")], "index"),
            (["erspan_opts": .text("2:0:1:64")], "hwid"), (["erspan_opts": .text("2:0:2:1")], "dir"),
            (["erspan_opts": .text("2:0:1")], "hwid"), (["gtp_opts": .text("1")], "qfi"),
            (["gtp_opts": .text("100:1")], "8 bits"), (["pfcp_opts": .text("1")], "seid"),
            (["vxlan_opt_mask": .list([.object(["gbp": .number(1)])])], "without vxlan_opt_key"),
            (["vxlan_opt_key": .list([])], "one option"), (["vxlan_opt_key": .number(5)], "one option"),
            (["vxlan_opt_key": .list([.object(["gdp": .number(1)])])], "has gbp, and no more"),
            (["vxlan_opts": .number(5), "vxlan_opt_mask": .list([.object(["gbp": .number(1)])])], "also the mask"),
            (["vxlan_opts": .number(5), "gtp_opts": .text("1:1")], "one tunnel, not of gtp and vxlan"),
            (["geneve_opt_key": .list([.object([:])])], "class"), (["enc_opts": .text("1")], "no key 'enc_opts'"),
        ] as [(FlowMembers, String)])
    func refusals(values: FlowMembers, part: String) {
        do throws(FIBError) {
            Issue.record("\(try match(values).values)")
        } catch {
            #expect(error.errno == .einval && error.message.contains(part), "\(error.message)")
        }
    }

    @Test("Filters are the same if kind, length, mask and what counts of the options are")
    func identity() throws {
        func same(_ a: (String, String), _ b: (String, String)) throws -> (isSame: Bool, isOfOneMask: Bool) {
            let (a, b) = (try match([a.0: .text(a.1)]), try match([b.0: .text(b.1)]))
            #expect((a == b) == (Set([a, b]).count == 1))
            return (a == b, FlowMask(of: a) == FlowMask(of: b))
        }
        #expect(try same(("vxlan_opts", "0x15/0xf"), ("vxlan_opts", "0x25/0xf")) == (true, true))
        #expect(try same(("vxlan_opts", "0x15/0xf"), ("vxlan_opts", "0x26/0xf")) == (false, true))
        #expect(try same(("vxlan_opts", "0x15/0xf"), ("vxlan_opts", "0x15/0x1f")) == (false, false))
        #expect(try same(("gtp_opts", "0:0/0:0"), ("geneve_opts", "0:0:00000000/0:0:00000000")) == (false, false))
        #expect(
            try same(
                ("geneve_opts", "0:0:00000000/0:0:00000000"),
                ("geneve_opts", "0:0:0000000000000000/0:0:0000000000000000")) == (false, false))
        #expect(FlowMask(of: try match([:])) != FlowMask(of: try match(["gtp_opts": .text("0:0/0:0")])))
    }

    @Test("R4-90, R4-91: a filter for the same options is there already, and an update compares the same bits")
    func inFilters() {
        let lab = TrafficLab()
        func write(_ text: String, _ fill: (inout FilterWrite) -> Void = { _ in }) -> String {
            var write = FilterWrite()
            (write.kind, write.protocol, write.priority) = ("flower", .ip, 1)
            write.options = ["keys": .object(["vxlan_opts": .text(text)])]
            fill(&write)
            return lab.write(write)
        }
        #expect(write("5") == "0/1/1")
        #expect(write("5") == "EEXIST R4-90")
        #expect(write("6") == "0/1/2")
        #expect(write("7/0xf") == "0/1/3")
        #expect(write("x") == "EINVAL ")
        #expect(write("8") { ($0.verb, $0.handle) = (.replace, 1) } == "0/1/1")
        #expect(write("8/0xff") { ($0.verb, $0.handle) = (.replace, 1) } == "EINVAL R4-91")
        #expect(write("6") { ($0.verb, $0.handle) = (.replace, 1) } == "EEXIST R4-90")
        lab.check()
    }

    @Test("R4-17: a template's options are of the same kind and length, and have all bits that the filter's compare")
    func templates() throws {
        let filter = try match(["vxlan_opts": .text("5/0xff")])
        let bare = try match([:])
        #expect(bare.isWithin(filter) && filter.isWithin(filter))
        #expect(!filter.isWithin(bare))
        #expect(filter.isWithin(try match(["vxlan_opts": .text("0/0xfff")])))
        #expect(!filter.isWithin(try match(["vxlan_opts": .text("0/0x7f")])))
        #expect(!filter.isWithin(try match(["gtp_opts": .text("0:0")])))
        let long = try match(["geneve_opts": .text("1:2:01020304,1:2:01020304")])
        #expect(!(try match(["geneve_opts": .text("1:2:01020304")]).isWithin(long)))
        // What it compares beside them counts as before.
        #expect(!(try match(["vxlan_opts": .text("5"), "enc_key_id": .number(1)]).isWithin(filter)))
    }

    @Test("Packets have options of the same kind and length, and the same in the bits that count")
    func packets() throws {
        let lab = TrafficLab()
        for (handle, options) in [
            ("vxlan_opts", "5/0xf"), ("gtp_opts", "1:5"), ("geneve_opts", "0102:80:01000000/ffff:ff:ff000000"),
        ].enumerated() {
            var write = FilterWrite()
            (write.kind, write.protocol, write.priority) = ("flower", .ip, 1)
            write.handle = UInt32(handle) + 1
            write.options = ["keys": .object([options.0: .text(options.1)])]
            #expect(lab.write(write) == "0/1/\(handle + 1)")
        }
        func found(_ options: TunnelOptions?) -> UInt32? {
            var fields = FlowBits()
            fields[.etherType] = 0x800
            return lab.block.classify(Packet(.ip, fields, options: options), traces: true).steps.last?.filter?.handle
        }
        #expect(found(nil) == nil)
        #expect(found(TunnelOptions(.vxlan, [0, 0, 0, 0x25])) == 1)
        #expect(found(TunnelOptions(.vxlan, [0, 0, 0, 0x26])) == nil)
        #expect(found(TunnelOptions(.erspan, [0, 0, 0, 0x25])) == nil)
        #expect(found(TunnelOptions(.gtp, [1, 5])) == 2)
        #expect(found(TunnelOptions(.gtp, [1, 5, 0])) == nil)
        #expect(found(TunnelOptions(.geneve, [1, 2, 0x80, 1, 1, 9, 9, 9])) == 3)
        #expect(found(TunnelOptions(.geneve, [1, 2, 0x80, 0xE1, 1, 9, 9, 9])) == 3)
        #expect(found(TunnelOptions(.geneve, [1, 2, 0x80, 2, 1, 9, 9, 9, 0, 0, 0, 0])) == nil)
        #expect(found(try match(["geneve_opts": .text("0102:80:01020304")]).options?.key) == 3)
    }

    @Test("Bytes are kept as they are, from 1 to 255 of them")
    func bytes() {
        for count in 1...255 {
            let bytes = (0..<count).map { UInt8($0 & 0xFF) ^ 0xA5 }
            #expect(TunnelOptions(.geneve, bytes)?.bytes == bytes)
        }
        #expect(TunnelOptions(.geneve, []) == nil)
        #expect(TunnelOptions(.geneve, Array(repeating: 0, count: 256)) == nil)
    }

    @Test("What is printed means the same again", arguments: UInt64(1)...4)
    func printedMeansTheSame(seed: UInt64) throws {
        var random = SeededGenerator(seed: seed)
        func option(_ kind: TunnelOptions.Kind, _ version: UInt64, _ length: Int, isMask: Bool) -> FlowValue {
            var members: FlowMembers = [:]
            for member in kind.members {
                let number = UInt64.random(in: 0...(.max >> UInt64(64 - 8 * member.size)), using: &random)
                members[member.name] = .number(member.name == "ver" ? version : isMask ? number : number & member.all)
            }
            if kind == .geneve {
                members["data"] = .list((0..<length).map { _ in .number(.random(in: 0...255, using: &random)) })
            }
            return .object(members)
        }
        for _ in 0..<200 {
            let kind = TunnelOptions.Kind.allCases.randomElement(using: &random) ?? .geneve
            let lengths = (0..<(kind == .geneve ? .random(in: 1...4, using: &random) : 1))
                .map { _ in 4 * Int.random(in: 1...12, using: &random) }
            let version = UInt64.random(in: 1...2, using: &random)
            var values: FlowMembers = [
                "\(kind)_opt_key": .list(lengths.map { option(kind, version, $0, isMask: false) })
            ]
            if Bool.random(using: &random) {
                values["\(kind)_opt_mask"] = .list(lengths.map { option(kind, version, $0, isMask: true) })
            }
            let match = try match(values)
            #expect(try self.match(match.values) == match)
            #expect(PackedMatch(match, FlowMask(of: match)).match == match)
        }
    }
}
