internal import ChangeLog

/// Of what the switch was told, in order, how far all of it has been answered.
struct AnswerWindow {
    private static let isDone: UInt64 = 1 << 63

    /// The numbers of changes, from the first one that hasn't been answered; the highest bit says that it has.
    private var told = Queue<UInt64>()
    /// The ticket of the first.
    private var base = 0
    /// Everything up to it has been answered.
    private(set) var mark = ChangeSequence.zero

    /// - Returns: a ticket, to be given back when it is answered.
    mutating func open(_ sequence: ChangeSequence) -> Int {
        told.append(sequence.rawValue)
        return base + told.count - 1
    }

    mutating func close(_ ticket: Int) {
        guard ticket >= base else { return }
        told[ticket - base] |= Self.isDone
        while let first = told.first, first & Self.isDone != 0 {
            _ = told.removeFirst()
            base += 1
            mark = max(mark, ChangeSequence(rawValue: first & ~Self.isDone))
        }
    }

    var open: Int { told.count }

    /// What was told is void, and no ticket of it counts.
    mutating func forget() {
        base += told.count
        told.removeAll()
    }
}
