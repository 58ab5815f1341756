import ServiceSupport
import Testing

/// What is said of a filter that was written, and what lists leave out.
@Suite struct FilterAnswerTests {
    private let service = LocalService()
    private static let filters = "/v1/blocks/eth0:ingress/filters"

    init() {
        _ = service.call("PUT", "/v1/links/eth0", "{}")
        #expect(service.call("POST", "/v1/links/eth0/qdiscs", #"{"kind":"ingress"}"#).status == 201)
    }

    private func add(_ keys: String, _ type: String = "ip") -> LocalService.Reply {
        service.call("POST", Self.filters, #"{"protocol":"\#(type)","kind":"flower","options":{"keys":\#(keys)}}"#)
    }

    @Test("R4-92: keys that don't count are named in the answer, and are not kept")
    func ignoredKeys() {
        let reply = add(#"{"dst_port":80,"icmp_type":8,"ip_ttl":64}"#)
        #expect(reply.status == 201)
        let warning =
            #""warn":"ignored, since packets that agree with the other keys have no such field: dst_port, icmp_type""#
        #expect(reply.body.contains(warning), "\(reply.body)")
        #expect(reply.body.contains(#""keys":{"eth_type":"ipv4","ip_ttl":64}"#), "\(reply.body)")
        let rows = service.call("GET", Self.filters).body
        #expect(!rows.contains("warn") && !rows.contains("dst_port"))
    }

    @Test("Of a filter whose keys all count nothing is said")
    func noWarning() { #expect(!add(#"{"ip_proto":"udp","dst_port":53}"#).body.contains("warn")) }

    @Test("R4-114: a terse list has flags, classes, indices and counters")
    func terse() {
        let filter =
            #"{"protocol":"ip","pref":1,"kind":"flower","options":{"keys":{"ip_ttl":64},"classid":"1:10","skip_hw":true},"#
            + #""actions":[{"kind":"mirred","mirred_action":"mirror","direction":"egress","to_dev":"eth0","cookie":"aa"}]}"#
        #expect(service.call("POST", Self.filters, filter).status == 201)
        let row = service.call("GET", "\(Self.filters)?terse=1").body
        for part in [#""options":{"classid":"1:10","skip_hw":true}"#, #""cookie":"aa""#, #""index":1,"#, #""stats":{"#]
        {
            #expect(row.contains(part), "\(row)")
        }
        #expect(!row.contains("ip_ttl") && !row.contains("to_dev"), "\(row)")
    }

    @Test("More members than any object of a filter has are refused")
    func manyMembers() {
        let keys = (0..<300).map { #""k\#($0)":1"# }.joined(separator: ",")
        let reply = add("{\(keys)}")
        #expect(reply.status == 422 && reply.body.contains("more than 256 members"), "\(reply.body)")
    }
}
