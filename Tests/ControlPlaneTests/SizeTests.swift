import Addressing
import ChangeLog
import ControlPlane
import Routing
import Testing

/// What the structures weigh that exist once a route, a change or a nexthop. A byte more in one of them is a megabyte for
/// each million: let a test say so before an operator does.
@Suite struct SizeTests {
    @Test("A route is 24 bytes of key and 40 of value")
    func route() {
        #expect(MemoryLayout<RouteKey>.stride == 24)
        #expect(MemoryLayout<StoredRoute>.stride == 40)
        #expect(MemoryLayout<EntryHash>.size == 16 && MemoryLayout<ChangeSequence>.size == 8)
    }

    @Test("A record of the log is 144 bytes, whatever kind it is of")
    func record() {
        #expect(MemoryLayout<Change>.stride == 144)
    }

    @Test("Addresses, prefixes and nexthops carry no padding that could be helped")
    func values() {
        #expect(MemoryLayout<IPAddress>.size == 17)
        #expect(MemoryLayout<Prefix>.size == 18)
        #expect(MemoryLayout<NextHop>.stride <= 48)
        #expect(MemoryLayout<RouteWrite>.stride <= 96)
    }
}
