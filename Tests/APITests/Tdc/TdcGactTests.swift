import Testing

/// tc-tests/actions/gact.json: verdicts as actions by themselves. All 27; of one a part is missing.
@Suite struct TdcGactTests {
    private static let list = "/v1/actions/gact"

    private static func action(_ control: String, _ index: UInt64, _ more: String = "") -> String {
        #"{"kind":"gact","index":\#(index),"control_action":{"type":"\#(control)"}\#(more)}"#
    }

    private static func add(_ control: String, _ index: UInt64, _ more: String = "") -> TdcRequest {
        .post(list, action(control, index, more))
    }

    private static func shown(_ count: Int, _ control: String, _ index: UInt64) -> TdcRows {
        TdcRows(count, of: list, #""control_action":{"type":"\#(control)"}"#, #""index":\#(index),"#)
    }

    private static let five = (101...105).map { add("reclassify", UInt64($0)) }
    /// A matchall filter with an action that is there already.
    private static func filter(_ index: Int) -> TdcRequest {
        .post(
            "/v1/blocks/dev1:ingress/filters",
            #"{"protocol":"all","pref":1,"handle":4660,"kind":"matchall","actions":[{"kind":"gact","index":\#(index)}]}"#
        )
    }
    private static func random(_ control: String, _ value: Int, chain: Int? = nil) -> String {
        let chain = chain.map { #","chain":\#($0)"# } ?? ""
        return
            #","prob":{"random_type":"determ","control_action":{"type":"\#(control)"\#(chain)},"val":\#(value)}"#
    }
    private static let cookie = #","cookie":"aabbccddeeff112233445566778800a1""#

    static let additions: [TdcCase] = [
        TdcCase("e89a", "pass", add("pass", 8), "201", shown(1, "pass", 8)),
        TdcCase("a02c", "pipe", add("pipe", 6), "201", shown(1, "pipe", 6)),
        TdcCase("feef", "reclassify", add("reclassify", 5), "201", shown(1, "reclassify", 5)),
        TdcCase("8a7a", "drop", add("drop", 30), "201", shown(1, "drop", 30)),
        TdcCase("9a52", "continue", add("continue", 432), "201", shown(1, "continue", 432)),
        TdcCase(
            "d700", "a verdict that there isn't", add("pump", 386), "422 EINVAL", TdcRows(0, of: list)),
        TdcCase(
            "9215", "an index that is taken", after: [add("pipe", 15)], add("drop", 15), "409 EEXIST",
            shown(0, "drop", 15), shown(1, "pipe", 15)),
        TdcCase(
            "798e", "an index of 33 bits", add("drop", 4_294_967_296), "400 EINVAL", TdcRows(0, of: list)),
        TdcCase(
            "22be", "the highest index", add("drop", 4_294_967_295), "201", shown(1, "drop", 4_294_967_295)),
        TdcCase(
            "1021", "32 at once", .transaction("add", (1...32).map { action("pass", $0) }), "200",
            TdcRows(32, of: list, #""type":"pass""#, #""ref":1"#)),
        TdcCase(
            "da7a", "32 at once, with cookies", .transaction("add", (1...32).map { action("continue", $0, cookie) }),
            "200", TdcRows(32, of: list, #""type":"continue""#, #""ref":1"#)),
        TdcCase(
            "8e47", "at random to a chain", add("pass", 90, random("goto", 2, chain: 1)), "422 EINVAL",
            TdcRows(0, of: list)),
        TdcCase(
            "95ad", "without counters of each processor",
            .post(list, #"{"control_action":{"type":"pass"},"no_percpu":true}"#), "201",
            TdcRows(1, of: list, #""type":"pass""#, #""no_percpu":true"#)),
    ]

    static let others: [TdcCase] = [
        TdcCase(
            "ac2a", "five are listed", after: five, .get(list), "200", TdcRows(5, of: list, #""type":"reclassify""#)),
        TdcCase("3edf", "five are flushed", after: five, .delete(list), "200", TdcRows(0, of: list)),
        TdcCase("63ec", "pass is removed", after: [add("pass", 1)], .delete("\(list)/1"), "204", TdcRows(0, of: list)),
        TdcCase("46be", "pipe is removed", after: [add("pipe", 9)], .delete("\(list)/9"), "204", TdcRows(0, of: list)),
        TdcCase(
            "2e08", "reclassify is removed", after: [add("reclassify", 65_536)], .delete("\(list)/65536"), "204",
            TdcRows(0, of: list)),
        TdcCase(
            "99c4", "drop is removed", after: [add("drop", 16)], .delete("\(list)/16"), "204", TdcRows(0, of: list)),
        TdcCase(
            "fb6b", "continue is removed", after: [add("continue", 32)], .delete("\(list)/32"), "204",
            TdcRows(0, of: list)),
        TdcCase("0eb3", "one that isn't there is removed", .delete("\(list)/2"), "404 ENOENT", TdcRows(0, of: list)),
        TdcCase(
            "f02c", "one is replaced", after: [add("drop", 10), add("drop", 12)],
            .post("\(list)?mode=replace", action("pass", 12)), "200", TdcRows(1, of: list, #""type":"pass""#),
            shown(1, "pass", 12), shown(1, "drop", 10)),
        TdcCase(
            "525f", "one is asked for by its index", after: [add("drop", 3_900_800_700)], .get("\(list)/3900800700"),
            "200",
            TdcRows(true, at: "\(list)/3900800700", #""index":3900800700,"#)),
        TdcCase(
            "8aa3", "32 are removed at once", after: [.transaction("add", (1...32).map { action("continue", $0) })],
            .transaction("delete", (1...32).map { #"{"kind":"gact","index":\#($0)}"# }), "200", TdcRows(0, of: list)),
        TdcCase(
            "ca89", "one by itself isn't replaced by one that goes to a chain",
            after: [add("pass", 90, random("drop", 2))],
            .put(
                "\(list)/90",
                #"{"control_action":{"type":"goto","chain":42},"cookie":"c1a0c1a0"\#(random("drop", 5))}"#),
            "422 EINVAL",
            TdcRows(
                1, of: list, #""control_action":{"type":"pass"}"#,
                #""prob":{"control_action":{"type":"drop"},"random_type":"determ","val":2}"#, #""index":90,"#)),
        TdcCase(
            "7f52", "the only one isn't flushed that a filter has",
            after: [.link("dev1"), .qdisc("ingress", on: "dev1"), add("pass", 1), filter(1)], .delete(list),
            "423 EPERM",
            TdcRows(1, of: list), TdcRows(1, of: list, #""type":"pass""#, #""index":1,"#, #""ref":2"#, #""bind":1,"#)),
        TdcCase(
            "ae1e", "a flush goes up to the one that a filter has",
            after: [
                .link("dev1"), .qdisc("ingress", on: "dev1"), add("pass", 1), add("reclassify", 2), add("drop", 3),
                filter(3),
            ],
            .delete(list), "200", TdcRows(1, of: list),
            TdcRows(1, of: list, #""type":"drop""#, #""index":3,"#, #""ref":2"#, #""bind":1,"#)),
    ]

    @Test("actions/gact.json", arguments: additions + others)
    func gact(_ each: TdcCase) { each.run(after: []) }

    @Test("All 27 are here") func isComplete() {
        #expect(Set((Self.additions + Self.others).map(\.id)).count == 27)
    }
}
