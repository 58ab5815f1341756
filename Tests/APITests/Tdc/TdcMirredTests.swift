import Testing

/// tc-tests/actions/mirred.json: actions by themselves that give packets to another link. All 24; of two a part is missing.
@Suite struct TdcMirredTests {
    private static let list = "/v1/actions/mirred"

    private static func action(
        _ direction: String, _ mode: String, _ index: UInt64, to device: String = "lo", _ control: String? = nil,
        _ more: String = ""
    ) -> String {
        let control = control.map { #","control_action":\#($0)"# } ?? ""
        return #"{"kind":"mirred","direction":"\#(direction)","mirred_action":"\#(mode)","to_dev":"\#(device)","#
            + #""index":\#(index)\#(control)\#(more)}"#
    }

    private static func add(
        _ direction: String, _ mode: String, _ index: UInt64, to device: String = "lo", _ control: String? = nil
    ) -> TdcRequest {
        .post(list, action(direction, mode, index, to: device, control))
    }

    private static func shown(_ count: Int, _ direction: String, _ mode: String, _ index: UInt64) -> TdcRows {
        TdcRows(
            count, of: list, #""direction":"\#(direction)""#, #""mirred_action":"\#(mode)""#, #""to_dev":"lo""#,
            #""index":\#(index),"#)
    }

    /// A copy for what comes in, and then a verdict.
    private static func mirroring(_ id: String, _ control: String, _ index: UInt64) -> TdcCase {
        let verdict = control == "jump" ? #"{"jump":10,"type":"jump"}"# : #"{"type":"\#(control)"}"#
        return TdcCase(
            id, "a copy for what comes in, then \(control)", add("ingress", "mirror", index, verdict), "201",
            TdcRows(
                true, at: "\(list)/\(index)", #""direction":"ingress""#, #""mirred_action":"mirror""#,
                #""to_dev":"lo""#, #""control_action":\#(verdict)"#, #""index":\#(index),"#))
    }

    private static func batch(_ direction: String, _ mode: String, _ more: String = "") -> TdcRequest {
        .transaction("add", (1...32).map { action(direction, mode, $0, nil, more) })
    }
    private static let removal = TdcRequest.transaction(
        "delete", (1...32).map { #"{"kind":"mirred","index":\#($0)}"# })
    private static let cookie = #","cookie":"aabbccddeeff112233445566778800a1""#

    static let additions: [TdcCase] = [
        TdcCase(
            "5124", "a copy for what leaves", add("egress", "mirror", 1), "201", shown(1, "egress", "mirror", 1)),
        TdcCase(
            "6fb4", "what leaves goes there", add("egress", "redirect", 2, #"{"type":"pipe"}"#), "201",
            shown(1, "egress", "redirect", 2)),
        TdcCase(
            "d7c0", "a direction that there isn't", add("inbound", "mirror", 20), "422 EINVAL", TdcRows(0, of: list)),
        TdcCase(
            "e213", "something else than a copy or all", add("egress", "remirror", 20), "422 EINVAL",
            TdcRows(0, of: list)),
        TdcCase(
            "2d89", "a link that isn't there", add("egress", "mirror", 20, to: "eltoh"), "422 ENODEV",
            TdcRows(0, of: list)),
        TdcCase(
            "300b", "an index that is taken", after: [add("egress", "redirect", 15)], add("egress", "mirror", 15),
            "409 EEXIST", shown(0, "egress", "mirror", 15), shown(1, "egress", "redirect", 15)),
        mirroring("8917", "pass", 1), mirroring("1054", "pipe", 15), mirroring("9887", "continue", 15),
        mirroring("e4aa", "reclassify", 150), mirroring("ece9", "drop", 99), mirroring("0031", "jump", 99),
        mirroring("8b69", "pipe", 4_294_967_295),
        TdcCase(
            "3f66", "an index of more than 32 bits", add("ingress", "mirror", 429_496_729_555, #"{"type":"pipe"}"#),
            "400 EINVAL", TdcRows(0, of: list)),
        TdcCase(
            "407c", "a copy with a cookie",
            .post(
                list,
                #"{"direction":"ingress","mirred_action":"mirror","to_dev":"lo","control_action":{"type":"reclassify"},"#
                    + #""cookie":"aa11bb22cc33dd44ee55"}"#), "201",
            TdcRows(
                1, of: list, #""direction":"ingress""#, #""type":"reclassify""#, #""cookie":"aa11bb22cc33dd44ee55""#)),
        TdcCase(
            "4749", "32 at once, with cookies", batch("egress", "redirect", cookie), "200",
            TdcRows(32, of: list, #""mirred_action":"redirect""#, #""ref":1"#)),
        TdcCase(
            "d3c0", "32 copies at once, with cookies", batch("ingress", "mirror", cookie), "200",
            TdcRows(32, of: list, #""mirred_action":"mirror""#, #""ref":1"#)),
        TdcCase(
            "31e3", "without counters of each processor",
            .post(list, #"{"direction":"egress","mirred_action":"mirror","to_dev":"lo","no_percpu":true}"#), "201",
            TdcRows(1, of: list, #""mirred_action":"mirror""#, #""no_percpu":true"#)),
    ]

    static let others: [TdcCase] = [
        TdcCase(
            "ba38", "two are listed", after: [add("egress", "mirror", 1), add("egress", "redirect", 2)], .get(list),
            "200",
            TdcRows(2, of: list, #""to_dev":"lo""#)),
        TdcCase(
            "a70e", "a copy is removed", after: [add("egress", "mirror", 5)], .delete("\(list)/5"), "204",
            TdcRows(0, of: list)),
        TdcCase(
            "3fb3", "what sends all elsewhere is removed", after: [add("egress", "redirect", 5)], .delete("\(list)/5"),
            "204",
            TdcRows(0, of: list)),
        TdcCase(
            "2a9a", "one by itself isn't replaced by one that goes to a chain",
            after: [add("ingress", "mirror", 90, #"{"type":"drop"}"#)],
            .put("\(list)/90", action("ingress", "mirror", 90, #"{"type":"goto","chain":42}"#, #","cookie":"c1a0""#)),
            "422 EINVAL",
            TdcRows(true, at: "\(list)/90", #""control_action":{"type":"drop"}"#, #""mirred_action":"mirror""#)),
        TdcCase(
            "5c69", "32 are removed at once", after: [batch("egress", "redirect")], removal, "200", TdcRows(0, of: list)
        ),
        TdcCase(
            "e684", "32 copies are removed at once", after: [batch("ingress", "mirror")], removal, "200",
            TdcRows(0, of: list)),
    ]

    @Test("actions/mirred.json", arguments: additions + others)
    func mirred(_ each: TdcCase) { each.run(after: [.link("lo")]) }

    @Test("All 24 are here") func isComplete() {
        #expect(Set((Self.additions + Self.others).map(\.id)).count == 24)
    }
}
