internal import HeapModule

/// Finds the lowest number that no one has, from 1 on: for handles and indices that no one said.
///
/// Amortised O(log n), whatever is taken and given back in between.
struct LowestFree: Sendable {
    /// All numbers from here on that were never found here; some may have been taken by who said them.
    private var next: UInt32 = 1
    /// Below `next`, numbers that were given back; some may have been taken again.
    private var returned = Heap<UInt32>()
    private var queued: Set<UInt32> = []
    private let last: UInt32

    /// - Parameter last: the greatest that is found.
    init(last: UInt32) { self.last = last }

    /// The lowest that is free; nil if none is. It must then be taken.
    mutating func find(isTaken: (UInt32) -> Bool) -> UInt32? {
        while let number = returned.popMin() {
            queued.remove(number)
            if !isTaken(number) { return number }
        }
        while next <= last {
            defer { next += 1 }
            if !isTaken(next) { return next }
        }
        return nil
    }

    mutating func giveBack(_ number: UInt32) {
        guard number < next, queued.insert(number).inserted else { return }
        returned.insert(number)
    }
}
