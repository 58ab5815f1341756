internal import Bytes

/// Finds the lines of a body that comes in pieces. However long that is, what is kept of it is one unfinished line.
struct LineReader {
    /// A longer line is refused, and skipped to its end.
    static let lineLimit = 64 << 10

    /// The beginning of a line whose end has not come yet.
    private var carry: [UInt8] = []
    private var isSkippingLine = false
    /// How many have ended.
    private(set) var count = 0

    /// Is given a line, or nothing for one that is too long, and its number, from 1; false if it wants no more.
    typealias Taking = (_ text: Span<UInt8>?, _ number: Int) -> Bool

    /// - Parameter each: is given each line that ends.
    mutating func take(_ piece: Span<UInt8>, _ each: Taking) {
        var start = 0
        while let end = piece.firstIndex(of: UInt8(ascii: "\n"), from: start) {
            guard takeLineEnd(piece.extracting(start..<end), each) else { return }
            start = end + 1
        }
        if carry.count + piece.count - start > Self.lineLimit {
            carry = []
            isSkippingLine = true
        }
        if !isSkippingLine { carry.append(copying: piece.extracting(start...)) }
    }

    /// The last line may lack its line feed.
    mutating func takeEnd(_ each: Taking) {
        let nothing: [UInt8] = []
        if !carry.isEmpty || isSkippingLine { _ = takeLineEnd(nothing.span, each) }
    }

    private mutating func takeLineEnd(_ rest: Span<UInt8>, _ each: Taking) -> Bool {
        count += 1
        if isSkippingLine || carry.count + rest.count > Self.lineLimit {
            isSkippingLine = false
            carry = []
            return each(nil, count)
        }
        if carry.isEmpty { return each(rest, count) }
        carry.append(copying: rest)
        var whole: [UInt8] = []
        swap(&whole, &carry)
        let goesOn = each(whole.span, count)
        whole.removeAll(keepingCapacity: true)
        swap(&whole, &carry)
        return goesOn
    }
}

extension Problem {
    static let lineTooLong = Problem(
        status: 413, code: "EMSGSIZE", reason: "line-too-long",
        detail: "a line may have \(LineReader.lineLimit) bytes")
}

extension Span<UInt8> {
    var isBlank: Bool {
        for index in indices where self[index] != 0x20 && self[index] != 0x09 && self[index] != 0x0d { return false }
        return true
    }
}
