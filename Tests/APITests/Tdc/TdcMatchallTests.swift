import Testing

/// tc-tests/filters/matchall.json: 12 as they are.
///
/// 7f09, 41df, 3de5, 41d3, 2c33 and 7f60 are about filters of a classful qdisc at the root (`prio`, 1:), which there is none of here:
/// ingress and clsact are the qdiscs that have filters. They run with the egress block of clsact in its place, which shows what they
/// are about but not that. 3329, 0eeb and eee4 need the action police, which isn't there.
@Suite struct TdcMatchallTests {
    private static let filters = "/v1/blocks/dummy:ingress/filters"

    private static func filter(
        _ protocol: String, _ control: String, pref: Int = 1, handle: UInt32 = 1, _ more: String = ""
    ) -> String {
        #"{"protocol":"\#(`protocol`)","pref":\#(pref),"handle":\#(handle),"kind":"matchall","#
            + #""actions":[{"kind":"gact","control_action":{"type":"\#(control)"}}]\#(more)}"#
    }

    private static func classID(_ id: String) -> String { #","options":{"classid":"\#(id)"}"# }

    /// One is added, and shown with the action that it alone has.
    private static func adding(
        _ id: String, _ protocol: String, _ control: String, pref: Int = 1, handle: UInt32 = 1,
        options: String = "{}", direction: String = "ingress"
    ) -> TdcCase {
        let block = "/v1/blocks/dummy:\(direction)"
        let shown = #""protocol":"\#(`protocol` == "ipv4" ? "ip" : `protocol`)""#
        return TdcCase(
            id, "\(`protocol`) at \(direction): \(control), priority \(pref), handle \(handle)",
            .post(
                "\(block)/filters", filter(`protocol`, control, pref: pref, handle: handle, #","options":\#(options)"#)),
            "201",
            TdcRows(
                true, at: "\(block)/chains/0/filters/\(pref)/\(handle)", shown, #""pref":\#(pref),"#,
                #""kind":"matchall""#, #""handle":\#(handle),"#, #""control_action":{"type":"\#(control)"}"#,
                #""ref":1,"#, #""bind":1,"#, #""\#(direction)":true"#, #""not_in_hw":true"#,
                #""options":\#(options.replacing("classid", with: "flowid"))"#))
    }

    private static func tooHigh(_ id: String, _ direction: String = "ingress") -> TdcCase {
        let target = "/v1/blocks/dummy:\(direction)/filters"
        return TdcCase(
            id, "a priority of more than 16 bits at \(direction)",
            .post(target, filter("ipv4", "pass", pref: 655_355)), "400 EINVAL", TdcRows(0, of: target))
    }

    private static let four = (1...4).map { number in
        TdcRequest.post(
            filters, filter("all", "pass", pref: number, handle: UInt32(number), classID("1:\(number + 1)")))
    }

    static let cases: [TdcCase] = [
        adding("f62b", "ip", "pass"), adding("0596", "ipv6", "drop"), adding("e1da", "ipv4", "pass", pref: 65_535),
        tooHigh("72d7"), adding("f755", "all", "continue", handle: .max),
        adding("0e4a", "all", "reclassify", options: #"{"skip_hw":true}"#),
        adding("8bd2", "ipv6", "pass", options: #"{"classid":"1:1"}"#),
        TdcCase(
            "2a4a", "a class that is none", .post(filters, filter("ipv6", "pass", classID("6789defg"))), "400 EINVAL",
            TdcRows(0, of: filters)),
        TdcCase(
            "eaf8", "the only one is removed", after: [.post(filters, filter("ipv6", "pass", classID("1:2")))],
            .delete("/v1/blocks/dummy:ingress/chains/0/filters/1/1"), "204",
            TdcRows(false, at: "/v1/blocks/dummy:ingress/chains/0/filters/1/1"), TdcRows(0, of: filters)),
        TdcCase("76ad", "all of four are removed", after: four, .delete(filters), "200", TdcRows(0, of: filters)),
        TdcCase(
            "1eb9", "one of four is removed", after: four,
            .delete("\(filters)?protocol=all&handle=2&pref=2&kind=matchall"), "200",
            TdcRows(0, of: filters, #""pref":2,"#), TdcRows(3, of: filters, #""type":"pass""#)),
        TdcCase(
            "6d63", "those of one chain are removed",
            after: [
                .post(filters, filter("all", "pass", classID("1:1") + #","chain":1"#)),
                .post(filters, filter("ipv4", "continue", classID("1:3") + #","chain":2"#)),
            ],
            .delete("\(filters)?chain=2"), "200", TdcRows(1, of: filters),
            TdcRows(
                1, of: filters, #""protocol":"all""#, #""pref":1,"#, #""chain":1,"#, #""handle":1,"#,
                #""flowid":"1:1""#, #""type":"pass""#)),
    ]

    static let ofRoot: [TdcCase] = [
        adding("7f09", "ip", "pass", direction: "egress"), adding("41df", "ipv6", "drop", direction: "egress"),
        adding("3de5", "ipv4", "pass", pref: 65_535, direction: "egress"), tooHigh("41d3", "egress"),
        adding("2c33", "all", "continue", handle: .max, direction: "egress"),
        adding("7f60", "all", "reclassify", options: #"{"skip_hw":true}"#, direction: "egress"),
    ]

    @Test("filters/matchall.json", arguments: cases)
    func matchall(_ each: TdcCase) { each.run(after: [.link("dummy"), .qdisc("ingress", on: "dummy")]) }

    @Test("filters/matchall.json, of a root qdisc: at the egress of clsact", arguments: ofRoot)
    func matchallOfRoot(_ each: TdcCase) { each.run(after: [.link("dummy"), .qdisc("clsact", on: "dummy")]) }

    @Test("All 18 are here") func isComplete() {
        #expect(Set((Self.cases + Self.ofRoot).map(\.id)).count == 18)
    }
}
