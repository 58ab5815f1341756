import Addressing
import Foundation

/// Texts of addresses and prefixes: what is accepted, and as what, is as libc has it; what is written is read back.
enum Addresses {
    static func run(_ input: [UInt8]) {
        // libc's texts end at a NUL.
        guard !input.contains(0) else { return }
        let address = try? IPAddress(parsing: input.span)
        let bytes = address.map(bytes)
        expect(bytes == libc(input), "\(text(input)) is \(bytes ?? []), libc says \(libc(input) ?? [])")
        if let address {
            expect((try? IPAddress(address.description)) == address, "\(address) isn't read back")
        }
        if let prefix = try? Prefix(parsing: input.span) {
            expect((try? Prefix(prefix.description)) == prefix, "\(prefix) isn't read back")
            expect(prefix.contains(prefix.address) && prefix.contains(prefix.lastAddress), "\(prefix) has other ends")
        }
    }

    private static func bytes(_ address: IPAddress) -> [UInt8] {
        let all = [address.high, address.low].flatMap { half in
            stride(from: 56, through: 0, by: -8).map { UInt8(truncatingIfNeeded: half >> $0) }
        }
        return address.family == .inet ? Array(all[..<4]) : all
    }

    /// What inet_pton makes of it, in either family.
    private static func libc(_ input: [UInt8]) -> [UInt8]? {
        for (family, size) in [(AF_INET, 4), (AF_INET6, 16)] {
            var address = [UInt8](repeating: 0, count: size)
            let text = input.map { CChar(bitPattern: $0) } + [0]
            if inet_pton(family, text, &address) == 1 { return address }
        }
        return nil
    }

    private static func text(_ input: [UInt8]) -> String { String(decoding: input, as: UTF8.self) }
}
