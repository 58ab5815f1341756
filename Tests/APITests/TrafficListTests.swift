import ServiceSupport
import Testing

/// Lists of chains, filters and actions, whole and page by page.
@Suite struct TrafficListTests {
    private let service = LocalService()

    init() {
        for device in ["eth0", "eth1"] {
            _ = service.call("PUT", "/v1/links/\(device)", "{}")
            #expect(service.call("POST", "/v1/links/\(device)/qdiscs", #"{"kind":"ingress"}"#).status == 201)
        }
        for (device, chain, priority) in [
            ("eth0", 0, 1), ("eth0", 0, 7), ("eth0", 5, 1), ("eth0", 3, 2), ("eth1", 0, 1), ("eth1", 4, 9),
        ] {
            for port in 1...5 {
                let action = port.isMultiple(of: 2) ? #""gact","control_action":{"type":"drop"}"# : mirred
                let filter =
                    #"{"chain":\#(chain),"pref":\#(priority),"protocol":"ip","kind":"flower","options":{"keys":"#
                    + #"{"ip_proto":"tcp","dst_port":\#(port)}},"actions":[{"kind":\#(action)}]}"#
                #expect(service.call("POST", "/v1/blocks/\(device):ingress/filters", filter).status == 201)
            }
        }
    }

    private var mirred: String {
        #""mirred","mirred_action":"mirror","direction":"egress","to_dev":"eth0""#
    }

    private func lines(_ target: String) -> (rows: [String], count: Int?, next: String?) {
        let reply = service.call("GET", target, "", ("Accept", "application/x-ndjson"))
        let link = reply.field("Link").map { String($0.dropFirst().prefix { $0 != ">" }) }
        return (reply.body.split(separator: "\n").map(String.init), reply.field("Fibd-Count").flatMap { Int($0) }, link)
    }

    @Test(
        "Pages of any length come to the whole list, whose length is told",
        arguments: [
            ("/v1/blocks/eth0:ingress/filters", 20), ("/v1/blocks/eth1:ingress/filters", 10),
            ("/v1/blocks/eth0:ingress/filters?chain=0", 10), ("/v1/blocks/eth0:ingress/filters?pref=1", 10),
            ("/v1/blocks/eth0:ingress/filters?chain=3&pref=1", 0),
            ("/v1/blocks/eth0:ingress/filters?kind=matchall", 0), ("/v1/blocks/eth0:ingress/filters?protocol=ip", 20),
            ("/v1/blocks/eth0:ingress/chains", 3), ("/v1/blocks/eth1:ingress/chains", 2), ("/v1/actions", 30),
            ("/v1/actions/gact", 12), ("/v1/actions/mirred", 18),
        ], [1, 2, 3, 7, 40])
    func pages(list: (target: String, count: Int), limit: Int) {
        let whole = lines(list.target)
        #expect(whole.rows.count == list.count && whole.count == list.count && whole.next == nil)
        var (rows, pages) = ([String](), 0)
        var target: String? = "\(list.target)\(list.target.contains("?") ? "&" : "?")limit=\(limit)"
        while let next = target {
            let page = lines(next)
            #expect(page.count == list.count && page.rows.count <= limit)
            rows += page.rows
            pages += 1
            target = page.next
        }
        #expect(rows == whole.rows && pages == max(1, (list.count + limit - 1) / limit))
    }

    @Test("A page begins behind the place of the last row, whether that is still there or not")
    func goneRows() {
        let filters = "/v1/blocks/eth0:ingress/filters"
        let whole = lines(filters).rows
        let next = lines("\(filters)?limit=7").next ?? "none"
        #expect(service.call("DELETE", "/v1/blocks/eth0:ingress/chains/0/filters/7").status == 200)
        #expect(lines(next).rows == Array(whole[10..<17]))
        #expect(service.call("DELETE", "/v1/blocks/eth0:ingress/chains/0").status == 204)
        #expect(lines(next).rows == Array(whole[10..<17]))
        #expect(service.call("DELETE", "/v1/links/eth0/qdiscs/ingress").status == 204)
        #expect(service.call("GET", next).status == 404)
    }
}
