internal import Glibc

extension StoreError {
    /// From a call of the operating system: what was tried, and the number that it left in `errno`.
    static func system(_ attempt: String, errno number: Int32) -> StoreError {
        // SAFETY: the text is copied at once.
        let reason = unsafe String(cString: strerror(number))
        switch number {
        case ENOSPC, EDQUOT, EFBIG: return .full("\(attempt): \(reason). Free some space there")
        case EACCES, EPERM, EROFS:
            return .unwritable("\(attempt): \(reason). Let fibd write there, or choose another --data-dir")
        default: return .failed("\(attempt): \(reason)")
        }
    }

    /// - Parameter what: a clause that names the file.
    static func damage(_ what: String) -> StoreError {
        .damaged("\(what). Restore a backup, or start with another --data-dir; `fibd check` tells more")
    }
}

extension String {
    /// As a word of a shell's command line.
    var quotedForShell: String {
        let plain =
            !isEmpty
            && utf8.allSatisfy { byte in
                switch byte {
                case UInt8(ascii: "a")...UInt8(ascii: "z"), UInt8(ascii: "A")...UInt8(ascii: "Z"),
                    UInt8(ascii: "0")...UInt8(ascii: "9"), UInt8(ascii: "/"), UInt8(ascii: "."), UInt8(ascii: "-"),
                    UInt8(ascii: "_"):
                    true
                default: false
                }
            }
        if plain { return self }
        return "'" + split(separator: "'", omittingEmptySubsequences: false).joined(separator: "'\\''") + "'"
    }
}
