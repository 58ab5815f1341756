import Testing

@testable import TrafficControl

/// Classes as `tc` writes and prints them.
@Suite struct ClassIDTests {
    @Test(
        "Both halves are hexadecimal, and either may be left out",
        arguments: [
            ("1:10", 0x1_0010, "1:10"), ("ffff:ffe0", 0xFFFF_FFE0, "ffff:ffe0"), ("A:", 0xA_0000, "a:"),
            (":10", 0x10, ":10"), ("0:0", 0, "none"), ("none", 0, "none"), ("root", 0xFFFF_FFFF, "root"),
            ("ffff:ffff", 0xFFFF_FFFF, "root"), ("10010", 0x1_0010, "1:10"), ("0x1:0x10", 0x1_0010, "1:10"),
        ] as [(String, UInt32, String)])
    func forms(text: String, number: UInt32, printed: String) throws {
        let id = try #require(ClassID(text))
        #expect(id.rawValue == number && id.text == printed)
        #expect(ClassID(printed) == id)
    }

    @Test(
        "What is no class is refused",
        arguments: ["", ":", "1:2:3", "10000:1", "1:10000", "g:1", "1:-1", "+1:1", "100000000", "one", "1: 2"])
    func refusals(text: String) { #expect(ClassID(text) == nil) }

    @Test("Traffic classes of hardware are 16 minor numbers, of whatever qdisc")
    func hardware() throws {
        for number in UInt64(0)..<16 {
            let id = try #require(ClassID(hwTC: number))
            #expect(id.rawValue == 0xFFFF_FFE0 + UInt32(number) && id.hwTC == number)
            #expect(ClassID(hwTC: number, major: 1)?.hwTC == number)
        }
        #expect(ClassID(hwTC: 16) == nil)
        for text in ["ffff:ffdf", "ffff:fff0", "1:10", "none", "root"] { #expect(ClassID(text)?.hwTC == nil) }
    }
}
