internal import HeapModule

/// Gives out the lowest number that no one has, from 1 on: for handles and indices that no one said.
///
/// One that was given out, or that someone said, is reserved until it is in use or given back: meanwhile no one else is given it. Which
/// numbers are in use, who calls knows. Amortised O(log n), whatever is taken and given back in between.
struct NumberPool: Sendable {
    private(set) var reserved: Set<UInt32> = []
    /// All numbers from here on that were never given out; some may be in use by who said them.
    private var next: UInt32 = 1
    /// Below `next`, numbers that were given back; some may be in use again.
    private var returned = Heap<UInt32>()
    private var queued: Set<UInt32> = []
    private let last: UInt32

    /// - Parameter last: the greatest that is given out.
    init(last: UInt32) { self.last = last }

    /// The lowest that is free; nil if none is.
    mutating func reserve(isUsed: (UInt32) -> Bool) -> UInt32? {
        while let number = returned.popMin() {
            queued.remove(number)
            if take(number, isUsed) { return number }
        }
        while next <= last {
            defer { next += 1 }
            if take(next, isUsed) { return next }
        }
        return nil
    }

    private mutating func take(_ number: UInt32, _ isUsed: (UInt32) -> Bool) -> Bool {
        if reserved.contains(number) || isUsed(number) { return false }
        reserved.insert(number)
        return true
    }

    /// One that someone says, and that no one else has.
    mutating func reserve(_ number: UInt32) { reserved.insert(number) }

    /// It is in use from now on.
    mutating func use(_ number: UInt32) { if !reserved.isEmpty { reserved.remove(number) } }

    /// No one has it any more.
    mutating func giveBack(_ number: UInt32) {
        use(number)
        guard number < next, queued.insert(number).inserted else { return }
        returned.insert(number)
    }
}
