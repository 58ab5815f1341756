import ChangeLog
import Testing

@Suite struct EntryHashTests {
    @Test("The hash is the first half of SHA-256, big-endian (FIPS 180-4 vectors)")
    func knownVectors() {
        let abc = EntryHash(of: Array("abc".utf8).span)
        #expect(abc == EntryHash(high: 0xba78_16bf_8f01_cfea, low: 0x4141_40de_5dae_2223))
        let empty = EntryHash(of: [UInt8]().span)
        #expect(empty == EntryHash(high: 0xe3b0_c442_98fc_1c14, low: 0x9afb_f4c8_996f_b924))
    }

    @Test("A digest is a sum modulo 2^128: carries go up, order doesn't matter, what was added can be taken away")
    func sumsModulo() {
        let large = EntryHash(high: .max, low: .max)
        let one = EntryHash(high: 0, low: 1)
        var sum = StateDigest()
        sum += large
        sum += one
        #expect(sum == StateDigest())
        sum -= one
        #expect(sum == StateDigest(high: .max, low: .max))
    }
}
