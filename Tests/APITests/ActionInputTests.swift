import Routing
import Testing
import TrafficControl

@testable import API

/// Actions and verdicts as bodies have them.
@Suite struct ActionInputTests {
    private func read(_ text: String) throws -> ActionInput { try InputReading.read(text) { try ActionInput(&$0) } }

    private func gact(_ control: String, _ more: String = "") throws -> ActionContent? {
        try read(#"{"kind":"gact","control_action":\#(control)\#(more)}"#).draft.content
    }

    @Test(
        "Every verdict, also by the numbers that tc prints for those that it has no names for (R4-55)",
        arguments: [
            (#"{"type":"pass"}"#, .pass), (#"{"type":"ok"}"#, .pass), (#"{"type":"drop"}"#, .drop),
            (#"{"type":"shot"}"#, .drop), (#"{"type":"pipe"}"#, .pipe), (#"{"type":"continue"}"#, .continue),
            (#"{"type":"reclassify"}"#, .reclassify), (#"{"type":"trap"}"#, .trap), (#"{"type":"stolen"}"#, .stolen),
            (#"{"type":"5"}"#, .queued), (#"{"type":"6"}"#, .repeat), (#"{"type":"7"}"#, .redirect),
            (#"{"type":"goto","chain":268435455}"#, .goto(chain: 268_435_455)),
            (#"{"jump":2,"type":"jump"}"#, .jump(2)),
        ] as [(String, Verdict)])
    func verdicts(control: String, verdict: Verdict) throws { #expect(try gact(control) == .gact(Gact(verdict))) }

    @Test("What is done at random")
    func random() throws {
        let drop = #"{"type":"drop"}"#
        #expect(
            try gact(drop, #","prob":{"random_type":"determ","control_action":{"type":"pass"},"val":5}"#)
                == .gact(Gact(.drop, random: try Gact.Random(.determ, .pass, value: 5))))
        #expect(
            try gact(drop, #","prob":{"random_type":"netrand","control_action":{"type":"pipe"},"val":10000}"#)
                == .gact(Gact(.drop, random: try Gact.Random(.netrand, .pipe, value: 10_000))))
        #expect(try gact(drop, #","prob":{"random_type":"none"}"#) == .gact(Gact(.drop)))
    }

    @Test("mirred, by default with the verdict that tc gives")
    func mirred() throws {
        let input = try read(#"{"kind":"mirred","mirred_action":"mirror","direction":"ingress","to_dev":"eth1"}"#)
        #expect(input.draft.content == .mirred(Mirred(.mirror, .ingress, to: "eth1", .pipe)))
        #expect(input.draft.kind == "mirred" && input.draft.index == nil)
        let other = try read(
            #"{"kind":"mirred","mirred_action":"redirect","direction":"egress","to_dev":"eth1","control_action":{"type":"trap"}}"#
        )
        #expect(other.draft.content == .mirred(Mirred(.redirect, .egress, to: "eth1", .trap)))
    }

    @Test("An index alone is an action that is there, also as terse listings print it (R4-114)")
    func references() throws {
        let draft = try read(#"{"kind":"gact","index":5}"#).draft
        #expect(draft.kind == "gact" && draft.content == nil && draft.index == 5)
        let terse = try read(#"{"order":1,"kind":"mirred","index":7,"ref":1,"bind":1,"skip_sw":true,"in_hw":true}"#)
        #expect(terse.draft.kind == "mirred" && terse.draft.content == nil && terse.draft.index == 7)
        #expect(terse.draft.marks.flags == .skipSW)
    }

    @Test("The namespace and whom it is for can be read; the index 0 is none")
    func others() throws {
        let input = try read(
            #"{"namespace":"blue","kind":"gact","index":0,"control_action":{"type":"drop"},"skip_hw":true,"seq":9,"version":7,"h":"ab"}"#
        )
        #expect(input.namespace == "blue" && input.draft.marks.flags == .skipHW && input.draft.index == nil)
    }

    @Test("A cookie is 1 to 16 bytes in hexadecimal; no_percpu is kept")
    func marks() throws {
        func marks(_ more: String) throws -> ActionMarks {
            try read(#"{"kind":"gact","control_action":{"type":"drop"}\#(more)}"#).draft.marks
        }
        #expect(try marks(#","cookie":"aAf0","no_percpu":true"#).cookie == [0xAA, 0xF0])
        #expect(try marks(#","cookie":"aa","no_percpu":true"#).hasOneCounter)
        #expect(try marks("").cookie.isEmpty && !marks("").hasOneCounter)
        #expect(try marks(#","cookie":"\#(String(repeating: "12", count: 16))""#).cookie.count == 16)
        for text in ["", "a", "aax", "zz", "é9", String(repeating: "12", count: 17)] {
            #expect(throws: (any Error).self, "\(text)") { try marks(#","cookie":"\#(text)""#) }
        }
    }

    @Test(
        "What is no action is refused where it isn't one",
        arguments: [
            (#"{}"#, "action-invalid R4-97 "), (#"{"index":1}"#, "action-invalid R4-97 "),
            (#"{"kind":"vlan","vlan_action":"pop"}"#, "kind-unknown R4-97 /kind"),
            (#"{"vlan_action":"pop","kind":"vlan"}"#, "kind-unknown R4-97 /kind"),
            (#"{"vlan_action":"pop","kind":"gact"}"#, "unknown-field /vlan_action"),
            (#"{"kind":null}"#, "wrong-type /kind"), (#"{"kind":"gact","order":"1"}"#, "wrong-type /order"),
            (#"{"kind":"gact","index":4294967296}"#, "bad-value /index"),
            (#"{"kind":"gact","index":0}"#, "action-invalid R4-97 "),
            (#"{"kind":"gact","control_action":"drop"}"#, "wrong-type /control_action"),
            (#"{"kind":"gact","control_action":{}}"#, "action-invalid R4-97 /control_action"),
            (#"{"kind":"gact","control_action":{"type":"explode"}}"#, "action-invalid R4-97 /control_action/type"),
            (#"{"kind":"gact","control_action":{"type":"goto"}}"#, "action-invalid R4-97 /control_action"),
            (#"{"kind":"gact","control_action":{"type":"jump"}}"#, "action-invalid R4-97 /control_action"),
            (
                #"{"kind":"gact","control_action":{"type":"drop","chain":1}}"#,
                "action-invalid R4-97 /control_action/chain"
            ),
            (
                #"{"kind":"gact","control_action":{"type":"goto","chain":1,"jump":1}}"#,
                "action-invalid R4-97 /control_action/jump"
            ),
            (
                #"{"kind":"gact","control_action":{"type":"goto","chain":268435456}}"#,
                "action-invalid R4-07 /control_action/chain"
            ),
            (
                #"{"kind":"gact","control_action":{"type":"jump","jump":268435456}}"#,
                "action-invalid R4-54 /control_action/jump"
            ),
            (#"{"kind":"gact","prob":{"random_type":"dice"}}"#, "action-invalid /prob/random_type"),
            (#"{"kind":"gact","prob":{}}"#, "action-invalid /prob/random_type"),
            (#"{"kind":"gact","prob":{"random_type":"determ","val":1}}"#, "action-invalid /prob"),
            (
                #"{"kind":"gact","prob":{"random_type":"determ","control_action":{"type":"goto","chain":1},"val":1}}"#,
                "action-invalid R4-97 /prob"
            ),
            (
                #"{"kind":"gact","prob":{"random_type":"determ","control_action":{"type":"drop"},"val":10001}}"#,
                "action-invalid /prob"
            ),
            (
                #"{"kind":"gact","index":1,"prob":{"random_type":"determ","control_action":{"type":"drop"},"val":1}}"#,
                "action-invalid R4-97 "
            ),
            (#"{"kind":"gact","to_dev":"eth1"}"#, "action-invalid /to_dev"),
            (#"{"kind":"gact","direction":"egress"}"#, "action-invalid /direction"),
            (#"{"kind":"gact","mirred_action":"mirror"}"#, "action-invalid /mirred_action"),
            (
                #"{"kind":"mirred","prob":{"random_type":"determ","control_action":{"type":"drop"},"val":1}}"#,
                "action-invalid /prob"
            ),
            (#"{"kind":"mirred"}"#, "action-invalid R4-98 "),
            (#"{"kind":"mirred","mirred_action":"copy"}"#, "action-invalid R4-98 /mirred_action"),
            (#"{"kind":"mirred","direction":"up"}"#, "action-invalid R4-98 /direction"),
            (#"{"kind":"mirred","mirred_action":"mirror","to_dev":"eth1"}"#, "action-invalid R4-98 "),
            (#"{"kind":"mirred","mirred_action":"mirror","direction":"egress"}"#, "action-invalid R4-98 "),
            (#"{"kind":"mirred","mirred_action":"mirror","direction":"egress","to_dev":"*"}"#, "action-invalid R4-98 "),
            (
                #"{"kind":"mirred","mirred_action":"mirror","direction":"egress","to_dev":"a/b"}"#,
                "device-missing /to_dev"
            ),
        ])
    func refused(text: String, what: String) { #expect(InputReading.refusal(text) { try ActionInput(&$0) } == what) }
}
