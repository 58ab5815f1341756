import Addressing
import Routing
import Testing

/// What is refused before any table is looked at.
@Suite struct ValidationTests {
    private static func fields(_ change: (inout RouteInfo.Fields) -> Void) -> RouteInfo.Fields {
        var fields = RouteInfo.Fields()
        change(&fields)
        return fields
    }

    private static func address(_ text: String) -> IPAddress {
        (try? IPAddress(text)) ?? .unspecified(.inet)
    }

    struct Case: CustomTestStringConvertible, Sendable {
        let rule: String
        let errno: FIBError.Errno
        let prefix: String
        var tos: UInt8 = 0
        let fields: RouteInfo.Fields
        var testDescription: String { "\(rule) \(prefix)" }
    }

    static let refused: [Case] = [
        Case(
            rule: "R1-27", errno: .einval, prefix: "10.0.0.0/8", tos: 1,
            fields: fields { $0.nextHops = [NextHop(device: "d1")] }),
        Case(
            rule: "R1-27", errno: .einval, prefix: "2001:db8::/32", tos: 8,
            fields: fields { $0.nextHops = [NextHop(device: "d1")] }),
        Case(
            rule: "R1-28", errno: .einval, prefix: "2001:db8::/32",
            fields: fields {
                $0.scope = .link; $0.nextHops = [NextHop(device: "d1")]
            }),
        Case(
            rule: "R1-32", errno: .einval, prefix: "10.0.0.0/8",
            fields: fields {
                $0.type = .blackhole; $0.nextHops = [NextHop(device: "d1")]
            }),
        Case(
            rule: "R1-32", errno: .einval, prefix: "2001:db8::/32",
            fields: fields {
                $0.type = .prohibit; $0.nextHops = [NextHop(gateway: address("2001:db8::1"))]
            }),
        Case(
            rule: "R1-33", errno: .einval, prefix: "10.0.0.0/8",
            fields: fields {
                $0.type = .local; $0.scope = .link; $0.nextHops = [NextHop(device: "d1")]
            }),
        Case(
            rule: "R1-50", errno: .einval, prefix: "10.0.0.0/8",
            fields: fields { $0.nextHops = [NextHop(device: "d1", weight: 257)] }),
        Case(
            rule: "R1-58", errno: .einval, prefix: "2001:db8::/32",
            fields: fields { $0.nextHops = [NextHop(device: "d1"), NextHop(gateway: address("2001:db8::2"))] }),
        Case(
            rule: "R1-58", errno: .eexist, prefix: "2001:db8::/32",
            fields: fields {
                $0.nextHops = [NextHop(gateway: address("2001:db8::2")), NextHop(gateway: address("2001:db8::2"))]
            }),
        Case(
            rule: "R1-73", errno: .einval, prefix: "10.0.0.0/8",
            fields: fields { $0.nextHops = [NextHop(gateway: address("255.255.255.255"), device: "d1")] }),
        Case(
            rule: "R1-76", errno: .enodev, prefix: "10.0.0.0/8",
            fields: fields { $0.nextHops = [NextHop(gateway: address("9.9.9.9"), flags: .onlink)] }),
        Case(
            rule: "R1-76", errno: .einval, prefix: "10.0.0.0/8",
            fields: fields {
                $0.scope = .link; $0.nextHops = [NextHop(gateway: address("9.9.9.9"), device: "d1", flags: .onlink)]
            }),
        Case(rule: "R1-77", errno: .enodev, prefix: "10.0.0.0/8", fields: fields { _ in }),
        Case(rule: "R1-77", errno: .enodev, prefix: "2001:db8::/32", fields: fields { _ in }),
        Case(
            rule: "R1-81", errno: .einval, prefix: "10.0.0.0/8",
            fields: fields {
                $0.scope = .host; $0.nextHops = [NextHop(gateway: address("192.0.2.2"), device: "d1")]
            }),
        Case(
            rule: "R1-100", errno: .einval, prefix: "2001:db8::/32",
            fields: fields { $0.nextHops = [NextHop(gateway: address("fe80::1"))] }),
        Case(
            rule: "R1-100", errno: .einval, prefix: "2001:db8::/32",
            fields: fields { $0.nextHops = [NextHop(gateway: address("ff02::1"), device: "d1")] }),
        Case(
            rule: "R1-100", errno: .einval, prefix: "2001:db8::/32",
            fields: fields { $0.nextHops = [NextHop(gateway: address("192.0.2.1"), device: "d1")] }),
    ]

    @Test("What the kernel refuses is refused with its errno", arguments: refused)
    func refuses(_ it: Case) throws {
        let prefix = try Prefix(it.prefix)
        do {
            _ = try Route.validated(prefix: prefix, tos: it.tos, metric: nil, fields: it.fields)
            Issue.record("accepted")
        } catch {
            #expect(error.errno == it.errno && error.rule == it.rule, "\(error)")
        }
    }

    @Test("R1-30: nat and xresolve routes can't be added", arguments: [RouteType.nat, .xresolve])
    func refusesOldTypes(type: RouteType) throws {
        let fields = Self.fields { $0.type = type }
        #expect(throws: FIBError.self) {
            _ = try Route.validated(prefix: try Prefix("10.0.0.0/8"), tos: 0, metric: nil, fields: fields)
        }
    }

    @Test("R1-32: an IPv6 reject route with a device, as the kernel's dump shows it, is taken without it")
    func rejectRouteLosesItsDevice() throws {
        let fields = Self.fields {
            $0.type = .unreachable; $0.nextHops = [NextHop(device: "lo")]
        }
        let route = try Route.validated(prefix: .default(.inet6), tos: 0, metric: .max, fields: fields)
        #expect(route.info.nextHops.isEmpty)
    }

    @Test("R1-75: any gateway that is one host's address is accepted while links aren't known")
    func acceptsGateways() throws {
        let fields = Self.fields { $0.nextHops = [NextHop(gateway: Self.address("9.9.9.9"))] }
        #expect(throws: Never.self) {
            _ = try Route.validated(prefix: try Prefix("10.0.0.0/8"), tos: 0, metric: nil, fields: fields)
        }
    }

    @Test("R1-02: table 0 is main; names and numbers name the same tables")
    func namesTables() {
        #expect(TableID(rawValue: 0) == .main)
        for (name, number) in [("main", 254), ("local", 255), ("default", 253), ("unspec", 254)] as [(String, UInt32)] {
            #expect(TableID(name: name) == TableID(name: String(number)))
        }
        #expect(TableID(name: "100")?.name == "100" && TableID(name: "4294967295")?.rawValue == .max)
        for wrong in ["", "+5", "-1", "4294967296", "5x", "Main"] { #expect(TableID(name: wrong) == nil) }
    }
}
