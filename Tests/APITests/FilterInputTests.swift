import JSON
import Routing
import Testing
import TrafficControl

@testable import API

/// Filters as bodies have them.
@Suite struct FilterInputTests {
    private func read(_ text: String) throws -> FilterInput { try InputReading.read(text) { try FilterInput(&$0) } }

    private func refusal(_ text: String) -> String { InputReading.refusal(text) { try FilterInput(&$0) } }

    /// As `tc -json -s filter show dev eth0 ingress` prints them, the first one being no filter.
    static let shown = #"""
        [{"protocol":"ip","pref":49152,"kind":"flower","chain":0},
         {"protocol":"ip","pref":49152,"kind":"flower","chain":0,"options":{"handle":1,"hw_tc":3,"indev":"eth0",
          "keys":{"eth_type":"ipv4","ip_proto":"tcp","dst_ip":"192.0.2.0/24","dst_port":80,"ip_flags":{"frag":false}},
          "in_hw":true,"in_hw_count":1,"actions":[{"order":1,"kind":"gact",
          "control_action":{"type":"goto","chain":5},"prob":{"random_type":"none","control_action":{"type":"pass"},"val":0},
          "index":4,"ref":1,"bind":1,"installed":12,"last_used":3,"first_used":9,"stats":{"bytes":98,"packets":1,"drops":0,
          "overlimits":0,"requeues":0,"backlog":0,"qlen":0},"cookie":"aa11","hw_stats":["immediate"],
          "used_hw_stats":["immediate"]}]}},
         {"dev":"eth1","egress":true,"protocol":"all","pref":7,"kind":"matchall","chain":2,"options":{"handle":1,
          "flowid":"1:10","skip_hw":true,"not_in_hw":true,"rule_hit":77,"actions":[{"order":1,"kind":"mirred",
          "mirred_action":"redirect","direction":"egress","to_dev":"eth2","control_action":{"type":"stolen"},"index":1,
          "ref":1,"bind":1,"not_in_hw":true,"no_percpu":true}]}},
         {"added":true,"block":22,"protocol":"[2048]","pref":3,"kind":"flower","chain":0,"options":{"handle":2,
          "classid":"ffff:","keys":{},"skip_sw":true},"bytes":0,"packets":0,"warn":"careful"}]
        """#

    @Test("What tc prints is read, all of it: R4-110 to R4-112")
    func printed() throws {
        let all = try InputReading.read(Self.shown) { reader in
            var all: [FilterInput] = []
            try reader.readArray { reader, _ in all.append(try FilterInput(&reader)) }
            return all
        }
        #expect(all.map(\.isBare) == [true, false, false, false])
        #expect(all.map(\.place) == [nil, nil, .egress("eth1"), .shared(22)])
        #expect(all.map(\.write.priority) == [49_152, 49_152, 7, 3])
        #expect(all.map(\.write.chain) == [0, 0, 2, 0])
        #expect(all.map(\.write.handle) == [nil, 1, 1, 2])
        #expect(all.map(\.write.protocol) == [.ip, .ip, .all, .ip])
        #expect(all.map(\.write.kind) == ["flower", "flower", "matchall", "flower"])
        #expect(all.map(\.write.flags) == [[], [], .skipHW, .skipSW])
        #expect(all.map(\.write.classID) == [0, 0xFFFF_FFE3, 0x1_0010, 0xFFFF_0000])
        #expect(all.map { $0.write.verb } == [.add, .add, .add, .add])
        #expect(
            all[0].write.options == nil && all[2].write.options == [:] && all[3].write.options == ["keys": .object([:])]
        )
        let keys: FlowMembers = [
            "eth_type": .text("ipv4"), "ip_proto": .text("tcp"), "dst_ip": .text("192.0.2.0/24"),
            "dst_port": .number(80),
            "ip_flags": .object(["frag": .bool(false)]), "indev": .text("eth0"),
        ]
        #expect(all[1].write.options == ["keys": .object(keys)])
        // As tc prints it: the link beside the keys.
        var others = keys
        others["indev"] = nil
        #expect(
            try Flower.options(all[1].write.options ?? [:], .ip).values
                == ["keys": .object(others), "indev": .text("eth0")])
        #expect(try Matchall.options(all[2].write.options ?? [:], .all).values.isEmpty)
        #expect(all[1].write.actions.map(\.content) == [.gact(Gact(.goto(chain: 5)))])
        #expect(all[1].write.actions.map(\.index) == [4])
        #expect(all[2].write.actions.map(\.content) == [.mirred(Mirred(.redirect, .egress, to: "eth2"))])
    }

    @Test("What a client writes is read")
    func written() throws {
        let input = try read(
            #"""
            {"namespace":"blue","block":"eth0:ingress","protocol":"ip","kind":"flower","handle":"0x1f","skip_hw":true,
             "options":{"keys":{"ip_proto":"tcp"},"verbose":true},
             "actions":[{"kind":"gact","control_action":{"type":"drop"}},{"kind":"gact","index":9}]}
            """#)
        #expect(input.namespace == "blue" && input.place == .ingress("eth0") && !input.isBare)
        #expect(input.write.handle == 31 && input.write.priority == nil && input.write.flags == [.skipHW, .verbose])
        #expect(input.write.actions.map(\.content) == [.gact(Gact(.drop)), nil])
        #expect(input.write.actions.map(\.kind) == ["gact", "gact"] && input.write.actions[1].index == 9)
    }

    @Test("Nothing is a filter without a word of what it is, and zeros are as if nothing was said")
    func bare() throws {
        #expect(try read(#"{"protocol":"all","pref":1,"kind":"matchall","chain":0}"#).isBare)
        #expect(try read(#"{"kind":"matchall","handle":0}"#).isBare)
        #expect(try !read(#"{"protocol":"all","pref":1,"kind":"matchall","chain":0,"options":{}}"#).isBare)
        #expect(try !read(#"{"kind":"matchall","actions":[]}"#).isBare)
        #expect(try !read(#"{"kind":"matchall","handle":1}"#).isBare)
        #expect(try !read(#"{"kind":"matchall","skip_hw":true}"#).isBare)
        #expect(try !read(#"{"pref":1}"#).isBare)
        let zeros = try read(#"{"protocol":0,"pref":0,"handle":"0x0","options":{"handle":0}}"#).write
        #expect(zeros.protocol == nil && zeros.priority == nil && zeros.handle == nil)
    }

    @Test(
        "Each way to say the block",
        arguments: [
            (#"{"block":22}"#, "22"), (#"{"block":"22"}"#, "22"), (#"{"block":"eth0:egress"}"#, "eth0:egress"),
            (#"{"dev":"eth0","ingress":true}"#, "eth0:ingress"), (#"{"dev":"eth0","egress":null}"#, "eth0:egress"),
            (#"{"dev":"eth0","parent":"ffff:"}"#, "eth0:ingress"),
            (#"{"dev":"eth0","parent":"ffff:fff2"}"#, "eth0:ingress"),
            (#"{"dev":"eth0","parent":"ffff:fff3"}"#, "eth0:egress"), (#"{"dev":"eth0"}"#, ""),
            (#"{"ingress":true}"#, ""),
            (#"{"dev":"eth0","ingress":false,"root":false}"#, ""), (#"{}"#, ""),
            (#"{"dev":"eth0","ingress":true,"parent":"ffff:fff2","block":"eth0:ingress"}"#, "eth0:ingress"),
        ])
    func places(text: String, name: String) throws {
        #expect(try read(text).place.map(\.description) ?? "" == name)
    }

    @Test("What a body says of its block must be so of the path's")
    func checking() throws {
        let bodies = [
            #"{}"#, #"{"dev":"eth0"}"#, #"{"ingress":true}"#, #"{"block":"eth0:ingress"}"#, #"{"block":22}"#,
            #"{"egress":true}"#,
        ]
        func agreeing(_ place: BlockIdentity.Place) throws -> [Bool] {
            try bodies.map { body in
                let input = try read(body)
                do throws(Problem) {
                    try input.check(place)
                    return true
                } catch {
                    #expect(error.reason == "key-mismatch" && error.errors.count == 1)
                    return false
                }
            }
        }
        #expect(try agreeing(.ingress("eth0")) == [true, true, true, true, false, false])
        #expect(try agreeing(.egress("eth0")) == [true, true, false, false, false, true])
        #expect(try agreeing(.ingress("eth1")) == [true, false, true, false, false, false])
        #expect(try agreeing(.shared(22)) == [true, false, false, false, true, false])
    }

    @Test(
        "What is no filter is refused where it isn't one",
        arguments: [
            (#"[]"#, "wrong-type "), (#"{"prio":1}"#, "unknown-field /prio"), (#"{"pref":65536}"#, "bad-value /pref"),
            (#"{"pref":"1"}"#, "wrong-type /pref"), (#"{"chain":-1}"#, "bad-value /chain"),
            (#"{"protocol":"ipx"}"#, "bad-value /protocol"), (#"{"protocol":65536}"#, "bad-value /protocol"),
            (#"{"handle":"1x"}"#, "bad-value /handle"), (#"{"handle":-1}"#, "bad-value /handle"),
            (#"{"namespace":"a/b"}"#, "bad-value /namespace"), (#"{"kind":7}"#, "wrong-type /kind"),
            (#"{"block":0}"#, "block-invalid R4-02 /block"), (#"{"block":"0"}"#, "bad-value /block"),
            (#"{"block":"eth0"}"#, "bad-value /block"), (#"{"dev":"a b"}"#, "device-missing /dev"),
            (#"{"ingress":true,"egress":true}"#, "filter-invalid /egress"),
            (#"{"root":true}"#, "filter-invalid R4-04 /root"),
            (#"{"parent":"1:"}"#, "filter-invalid R4-04 /parent"),
            (#"{"parent":"ffff:fff2","egress":true}"#, "filter-invalid /egress"),
            (#"{"block":22,"dev":"eth0"}"#, "filter-invalid /dev"),
            (#"{"block":"eth0:egress","ingress":true}"#, "filter-invalid /ingress"),
            (#"{"skip_hw":1}"#, "wrong-type /skip_hw"), (#"{"options":[]}"#, "wrong-type /options"),
            (#"{"options":{"keys":{"dst_port":-1}}}"#, "bad-value /options/keys/dst_port"),
            (#"{"options":{"keys":{"dst_port":1.5}}}"#, "wrong-type /options/keys/dst_port"),
            (#"{"options":{"keys":{"mpls":[{"ttl":null}]}}}"#, "wrong-type /options/keys/mpls/0/ttl"),
            (#"{"options":{"keys":{"a/b":null}}}"#, "wrong-type /options/keys/a~1b"),
            (#"{"options":{"classid":"x"}}"#, "bad-value /options/classid"),
            (#"{"options":{"classid":"1:2:3"}}"#, "bad-value /options/classid"),
            (#"{"options":{"classid":"+1:2"}}"#, "bad-value /options/classid"),
            (#"{"options":{"classid":"10000:1"}}"#, "bad-value /options/classid"),
            (#"{"options":{"classid":":"}}"#, "bad-value /options/classid"),
            (#"{"options":{"classid":"1:1","hw_tc":1}}"#, "filter-invalid /options/hw_tc"),
            (#"{"options":{"hw_tc":16}}"#, "bad-value /options/hw_tc"),
            (#"{"options":{"indev":"eth0","keys":{"indev":"eth1"}}}"#, "filter-invalid /options/indev"),
            (#"{"handle":1,"options":{"handle":2}}"#, "filter-invalid /options/handle"),
            (#"{"options":{"actions":[]},"actions":[]}"#, "filter-invalid /options/actions"),
            (#"{"actions":{}}"#, "wrong-type /actions"),
            (#"{"actions":[{"kind":"gact","index":1},{"kind":"nat"}]}"#, "kind-unknown R4-97 /actions/1/kind"),
            (#"{"options":{"actions":[{"kind":"gact"}]}}"#, "action-invalid R4-97 /options/actions/0"),
            (#"{"pref":1,"pref":2}"#, "duplicate-field /pref"),
        ])
    func refused(text: String, what: String) { #expect(refusal(text) == what) }

    @Test(
        "Classes are named as tc names them",
        arguments: [
            ("1:10", 0x1_0010), ("1:", 0x1_0000), (":a", 10), ("ffff:fff2", 0xFFFF_FFF2), ("none", 0), ("root", .max),
        ] as [(String, UInt32)])
    func classes(text: String, id: UInt32) throws {
        #expect(try read(#"{"options":{"flowid":"\#(text)"}}"#).write.classID == id)
    }
}
