import Testing

/// tc-tests/filters/tests.json, all six. d052 has 1,000,000 filters there: `Tests/tdc/concurrency.py` does that.
@Suite struct TdcFilterTests {
    private static let list = "/v1/blocks/dev:ingress/filters"

    private static func flower(
        _ keys: String, handle: UInt32? = nil, _ control: String = "drop", index: Int? = nil
    ) -> String {
        let handle = handle.map { #""handle":\#($0),"# } ?? ""
        let index = index.map { #","index":\#($0)"# } ?? ""
        return #"{"protocol":"ip","pref":1,\#(handle)"kind":"flower","options":{"keys":{\#(keys)}},"#
            + #""actions":[{"kind":"gact","control_action":{"type":"\#(control)"}\#(index)}]}"#
    }

    private static let (many, five) = (
        500,
        #""dst_mac":"e4:11:22:11:4a:51","src_mac":"e4:11:22:11:4a:50","ip_proto":"tcp","src_ip":"1.1.1.1","dst_ip":"2.2.2.2""#
    )
    private static let sharing = (1...many).map { number in
        let mac =
            "00:\(number / 256 < 16 ? "0" : "")\(String(number / 256, radix: 16)):"
            + "\(number % 256 < 16 ? "0" : "")\(String(number % 256, radix: 16))"
        return flower(
            #""src_mac":"e4:11:00:\#(mac)","dst_mac":"e4:12:00:\#(mac)""#, handle: UInt32(number), index: 1)
    }

    static let cases: [TdcCase] = [
        TdcCase(
            "2638", "matchall is asked for by its handle",
            after: [
                .post(
                    list,
                    #"{"protocol":"all","pref":1,"handle":"0x1234","kind":"matchall","#
                        + #""actions":[{"kind":"gact","control_action":{"type":"pass"}}]}"#)
            ],
            .get("/v1/blocks/dev:ingress/chains/0/filters/1/0x1234"), "200",
            TdcRows(
                1, of: list, #""protocol":"all""#, #""pref":1,"#, #""kind":"matchall""#, #""chain":0,"#,
                #""handle":4660,"#)),
        TdcCase(
            "2ff3", "flower with the highest handle",
            .post(list, flower("", handle: .max, "pass")), "201",
            TdcRows(1, of: list, #""protocol":"ip""#, #""pref":1,"#, #""kind":"flower""#, #""handle":4294967295,"#)),
        TdcCase(
            "d052", "\(many) with one action", .lines(list, sharing), "200",
            TdcRows(1, of: "/v1/actions/gact"),
            TdcRows(
                1, of: "/v1/actions/gact", #""type":"drop""#, #""index":1,"#, #""ref":\#(many),"#,
                #""bind":\#(many),"#), TdcRows(many, of: list, #""kind":"flower""#)),
        TdcCase(
            "4cbd", "keys that another one has", after: [.post(list, flower(five))], .post(list, flower(five)),
            "409 EEXIST",
            TdcRows(1, of: list, #""protocol":"ip""#, #""pref":1,"#, #""kind":"flower""#, #""chain":0,"#)),
        TdcCase(
            "7c65", "flower is listed", .post(list, flower(#""dst_mac":"e4:11:22:11:4a:51""#)), "201",
            TdcRows(1, of: list, #""protocol":"ip""#, #""pref":1,"#, #""kind":"flower""#, #""handle":1,"#),
            TdcRows(1, of: "\(list)?terse=1", #""protocol":"ip""#, #""pref":1,"#, #""kind":"flower""#, #""handle":1,"#)),
        TdcCase(
            "d45e", "flower is listed without its keys", .post(list, flower(#""dst_mac":"e4:11:22:11:4a:51""#)), "201",
            TdcRows(0, of: "\(list)?terse=1", "e4:11:22:11:4a:51"), TdcRows(0, of: "\(list)?terse=1", "control_action"),
            TdcRows(1, of: "\(list)?terse=1", #""options":{}"#, #""kind":"gact""#, #""packets":0"#)),
    ]

    @Test("filters/tests.json", arguments: cases)
    func filters(_ each: TdcCase) {
        each.run(after: [.link("dev"), .qdisc(each.id == "2638" ? "clsact" : "ingress", on: "dev")])
    }
}
