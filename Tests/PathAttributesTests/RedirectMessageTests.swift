import Addressing
import Routing
import Testing

@testable import PathAttributes

/// Whom one believes that another router is nearer.
@Suite struct RedirectMessageTests {
    private let view = {
        var view = PathTestView()
        view.add("eth0", "192.0.2.5/24", "198.51.100.5/24", "2001:db8::5/64", "fe80::5/64")
        view.add("eth1", "203.0.113.5/24", acceptsRedirects: false)
        return view
    }()
    private let way = PresentWay(over: "eth0", by: PathLab.address("192.0.2.1"))

    private func decide(
        to gateway: String, from sender: String = "192.0.2.1", of destination: String = "10.9.8.7",
        _ way: PresentWay?, _ view: PathTestView,
        _ fill: (inout PathSettings, inout RedirectMessage) -> Void = { _, _ in }
    ) -> String {
        var message = RedirectMessage(
            PathLab.address(destination), to: PathLab.address(gateway), from: PathLab.address(sender))
        var settings = PathSettings(message.destination.family)
        fill(&settings, &message)
        let isGateway = way.map { view.isGateway(message.gateway, over: message.device ?? $0.device) } ?? false
        let decision = message.decide(way, nil, settings, view, isGateway: isGateway)
        let redirect = decision.information?.redirect
        #expect((redirect != nil) == decision.bumps)
        return "\(decision.outcome.rawValue) \(decision.rule)"
            + (redirect.map { " \($0.gateway) \(($0.expires - view.now) / 1_000)" } ?? "")
    }

    @Test("R5-36: one that is believed counts for 300 s, or as long as is set, beside what else is known")
    func accepted() {
        #expect(decide(to: "192.0.2.2", way, view) == "accepted R5-36 192.0.2.2 300")
        #expect(
            decide(to: "192.0.2.2", way, view) { settings, _ in settings.redirectLifetime = 7 }
                == "accepted R5-36 192.0.2.2 7")
        for code in UInt8(0)...3 {
            #expect(decide(to: "192.0.2.2", way, view) { $1.code = code } == "accepted R5-36 192.0.2.2 300")
        }
        let known = PathInformation(mtu: .init(1_400, expires: view.now + 5))
        let message = RedirectMessage(
            PathLab.address("10.9.8.7"), to: PathLab.address("192.0.2.2"), from: PathLab.address("192.0.2.1"))
        #expect(message.decide(way, known, PathSettings(.inet), view).information?.mtu == known.mtu)
    }

    @Test("R5-30: of four codes, by the router that packets go by, whichever link it comes by")
    func senders() {
        #expect(decide(to: "192.0.2.2", way, view) { $1.code = 4 } == "rejected R5-30")
        #expect(decide(to: "192.0.2.2", from: "192.0.2.9", way, view) == "rejected R5-30")
        #expect(decide(to: "192.0.2.2", nil, view) == "rejected R5-30")
        #expect(decide(to: "192.0.2.2", PresentWay(over: "eth0", by: nil), view) == "rejected R5-30")
        #expect(decide(to: "192.0.2.2", way, view) { $1.device = "eth1" } == "accepted R5-36 192.0.2.2 300")
        #expect(decide(to: "192.0.2.2", way, view) { $1.code = 9 } == "accepted R5-36 192.0.2.2 300")
        #expect(decide(to: "192.0.2.2", way, view) { $1.device = "eth0" } == "accepted R5-36 192.0.2.2 300")
    }

    @Test(
        "R5-31: not to the present router, nor to what can be none",
        arguments: [
            "192.0.2.1", "224.0.0.1", "239.1.2.3", "255.255.255.255", "0.0.0.0", "0.1.2.3",
        ])
    func gateways(gateway: String) { #expect(decide(to: gateway, way, view) == "rejected R5-31") }

    @Test(
        "R5-32: routers heed redirects if the namespace and the link say so, others if either does",
        arguments: [
            (false, true, true, true), (false, true, false, true), (false, false, true, true),
            (false, false, false, false),
            (true, true, true, true), (true, true, false, false), (true, false, true, false),
            (true, false, false, false),
        ])
    func acceptance(isForwarding: Bool, namespace: Bool, link: Bool, isAccepted: Bool) {
        let device = link ? "eth0" : "eth1"
        let (sender, gateway) = link ? ("192.0.2.1", "192.0.2.2") : ("203.0.113.1", "203.0.113.2")
        let way = PresentWay(over: device, by: PathLab.address(sender))
        let found = decide(to: gateway, from: sender, way, view) { settings, _ in
            (settings.isForwarding, settings.acceptsRedirects) = (isForwarding, namespace)
        }
        #expect(found == (isAccepted ? "accepted R5-36 \(gateway) 300" : "rejected R5-32"))
    }

    @Test("R5-33: where routers share no medium, both are of one subnet of the link, and a route leads by the new one")
    func subnets() {
        func decided(_ gateway: String, isSecure: Bool, _ view: PathTestView) -> String {
            decide(to: gateway, way, view) { settings, _ in
                (settings.hasSharedMedia, settings.hasSecureRedirects) = (false, isSecure)
            }
        }
        var other = view
        other.lead(by: "192.0.2.2", over: "eth0")
        other.lead(by: "192.0.2.3", over: "eth1")
        #expect(decided("198.51.100.2", isSecure: false, view) == "rejected R5-33")
        #expect(decided("10.0.0.1", isSecure: false, view) == "rejected R5-33")
        #expect(decided("192.0.2.2", isSecure: false, view) == "accepted R5-36 192.0.2.2 300")
        #expect(decided("192.0.2.2", isSecure: true, view) == "rejected R5-33")
        #expect(decided("192.0.2.2", isSecure: true, other) == "accepted R5-36 192.0.2.2 300")
        #expect(decided("192.0.2.3", isSecure: true, other) == "rejected R5-33")
    }

    @Test(
        "R5-34: where they do, the new one may be anyone but oneself and all others",
        arguments: [
            ("192.0.2.5", "rejected R5-34"), ("192.0.2.255", "rejected R5-34"), ("203.0.113.5", "rejected R5-34"),
            ("198.51.100.2", "accepted R5-36 198.51.100.2 300"), ("10.0.0.1", "accepted R5-36 10.0.0.1 300"),
        ])
    func unicast(gateway: String, expected: String) { #expect(decide(to: gateway, way, view) == expected) }

    @Test(
        "R5-36: a router that doesn't answer is not believed in; one of which nothing is known only where links are checked"
    )
    func neighbours() {
        var view = view
        view.add("192.0.2.2", on: "eth0", .failed)
        view.add("192.0.2.3", on: "eth0", .stale)
        view.add("192.0.2.4", on: "eth1", .reachable)
        #expect(decide(to: "192.0.2.2", way, view) == "ignored R5-36")
        #expect(decide(to: "192.0.2.3", way, view) == "accepted R5-36 192.0.2.3 300")
        #expect(decide(to: "192.0.2.4", way, view) == "accepted R5-36 192.0.2.4 300")
        view.isStrict = true
        #expect(decide(to: "192.0.2.3", way, view) == "accepted R5-36 192.0.2.3 300")
        #expect(decide(to: "192.0.2.4", way, view) == "ignored R5-36")
    }

    @Test("R5-59: of IPv6, to the destination itself or a link-local router, by the present one, not by who forwards")
    func inet6() {
        let way = PresentWay(over: "eth0", by: PathLab.address("fe80::1"))
        func decided(
            _ gateway: String, of destination: String = "2001:db8:9::9", from sender: String = "fe80::1",
            _ fill: (inout PathSettings, inout RedirectMessage) -> Void = { _, _ in }
        ) -> String { decide(to: gateway, from: sender, of: destination, way, view, fill) }
        #expect(decided("fe80::2") == "accepted R5-59 fe80::2 300")
        #expect(decided("2001:db8:9::9") == "accepted R5-59 2001:db8:9::9 300")
        #expect(decided("2001:db8::2") == "rejected R5-59")
        #expect(decided("fe80::2", of: "ff02::1") == "rejected R5-59")
        #expect(decided("fe80::2", from: "fe80::9") == "rejected R5-59")
        #expect(decided("fe80::2") { settings, _ in settings.isForwarding = true } == "ignored R5-59")
        #expect(decided("fe80::2") { settings, _ in settings.acceptsRedirects = false } == "ignored R5-59")
        let silent = PresentWay(over: "eth1", by: PathLab.address("fe80::1"))
        #expect(decide(to: "fe80::2", from: "fe80::1", of: "2001:db8:9::9", silent, view) == "ignored R5-59")
        #expect(decide(to: "fe80::2", from: "fe80::1", of: "2001:db8:9::9", nil, view) == "rejected R5-59")
    }
}
