import JSON
import Routing
import Testing
import TrafficControl

@testable import API

/// Chains, qdiscs and names of blocks as bodies have them.
@Suite struct ChainInputTests {
    private func chain(_ text: String) throws -> ChainInput { try InputReading.read(text) { try ChainInput(&$0) } }

    private func qdisc(_ text: String) throws -> QdiscInput { try InputReading.read(text) { try QdiscInput(&$0) } }

    @Test(
        "Names of blocks are read as they are written, and no others",
        arguments: [
            ("22", .shared(22)), ("4294967295", .shared(.max)), ("eth0:ingress", .ingress("eth0")),
            ("eth0.5:egress", .egress("eth0.5")), ("22:egress", .egress("22")), ("0", nil), ("022", nil), ("+22", nil),
            ("-1", nil), ("4294967296", nil), ("", nil), (":ingress", nil), ("eth0", nil), ("eth0:", nil),
            ("eth0:both", nil), ("a:b:ingress", nil), ("a/b:ingress", nil), ("sixteen-byte-nam:ingress", nil),
            (" 22", nil),
        ] as [(String, BlockIdentity.Place?)])
    func names(text: String, place: BlockIdentity.Place?) {
        let name = BlockName(text: text)
        #expect(name?.place == place)
        if let name { #expect(name.place.description == text) }
    }

    @Test("What tc prints of chains is read: R4-113")
    func chains() throws {
        let plain = try chain(#"{"parent":"ffff:","chain":5}"#)
        #expect(plain.index == 5 && plain.template == nil && plain.place == nil)
        let full = try chain(
            #"""
            {"added":true,"block":22,"namespace":"blue","chain":7,"kind":"flower","protocol":"ip",
             "options":{"handle":0,"keys":{"dst_ip":"0.0.0.0/24"},"not_in_hw":true}}
            """#)
        #expect(full.index == 7 && full.place == .shared(22) && full.namespace == "blue")
        #expect(full.template?.kind == "flower" && full.template?.protocol == .ip)
        #expect(full.template?.options == ["keys": .object(["dst_ip": .text("0.0.0.0/24")])])
        let kind = try chain(#"{"dev":"eth0","egress":true,"kind":"flower"}"#)
        #expect(kind.index == nil && kind.place == .egress("eth0"))
        #expect(kind.template?.kind == "flower" && kind.template?.options == nil)
        #expect(throws: Problem.self) { try kind.check(.ingress("eth0")) }
    }

    @Test(
        "What is no chain is refused where it isn't one",
        arguments: [
            (#"{"chain":"5"}"#, "wrong-type /chain"), (#"{"chain":4294967296}"#, "bad-value /chain"),
            (#"{"pref":1}"#, "unknown-field /pref"), (#"{"options":{}}"#, "chain-invalid R4-16 "),
            (#"{"kind":"flower","options":{"actions":[]}}"#, "chain-invalid R4-16 /options/actions"),
            (#"{"kind":"flower","protocol":"no"}"#, "bad-value /protocol"),
            (#"{"block":22,"ingress":true}"#, "filter-invalid /ingress"),
        ])
    func refusedChains(text: String, what: String) {
        #expect(InputReading.refusal(text) { try ChainInput(&$0) } == what)
    }

    @Test("What tc prints of qdiscs is read")
    func qdiscs() throws {
        let plain = try qdisc(#"{"kind":"clsact"}"#)
        #expect(plain.kind == .clsact && plain.device == nil && plain.ingressBlock == nil && plain.egressBlock == nil)
        let full = try qdisc(
            #"""
            {"kind":"clsact","handle":"ffff:","dev":"eth0","parent":"ffff:fff1","ingress_block":22,"egress_block":23,
             "options":{},"refcnt":2,"bytes":0,"packets":0,"drops":0,"overlimits":0,"requeues":0,"backlog":0,"qlen":0,
             "namespace":"blue","seq":5,"version":4,"h":"ab","offloaded":true}
            """#)
        #expect(full.kind == .clsact && full.device == "eth0" && full.namespace == "blue")
        #expect(full.ingressBlock == 22 && full.egressBlock == 23)
        #expect(try qdisc(#"{"kind":"ingress","ingress_block":1}"#).ingressBlock == 1)
    }

    @Test(
        "What is no qdisc is refused where it isn't one",
        arguments: [
            (#"{}"#, "missing-field /kind"), (#"{"kind":"fq_codel"}"#, "kind-unknown /kind"),
            (#"{"kind":"clsact","handle":"1:"}"#, "qdisc-invalid R4-01 /handle"),
            (#"{"kind":"clsact","parent":"ffff:fff2"}"#, "qdisc-invalid R4-01 /parent"),
            (#"{"kind":"clsact","ingress_block":0}"#, "block-invalid R4-02 /ingress_block"),
            (#"{"kind":"clsact","egress_block":0}"#, "block-invalid R4-02 /egress_block"),
            (#"{"kind":"clsact","egress_block":"23"}"#, "wrong-type /egress_block"),
            (#"{"kind":"ingress","egress_block":23}"#, "unsupported R4-01 /egress_block"),
            (#"{"kind":"clsact","options":{"limit":1}}"#, "unknown-field /options/limit"),
            (#"{"kind":"clsact","dev":"eth0:"}"#, "device-missing /dev"),
            (#"{"type":"clsact"}"#, "unknown-field /type"),
        ])
    func refusedQdiscs(text: String, what: String) {
        #expect(InputReading.refusal(text) { try QdiscInput(&$0) } == what)
    }

    @Test("The kinds that there are, are said of one that isn't")
    func unknownKind() {
        let error = #expect(throws: JSONLocatedError.self) { _ = try qdisc(#"{"kind":"htb"}"#) }
        let problem = error.map { Problem(input: $0) }
        #expect(problem?.status == 404 && problem?.code == "ENOENT")
        #expect(problem?.detail.contains("ingress and clsact") == true)
    }
}
