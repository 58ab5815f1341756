import ControlPlane
import ServiceSupport
import Synchronization
import Testing

/// Peers, messages about paths, cached routes and what lookups say of them, as a client sees them.
@Suite struct PathResourceTests {
    private let service: LocalService
    private let clock = Clock()

    private final class Clock: Sendable {
        private let time = Atomic<UInt64>(1_700_000_000_000)
        var now: UInt64 { time.load(ordering: .relaxed) }
        func move(seconds: UInt64) { time.wrappingAdd(seconds * 1_000, ordering: .relaxed) }
    }

    init() {
        let clock = clock
        service = LocalService(ControlPlane(limits: .init(logBytes: 1 << 20), clock: { clock.now }))
        let link = #"{"mtu":1500,"addresses":["192.0.2.9/24","2001:db8:1::9/64"]}"#
        #expect(service.call("PUT", "/v1/links/eth0", link).status == 201)
        for route in [
            #"{"dst":"0.0.0.0/0","gateway":"192.0.2.1","dev":"eth0"}"#,
            #"{"dst":"::/0","gateway":"fe80::1","dev":"eth0"}"#,
        ] { #expect(service.call("POST", "/v1/routes", route).status == 201) }
    }

    private func tell(_ body: String, _ query: String = "") -> LocalService.Reply {
        service.call("POST", "/v1/path-events\(query)", body)
    }

    private func pmtu(_ mtu: Int, to host: String = "203.0.113.9", of length: Int = 1_500) -> String {
        tell(#"{"type":"pmtu","destination":"\#(host)","mtu":\#(mtu),"packet_length":\#(length),"source":"192.0.2.1"}"#)
            .body
    }

    private func get(_ target: String) -> String { service.call("GET", target).body }
    private func set(_ settings: String) {
        #expect(service.call("PATCH", "/v1/namespaces/default", settings).status == 200, "\(settings)")
    }

    // MARK: Messages

    @Test("A message is answered with what came of it, by which rule, the peer as it is then, and the generation")
    func accepted() {
        let answer = pmtu(1_400)
        for part in [
            #""result":"accepted""#, #""rule":"R5-21""#, #""pmtu":1400"#, #""expires":600"#, #""generation":1"#,
            #""address":"203.0.113.9""#, #""source":"192.0.2.1""#, #""refcount":0"#,
        ] { #expect(answer.contains(part), "\(part) in \(answer)") }
        #expect(pmtu(1_400).contains(#""result":"ignored","rule":"R5-52""#))
        #expect(get("/v1/peers/203.0.113.9").contains(#""pmtu":1400"#))
    }

    @Test("An array is answered one by one; if one can't be read, none is taken in")
    func array() {
        let one = #"{"type":"pmtu","destination":"203.0.113.1","mtu":1400}"#
        let two = #"{"type":"redirect","destination":"203.0.113.2","gateway":"192.0.2.2","source":"192.0.2.1"}"#
        let bad = tell("[\(one),{\"type\":\"pmtu\",\"destination\":\"203.0.113.3\"}]")
        #expect(bad.status == 422 && bad.body.contains(#""pointer":"/1""#))
        #expect(get("/v1/peers") == "[]\n")
        let nowhere = #"{"type":"pmtu","destination":"203.0.113.4","mtu":1400,"namespace":"nowhere"}"#
        #expect(tell("[\(one),\(nowhere)]").status == 404 && get("/v1/peers") == "[]\n")
        let answer = tell("[\(one),\(two)]").body
        #expect(answer.split(separator: #""result":"accepted""#).count == 3)
        #expect(tell("[]").body == "[]\n")
    }

    @Test("NDJSON is counted by what came of it and by rules; lines that are no messages are told with their numbers")
    func lines() {
        let lines = [
            #"{"type":"pmtu","destination":"203.0.113.1","mtu":1400}"#, "",
            #"{"type":"pmtu","destination":"203.0.113.1","mtu":1450}"#, "{", #"{"icmp":"0304"}"#,
            #"{"type":"redirect","destination":"203.0.113.1","gateway":"192.0.2.2","source":"192.0.2.77"}"#,
        ]
        let answer = service.call(
            "POST", "/v1/path-events", lines.joined(separator: "\n"), ("Content-Type", "application/x-ndjson"))
        #expect(answer.status == 200)
        #expect(answer.body.hasPrefix(#"{"accepted":1,"ignored":1,"invalid":[{"line":4,"#), "\(answer.body)")
        #expect(
            answer.body.contains(#""invalid_count":2,"rejected":1,"rules":{"R5-21":2,"R5-30":1}"#), "\(answer.body)")
    }

    @Test("A dry run says the same, and changes nothing")
    func dryRun() {
        let answer = tell(#"{"type":"pmtu","destination":"203.0.113.9","mtu":1400}"#, "?dry_run=1")
        #expect(answer.body.hasPrefix(#"{"dry_run":true,"generation":0,"#) && answer.body.contains("accepted"))
        #expect(get("/v1/peers") == "[]\n")
    }

    @Test(
        "What can't be a message is refused, and changes nothing",
        arguments: [
            #"{}"#, #"{"type":"pmtu","mtu":1400}"#, #"{"type":"pmtu","destination":"203.0.113.9"}"#,
            #"{"type":"redirect","destination":"203.0.113.9","gateway":"192.0.2.2"}"#,
            #"{"type":"redirect","destination":"203.0.113.9","gateway":"fe80::2","source":"192.0.2.1"}"#,
            #"{"type":"pmtu","destination":"203.0.113.9","mtu":1400,"gateway":"192.0.2.1"}"#,
            #"{"type":"redirect","destination":"203.0.113.9","gateway":"192.0.2.2","source":"192.0.2.1","mtu":1}"#,
            #"{"type":"pmtu","destination":"0.0.0.0","mtu":1400}"#, #"{"icmp":"0"}"#, #"{"icmp":"zz"}"#,
            #"{"icmp":""}"#, #"{"icmp":"0304000000000000","mtu":5}"#,
            #"{"to":"192.0.2.9","type":"pmtu","destination":"10.0.0.1","mtu":1}"#,
        ])
    func refused(body: String) {
        let answer = tell(body)
        #expect(answer.status == 422 && answer.body.contains(#""code":"EINVAL""#), "\(answer.body)")
        #expect(get("/v1/peers") == "[]\n")
    }

    @Test("The bytes of a message say the same as its fields; a packet that none of the links sent is not believed")
    func bytes() {
        // Fragmentation needed, mtu 1300, of a packet of 1500 bytes from 192.0.2.9 to 203.0.113.9.
        let message = ICMPBytes.tooLarge(mtu: 1_300, from: [192, 0, 2, 9], to: [203, 0, 113, 9])
        let answer = tell(#"{"icmp":"\#(message)","source":"192.0.2.1"}"#).body
        #expect(answer.contains(#""pmtu":1300"#) && answer.contains(#""rule":"R5-21""#), "\(answer)")
        let foreign = ICMPBytes.tooLarge(mtu: 1_200, from: [192, 0, 2, 77], to: [203, 0, 113, 9])
        let refused = tell(#"{"icmp":"\#(foreign)","source":"192.0.2.1"}"#).body
        #expect(refused.contains(#""result":"rejected","rule":"quoted-source""#))
        #expect(get("/v1/peers/203.0.113.9").contains(#""pmtu":1300"#))
    }

    // MARK: Guards

    @Test("Guards: the least MTU of a prefix, ignored sources and destinations, peers a source, messages a second")
    func guards() {
        set(
            #"{"path_guards":{"min_pmtu":[{"prefix":"203.0.113.0/24","mtu":1400},{"prefix":"203.0.113.64/26","mtu":1300}],"ignore_sources":["192.0.2.66/32"],"ignore_destinations":["203.0.113.200/30"],"peers_per_source":3}}"#
        )
        let low = pmtu(600)
        #expect(low.contains(#""pmtu":1400"#) && low.contains(#""locked":true"#) && low.contains("R5-52"))
        #expect(pmtu(600, to: "203.0.113.70").contains(#""pmtu":1300"#))
        let ignored = tell(#"{"type":"pmtu","destination":"203.0.113.9","mtu":1300,"source":"192.0.2.66"}"#).body
        #expect(ignored.contains(#""result":"ignored","rule":"ignored-source""#))
        #expect(pmtu(1_450, to: "203.0.113.201").contains(#""rule":"ignored-destination""#))
        #expect(pmtu(1_450, to: "198.51.100.1").contains("accepted"))
        #expect(pmtu(1_450, to: "198.51.100.2").contains(#""result":"rejected","rule":"per-source""#))
        // One that is known already takes no more room.
        #expect(pmtu(1_449, to: "198.51.100.1").contains("accepted"))
        set(#"{"path_guards":{"peers_per_source":0,"events_per_second":2}}"#)
        let outcomes = (0..<3).map { pmtu(1_440, to: "198.51.100.\(10 + $0)").contains("accepted") }
        #expect(outcomes == [true, true, false] && pmtu(1_400, to: "198.51.100.99").contains(#""rule":"rate""#))
        clock.move(seconds: 1)
        #expect(pmtu(1_440, to: "198.51.100.12").contains("accepted"))
    }

    @Test(
        "Settings that can't be are refused",
        arguments: [
            #"{"ipv4":{"ip_no_pmtu_disc":4}}"#, #"{"ipv4":{"min_pmtu":67}}"#, #"{"ipv6":{"min_pmtu":1280}}"#,
            #"{"ipv4":{"mtu_expires":0}}"#, #"{"ipv6":{"shared_media":0}}"#, #"{"inet_peer_threshold":0}"#,
            #"{"path_guards":{"min_pmtu":[{"prefix":"2001:db8::/32","mtu":1279}]}}"#,
            #"{"path_guards":{"min_pmtu":[{"prefix":"10.0.0.0/8","mtu":67}]}}"#,
        ])
    func settingsRefused(body: String) {
        let answer = service.call("PATCH", "/v1/namespaces/default", body)
        #expect(answer.status == 422 && answer.body.contains("setting-invalid"), "\(answer.body)")
    }

    @Test("Settings are shown where they are not the kernel's defaults, under its names, and decide")
    func settings() {
        set(
            #"{"ipv4":{"ip_no_pmtu_disc":2,"mtu_expires":60,"redirect_expires":30,"forwarding":1,"accept_redirects":0},"ipv6":{"mtu_expires":30},"inet_peer_threshold":100,"inet_peer_minttl":1,"inet_peer_maxttl":2}"#
        )
        let shown = get("/v1/namespaces/default")
        #expect(shown.contains(#""inet_peer_maxttl":2,"inet_peer_minttl":1,"inet_peer_threshold":100,"#))
        #expect(
            shown.contains(
                #""ipv4":{"accept_redirects":0,"fib_notify_on_flag_change":0,"forwarding":1,"ip_no_pmtu_disc":2,"mtu_expires":60,"redirect_expires":30},"ipv6":{"fib_notify_on_flag_change":0,"mtu_expires":30}"#
            ), "\(shown)")
        #expect(pmtu(1_400).contains(#""result":"ignored","rule":"R5-58""#))
        let redirect = #"{"type":"redirect","destination":"203.0.113.9","gateway":"192.0.2.2","source":"192.0.2.1"}"#
        #expect(tell(redirect).body.contains(#""result":"rejected","rule":"R5-32""#))
        set(#"{"ipv4":{"ip_no_pmtu_disc":0,"forwarding":0}}"#)
        #expect(pmtu(1_400).contains(#""expires":60"#))
        // Without forwarding, the link's word is enough.
        #expect(tell(redirect).body.contains(#""gateway_expires":30"#))
        #expect(
            service.call("PUT", "/v1/links/eth0", #"{"accept_redirects":false}"#).body.contains(
                #""accept_redirects":false"#))
        let next = #"{"type":"redirect","destination":"203.0.113.9","gateway":"192.0.2.3","source":"192.0.2.2"}"#
        #expect(tell(next).body.contains("R5-32"))
    }

    // MARK: Peers

    @Test("Peers are listed in the order of their addresses, whole and in pages, and by family")
    func lists() {
        for host in [7, 300, 5, 299, 6] { _ = pmtu(1_400, to: "203.0.\(113 + host / 256).\(host % 256)") }
        #expect(tell(#"{"type":"pmtu","destination":"2001:db8::7","mtu":1400}"#).body.contains("accepted"))
        func addresses(_ body: String) -> [String] {
            body.split(separator: #""address":""#).dropFirst().map { rest in String(rest.prefix { $0 != "\"" }) }
        }
        let all = addresses(get("/v1/peers"))
        #expect(all == ["203.0.113.5", "203.0.113.6", "203.0.113.7", "203.0.114.43", "203.0.114.44", "2001:db8::7"])
        #expect(addresses(get("/v1/peers?family=inet6")) == ["2001:db8::7"])
        var (pages, next): ([String], String?) = ([], "/v1/peers?limit=2")
        while let target = next {
            let page = service.call("GET", target)
            #expect(page.field("Fibd-Count") == "6")
            pages += addresses(page.body)
            next = page.field("Link").map { link in String(link.dropFirst().prefix { $0 != ">" }) }
        }
        #expect(pages == all)
        #expect(service.call("GET", "/v1/peers?after=x").status == 422)
        let lines = service.call("GET", "/v1/peers", "", ("Accept", "application/x-ndjson")).body
        #expect(lines.split(separator: "\n").count == 6)
        #expect(
            get("/v1/peers?summary=1")
                == #"[{"count":5,"family":"inet","generation":5,"namespace":"default"},{"count":1,"family":"inet6","generation":1,"namespace":"default"}]"#
                + "\n")
    }

    @Test(
        "R5-01, R5-10: one peer an address, of each namespace and family its own, and a generation that begins with 0")
    func onePeerEach() {
        #expect(service.call("PUT", "/v1/namespaces/blue", "{}").status == 201)
        _ = (pmtu(1_400), pmtu(1_300))
        #expect(tell(#"{"type":"pmtu","destination":"203.0.113.9","mtu":1200,"namespace":"blue"}"#).status == 200)
        #expect(get("/v1/peers/203.0.113.9").contains(#""pmtu":1300"#))
        #expect(get("/v1/peers/203.0.113.9?namespace=blue").contains(#""pmtu":1200"#))
        let summaries = get("/v1/peers?summary=1")
        for (namespace, family, count, generation) in [
            ("blue", "inet", 1, 1), ("blue", "inet6", 0, 0), ("default", "inet", 1, 2), ("default", "inet6", 0, 0),
        ] {
            let row =
                #"{"count":\#(count),"family":"\#(family)","generation":\#(generation),"namespace":"\#(namespace)"}"#
            #expect(summaries.contains(row), "\(row)")
        }
    }

    @Test(
        "R5-56: a flush forgets all, or those of a namespace or family; what cached routes hold stays without anything")
    func flush() {
        for host in ["203.0.113.9", "203.0.113.10", "2001:db8::9"] {
            #expect(tell(#"{"type":"pmtu","destination":"\#(host)","mtu":1400}"#).body.contains("accepted"))
        }
        let place = service.call("POST", "/v1/cached-routes", #"{"dst":"203.0.113.9"}"#).field("Location") ?? ""
        #expect(service.call("DELETE", "/v1/peers").status == 400)
        #expect(service.call("DELETE", "/v1/peers?all=1&dry_run=1").body.contains(#""deleted":3"#))
        #expect(service.call("DELETE", "/v1/peers?family=inet6").body.contains(#""deleted":1"#))
        #expect(service.call("DELETE", "/v1/peers?all=1").body.contains(#""deleted":2"#))
        #expect(get(place).contains(#""changed":["mtu","expires_at"],"check":"revalidated""#))
        #expect(get("/v1/peers").contains(#""refcount":1"#) && !get("/v1/peers").contains("pmtu"))
        #expect(service.call("DELETE", "/v1/peers?all=1").body.contains(#""deleted":0"#))
        // A route that changes clears nothing.
        #expect(pmtu(1_400).contains("accepted"))
        let other = #"{"dst":"0.0.0.0/0","gateway":"192.0.2.3","dev":"eth0"}"#
        #expect(service.call("POST", "/v1/routes?mode=replace", other).status == 200)
        #expect(get("/v1/lookup?dst=203.0.113.9").contains(#""mtu":1400"#))
    }

    @Test("A peer can be forgotten, under a condition, and not twice")
    func forgetting() {
        _ = pmtu(1_400)
        let row = service.call("GET", "/v1/peers/203.0.113.9")
        let tag = row.field("ETag") ?? ""
        #expect(service.call("DELETE", "/v1/peers/203.0.113.9", "", ("If-Match", "\"1\"")).status == 412)
        #expect(service.call("DELETE", "/v1/peers/203.0.113.9?dry_run=1").body.contains(#""outcome":"deleted""#))
        #expect(service.call("DELETE", "/v1/peers/203.0.113.9", "", ("If-Match", tag)).status == 204)
        let again = service.call("DELETE", "/v1/peers/203.0.113.9")
        #expect(again.status == 404 && again.body.contains("peer-not-found"))
        #expect(service.call("GET", "/v1/peers/x").status == 400)
    }

    @Test("R5-40, R5-41: whoever sends errors and redirects may ask first")
    func permits() {
        func ask(_ message: String) -> String {
            service.call("POST", "/v1/peers/203.0.113.9/permits", #"{"message":"\#(message)"}"#).body
        }
        // Five at once, as many as five seconds earn.
        #expect(
            (0..<6).map { _ in ask("error").contains(#""allowed":true"#) } == [true, true, true, true, true, false])
        clock.move(seconds: 1)
        #expect(ask("error").contains(#""allowed":true"#) && ask("error").contains(#""allowed":false"#))
        #expect(ask("redirect").contains(#""redirects":1"#))
        #expect(ask("other").contains(#""status":4"#) && get("/v1/peers/203.0.113.9").contains(#""rate_tokens":"#))
    }

    // MARK: Lookups and cached routes

    @Test("R5-50…R5-57: lookups say what is known of the path, one by one and many at once")
    func lookups() {
        let before = get("/v1/lookup?dst=203.0.113.9")
        _ = pmtu(500)
        let redirect = #"{"type":"redirect","destination":"203.0.113.9","gateway":"192.0.2.2","source":"192.0.2.1"}"#
        #expect(tell(redirect).body.contains("accepted"))
        clock.move(seconds: 10)
        let answer = get("/v1/lookup?dst=203.0.113.9")
        for part in [
            #""expires":590"#, #""locked":true"#, #""mtu":552"#, #""gateway":"192.0.2.2","gateway_expires":290"#,
            #""redirected":true"#, #""generation":2"#, #""source":"192.0.2.1""#,
        ] { #expect(answer.contains(part), "\(part) in \(answer)") }
        let many = service.call("POST", "/v1/lookup", #"{"dsts":["203.0.113.8","203.0.113.9","203.0.113.10"]}"#).body
        #expect(many.contains(answer.dropLast()))
        #expect(many.split(separator: #""mtu":"#).count == 2)
        // Of a gateway that doesn't answer, nothing is said; of one that is silent for good neither.
        #expect(service.call("PUT", "/v1/neighbors/eth0/192.0.2.2", #"{"state":"FAILED"}"#).status == 201)
        #expect(get("/v1/lookup?dst=203.0.113.9").contains(#""gateway":"192.0.2.1","generation""#))
        clock.move(seconds: 590)
        #expect(get("/v1/lookup?dst=203.0.113.9") == before)
    }

    @Test("A cached route learns at its next check what has become of its path, and is told when its route has changed")
    func cachedRoutes() {
        let made = service.call("POST", "/v1/cached-routes", #"{"dst":"203.0.113.9"}"#)
        #expect(made.status == 201 && made.body.contains(#""check":"valid""#) && made.body.contains(#""mtu":1500"#))
        let place = made.field("Location") ?? ""
        #expect(get(place).contains(#""check":"valid""#))
        _ = pmtu(1_400)
        let first = get(place)
        #expect(first.contains(#""changed":["mtu","expires_at"],"check":"revalidated""#), "\(first)")
        #expect(first.contains(#""mtu":1400"#) && first.contains(#""expires":600"#))
        #expect(get(place).contains(#""check":"valid""#))
        #expect(get("/v1/peers/203.0.113.9").contains(#""refcount":1"#))
        // Something else that is known moves the generation, and changes nothing here.
        _ = pmtu(1_300, to: "203.0.113.10")
        #expect(get(place).contains(#""changed":[],"check":"revalidated""#))
        clock.move(seconds: 600)
        #expect(get(place).contains(#""changed":["mtu","expires_at"],"check":"revalidated""#))
        let route = #"{"dst":"203.0.113.0/24","gateway":"192.0.2.3","dev":"eth0"}"#
        #expect(service.call("POST", "/v1/routes", route).status == 201)
        #expect(get(place).contains(#""check":"obsolete""#) && get(place).contains(#""reason":"route""#))
        #expect(get("/v1/cached-routes").contains(#""id":1"#))
        #expect(service.call("DELETE", place).status == 204)
        #expect(service.call("GET", place).status == 404 && service.call("DELETE", place).status == 404)
    }

    @Test("A link's MTU is a cached route's too, and a redirect to one that doesn't answer ends it")
    func cachedRouteNews() {
        let place = service.call("POST", "/v1/cached-routes", #"{"dst":"203.0.113.9"}"#).field("Location") ?? ""
        #expect(service.call("PUT", "/v1/links/eth0", #"{"mtu":1400}"#).status == 200)
        #expect(get(place).contains(#""changed":["mtu"],"check":"revalidated""#))
        let redirect = #"{"type":"redirect","destination":"203.0.113.9","gateway":"192.0.2.2","source":"192.0.2.1"}"#
        #expect(tell(redirect).body.contains("accepted"))
        let answer = get(place)
        #expect(answer.contains(#""changed":["gateway","expires_at"]"#) && answer.contains(#""redirected":true"#))
        #expect(service.call("PUT", "/v1/neighbors/eth0/192.0.2.2", #"{"state":"FAILED"}"#).status == 201)
        #expect(get(place).contains(#""check":"obsolete""#))
    }

    @Test("R5-23: negative advice ends a way that a redirect led elsewhere; a link that failed leaves no path MTU")
    func advice() {
        func make() -> String {
            service.call("POST", "/v1/cached-routes", #"{"dst":"203.0.113.9"}"#).field("Location") ?? ""
        }
        func advise(_ place: String, _ advice: String) -> LocalService.Reply {
            service.call("POST", "\(place)/advice", #"{"advice":"\#(advice)"}"#)
        }
        let (first, second) = (make(), make())
        _ = pmtu(1_400)
        #expect(get(second).contains(#""mtu":1400"#))
        #expect(advise(first, "negative").body.contains(#""check":"revalidated""#))
        #expect(advise(first, "link-failure").body.contains(#""mtu":1500"#))
        #expect(get(second).contains(#""changed":["mtu","expires_at"]"#) && !get("/v1/peers").contains("pmtu"))
        let redirect = #"{"type":"redirect","destination":"203.0.113.9","gateway":"192.0.2.2","source":"192.0.2.1"}"#
        #expect(tell(redirect).body.contains("accepted"))
        #expect(get(first).contains(#""redirected":true"#))
        let ended = advise(first, "negative").body
        #expect(ended.contains(#""check":"obsolete""#) && ended.contains(#""reason":"advice""#))
        #expect(get(second).contains(#""check":"revalidated""#))
        #expect(advise(second, "other").status == 400 || advise(second, "other").status == 422)
        #expect(advise("/v1/cached-routes/77", "negative").status == 404)
    }

    @Test("R5-53: what is known of a path counts for all legs of its route, and each flow's")
    func multipath() {
        #expect(service.call("PUT", "/v1/links/eth1", #"{"mtu":1500,"addresses":["198.51.100.9/24"]}"#).status == 201)
        let legs = #"[{"gateway":"192.0.2.1","dev":"eth0"},{"gateway":"198.51.100.1","dev":"eth1"}]"#
        #expect(service.call("POST", "/v1/routes", #"{"dst":"203.0.113.0/24","nexthops":\#(legs)}"#).status == 201)
        set(#"{"ipv4":{"fib_multipath_hash_policy":1}}"#)
        _ = pmtu(1_400)
        let answers = (1..<40).map { get("/v1/lookup?dst=203.0.113.9&ipproto=udp&sport=\($0)&dport=53") }
        #expect(answers.allSatisfy { $0.contains(#""mtu":1400"#) && $0.contains(#""expires":600"#) })
        #expect(Set(answers.map { $0.contains(#""dev":"eth0""#) }).count == 2)
    }

    @Test(
        "R5-35: a redirect to a router that doesn't answer counts neither for lookups nor for a new cached route, nor for redirects"
    )
    func silentRouter() {
        let lookup = get("/v1/lookup?dst=203.0.113.9")
        let redirect = #"{"type":"redirect","destination":"203.0.113.9","gateway":"192.0.2.2","source":"192.0.2.1"}"#
        #expect(tell(redirect).body.contains("accepted"))
        #expect(service.call("PUT", "/v1/neighbors/eth0/192.0.2.2", #"{"state":"FAILED"}"#).status == 201)
        #expect(get("/v1/lookup?dst=203.0.113.9") == lookup)
        let made = service.call("POST", "/v1/cached-routes", #"{"dst":"203.0.113.9"}"#)
        #expect(made.body.contains(#""gateway":"192.0.2.1""#) && !made.body.contains("redirected"))
        let place = made.field("Location") ?? ""
        // Something else moves both generations.
        _ = pmtu(1_400, to: "203.0.113.10")
        #expect(service.call("PUT", "/v1/neighbors/eth0/192.0.2.7", #"{"state":"STALE"}"#).status == 201)
        #expect(get(place).contains(#""changed":[],"check":"revalidated""#))
        #expect(service.call("PUT", "/v1/neighbors/eth0/192.0.2.2", #"{"state":"REACHABLE"}"#).status == 200)
        #expect(get(place).contains(#""redirected":true"#))
        #expect(service.call("PUT", "/v1/neighbors/eth0/192.0.2.2", #"{"state":"FAILED"}"#).status == 200)
        let better = #"{"type":"redirect","destination":"203.0.113.9","gateway":"192.0.2.3","source":"192.0.2.1"}"#
        #expect(tell(better).body.contains("accepted"))
    }

    @Test("R5-33: with secure_redirects only to routers that a route leads by, as far as one leads there still")
    func secureRedirects() {
        set(#"{"ipv4":{"shared_media":0}}"#)
        let redirect = #"{"type":"redirect","destination":"203.0.113.9","gateway":"192.0.2.4","source":"192.0.2.1"}"#
        #expect(tell(redirect).body.contains(#""rule":"R5-33""#))
        #expect(
            service.call("POST", "/v1/routes", #"{"dst":"198.18.0.0/15","gateway":"192.0.2.4","dev":"eth0"}"#).status
                == 201)
        #expect(tell(redirect, "?dry_run=1").body.contains("accepted"))
        #expect(service.call("DELETE", "/v1/routes/198.18.0.0/15").status == 204)
        #expect(tell(redirect).body.contains(#""rule":"R5-33""#))
    }

    @Test("What goes nowhere can't be kept")
    func cachedRouteToNowhere() {
        #expect(service.call("POST", "/v1/routes", #"{"type":"blackhole","dst":"198.51.100.0/24"}"#).status == 201)
        let answer = service.call("POST", "/v1/cached-routes", #"{"dst":"198.51.100.1"}"#)
        #expect(answer.status == 422 && answer.body.contains("ENETUNREACH"))
        for body in ["{}", #"{"dst":"x"}"#, #"{"dst":"203.0.113.9","colour":1}"#, #"{"dst":"203.0.113.9","mark":"y"}"#]
        {
            #expect((400...422).contains(service.call("POST", "/v1/cached-routes", body).status), "\(body)")
        }
    }

    // MARK: Events

    @Test("A stream is told of peers only if it asks for them; count and digest of its sync are those of its rows")
    func events() {
        _ = pmtu(1_400)
        #expect(
            !get("/v1/events?until=sync").contains(#""kind":"peer""#)
                && !get("/v1/events?until=sync").contains("event: peer"))
        let replay = get("/v1/events?until=sync&kinds=peer")
        #expect(
            replay.contains("event: peer") && replay.contains(#""count":1"#) && replay.contains(#""counts":{"peer":1}"#)
        )
        let cursor = replay.split(separator: "\nid: ").last?.prefix { $0 != "\n" } ?? ""
        _ = pmtu(1_300)
        #expect(service.call("DELETE", "/v1/peers/203.0.113.9").status == 204)
        let rest = get("/v1/events?until=sync&kinds=peer&last_event_id=\(cursor)")
        #expect(
            rest.contains(#""op":"replace""#) && rest.contains(#""op":"delete""#) && rest.contains(#""mode":"resume""#))
        #expect(rest.contains(#""counts":{"peer":0}"#), "\(rest)")
    }
}

/// Messages as a router sends them.
private enum ICMPBytes {
    static func tooLarge(mtu: UInt16, from source: [UInt8], to destination: [UInt8]) -> String {
        var packet: [UInt8] = [0x45, 0, 0x05, 0xDC, 0, 1, 0x40, 0, 64, 17, 0, 0]
        packet += source + destination + [0, 7, 0, 7, 0x05, 0xC8, 0, 0]
        var message: [UInt8] = [3, 4, 0, 0, 0, 0, UInt8(mtu >> 8), UInt8(mtu & 0xFF)] + packet
        var sum = stride(from: 0, to: message.count, by: 2).reduce(UInt32(0)) { sum, place in
            sum + UInt32(message[place]) << 8 + UInt32(message[place + 1])
        }
        while sum > 0xFFFF { sum = sum >> 16 + sum & 0xFFFF }
        (message[2], message[3]) = (UInt8(~sum >> 8 & 0xFF), UInt8(~sum & 0xFF))
        return message.map { ($0 < 16 ? "0" : "") + String($0, radix: 16) }.joined()
    }
}
