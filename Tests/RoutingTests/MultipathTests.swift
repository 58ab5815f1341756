import Addressing
import Routing
import Testing

@Suite struct MultipathTests {
    @Test(
        "F-50…F-52, R1-51: the bounds of the hashes that each nexthop owns",
        arguments: [
            ([3, 1], [1_610_612_735, 2_147_483_647]),
            ([1, 1, 1], [715_827_882, 1_431_655_764, 2_147_483_647]),
            ([0, 1], [-1, 2_147_483_647]),
        ] as [([UInt64], [Int64])])
    func bounds(weights: [UInt64], expected: [Int64]) {
        #expect(Multipath.bounds(weights) == expected)
    }

    @Test("A hash belongs to the first nexthop whose bound it isn't above; none without weights")
    func choice() {
        #expect(Multipath.choice(1_610_612_735, [3, 1]) == 0 && Multipath.choice(1_610_612_736, [3, 1]) == 1)
        #expect(Multipath.choice(0, [0, 1]) == 1 && Multipath.choice(2_147_483_647, [3, 1]) == 1)
        #expect(Multipath.choice(7, [0, 0]) == nil && Multipath.choice(7, []) == nil)
        let heaviest = [UInt64](repeating: 256, count: 256)
        #expect(Multipath.choice(2_147_483_647, heaviest) == 255 && Multipath.choice(0, heaviest) == 0)
    }

    @Test("R1-54: a nexthop that doesn't serve is passed over, and what falls to none goes to the first that serves")
    func choiceAmongSome() {
        let weights: [UInt64] = [1, 1, 1]
        func choice(_ hash: UInt32, _ serving: Int...) -> Int? {
            Multipath.choice(hash, weights) { serving.contains($0) }
        }
        #expect(choice(0, 0, 1, 2) == 0 && choice(0, 1, 2) == 1 && choice(0, 2) == 2)
        #expect(choice(2_147_483_647, 0, 1) == 0 && choice(2_147_483_647, 1) == 1 && choice(1_000_000_000, 0) == 0)
        #expect(choice(7) == nil)
        #expect(Multipath.choice(7, [0, 1]) { $0 == 0 } == nil)
    }

    @Test("R1-53: flows spread by weight, each always to the same", arguments: MultipathHashPolicy.allCases)
    func spread(policy: MultipathHashPolicy) throws {
        var counts = [0, 0]
        for number in 0..<40_000 as Range<UInt32> {
            let query = LookupQuery(destination: IPAddress(inet: 10 << 24 | number))
            let hash = Multipath.hash(query, by: policy)
            #expect(hash < 1 << 31 && hash == Multipath.hash(query, by: policy))
            counts[try #require(Multipath.choice(hash, [3, 1]))] += 1
        }
        #expect((29_500...30_500).contains(counts[0]), "\(counts)")
    }

    @Test("R1-53: by addresses alone, or by protocol and ports too", arguments: MultipathHashPolicy.allCases)
    func policies(policy: MultipathHashPolicy) throws {
        func hashes(_ vary: (inout LookupQuery, UInt16) throws -> Void) throws -> Int {
            try Set(
                (1...100 as ClosedRange<UInt16>).map { number in
                    var query = LookupQuery(destination: try IPAddress("10.0.0.1"))
                    try vary(&query, number)
                    return Multipath.hash(query, by: policy)
                }
            ).count
        }
        #expect(try hashes { $0.destination = IPAddress(inet: 10 << 24 | UInt32($1)) } == 100)
        #expect(try hashes { $0.source = try IPAddress("192.0.2.\($1)") } == 100)
        let expected = policy == .fiveTuple ? 100 : 1
        #expect(try hashes { $0.sourcePort = $1 } == expected && hashes { $0.destinationPort = $1 } == expected)
        #expect(try hashes { $0.ipProtocol = UInt8($1) } == expected)
        // What else a packet has says nothing of its flow.
        #expect(try hashes { ($0.mark, $0.tos) = (UInt32($1), UInt8($1)) } == 1)
    }
}
