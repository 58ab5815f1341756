import Routing
import Testing

@testable import TrafficControl

/// What is under `options` of filters of flower.
@Suite struct FlowerTests {
    private func values(_ options: FlowMembers) throws(FIBError) -> FlowMembers {
        try Flower.options(options, .ip).values
    }

    @Test("What a packet came by is printed beside the keys, as tc has it, and read there and among them")
    func besideKeys() throws {
        let keys: FlowMembers = ["ip_proto": .text("tcp"), "eth_type": .text("ipv4")]
        let printed: FlowMembers = [
            "indev": .text("eth0"), "l2_miss": .bool(true), "keys": .object(keys),
        ]
        #expect(try values(printed) == printed)
        let among = keys.adding(["indev": .text("eth0"), "l2_miss": .bool(true)])
        #expect(try values(["keys": .object(among)]) == printed)
        #expect(try values(["keys": .object(among), "indev": .text("eth0")]) == printed)
        #expect(throws: FIBError.self) { try values(["keys": .object(among), "indev": .text("eth1")]) }
    }

    @Test("Options that there are none of are refused")
    func unknown() {
        for options in [["mask": .number(1)], ["dst_ip": .text("10.0.0.1")], ["keys": .list([])]]
            as [FlowMembers]
        {
            #expect(throws: FIBError.self) { try values(options) }
        }
        #expect(throws: Never.self) { try values([:]) }
    }
}
