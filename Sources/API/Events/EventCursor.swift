internal import ChangeLog
internal import ControlPlane

/// Where a client left off: `<epoch>-<seq>-<f>`, f six hexadecimal digits of its filter, or `0` without one.
struct EventCursor: Hashable, Sendable {
    let epoch: String
    let sequence: ChangeSequence
    let filterDigits: String

    /// Why a cursor can't be honoured; the stream then begins with a replay that says so.
    enum Refusal: String, Error, Sendable {
        case malformed, epoch, filter, future
        case tooOld = "too-old"
    }

    init(parsing text: String) throws(Refusal) {
        let parts = text.split(separator: "-", omittingEmptySubsequences: false)
        guard parts.count == 3, let sequence = UInt64(parts[1]), String(sequence) == parts[1], !parts[0].isEmpty,
            parts[2] == "0" || (parts[2].utf8.count == 6 && parts[2].utf8.allSatisfy(Self.isHexDigit))
        else { throw .malformed }
        epoch = String(parts[0])
        self.sequence = ChangeSequence(rawValue: sequence)
        filterDigits = String(parts[2])
    }

    private static func isHexDigit(_ byte: UInt8) -> Bool {
        (UInt8(ascii: "0")...UInt8(ascii: "9")).contains(byte) || (UInt8(ascii: "a")...UInt8(ascii: "f")).contains(byte)
    }

    /// Whether the stream can go on from here: same history, same filter, and the log still reaches back.
    func check(epoch: String, filterDigits: String, _ mark: Log<Change>.Mark) throws(Refusal) {
        if self.epoch != epoch { throw .epoch }
        if self.filterDigits != filterDigits { throw .filter }
        // A volatile change that was the last before a restart is not there any more.
        if sequence >= mark.upcoming { throw .future }
        if sequence < mark.floor { throw .tooOld }
    }
}

extension EventFilter {
    /// The last part of a cursor.
    var digits: String {
        guard let text = canonicalText else { return "0" }
        let hash = EntryHash(of: Array(text.utf8).span)
        var bytes: [UInt8] = []
        bytes.append(hash)
        return String(decoding: bytes[..<6], as: UTF8.self)
    }
}
