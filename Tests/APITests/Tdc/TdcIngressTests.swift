import Testing

/// tc-tests/qdiscs/ingress.json. All six.
@Suite struct TdcIngressTests {
    private static let list = "/v1/links/dummy/qdiscs"
    private static let ingress = TdcRequest.qdisc("ingress", on: "dummy")
    private static let removal = TdcRequest.delete("\(list)/ingress")

    private static func shown(_ count: Int) -> TdcRows {
        TdcRows(count, of: list, #""kind":"ingress""#, #""handle":"ffff:""#)
    }

    static let cases: [TdcCase] = [
        TdcCase("9872", "it is added", ingress, "201", shown(1)),
        TdcCase(
            "5c5e", "with an option that there isn't", .post(list, #"{"kind":"ingress","options":{"foorbar":true}}"#),
            "400 EINVAL", shown(0)),
        TdcCase("74f6", "it is added twice", after: [ingress], ingress, "409 EEXIST", shown(1)),
        TdcCase("f769", "it is removed though it isn't there", removal, "404 ENOENT", shown(0)),
        TdcCase("3b88", "it is removed twice", after: [ingress, removal], removal, "404 ENOENT", shown(0)),
        // There are no classes here at all: nothing that is shown speaks of one.
        TdcCase(
            "0521", "it has no class", ingress, "201", TdcRows(0, of: list, "class"),
            TdcRows(0, of: "/v1/blocks/dummy:ingress/filters", "class")),
    ]

    @Test("qdiscs/ingress.json", arguments: cases)
    func ingress(_ each: TdcCase) { each.run(after: [.link("dummy")]) }
}
