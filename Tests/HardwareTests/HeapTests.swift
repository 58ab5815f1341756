import TestSupport
import Testing

@testable import Hardware

@Suite struct HeapTests {
    @Test("A heap gives back what it was given, the least first", arguments: UInt64(1)...16)
    func sorted(seed: UInt64) {
        var random = SeededGenerator(seed: seed)
        let numbers = (0..<Int.random(in: 0..<200, using: &random)).map { _ in Int.random(in: 0..<50, using: &random) }
        var heap = Heap<Int>()
        for number in numbers { heap.insert(number) }
        var taken: [Int] = []
        while let next = heap.removeFirst() { taken.append(next) }
        #expect(taken == numbers.sorted())
    }

    @Test("A queue keeps the order, and finds each by its place from the front", arguments: UInt64(1)...16)
    func queue(seed: UInt64) {
        var random = SeededGenerator(seed: seed)
        var queue = Queue<Int>()
        var model: [Int] = []
        for step in 0..<20_000 {
            if Int.random(in: 0..<20_000, using: &random) > step {
                queue.append(step)
                model.append(step)
            } else if !model.isEmpty {
                #expect(queue.removeFirst() == model.removeFirst())
            }
            #expect(queue.count == model.count && queue.first == model.first)
            if let index = model.indices.randomElement(using: &random), step % 8 == 0 {
                #expect(queue[index] == model[index])
            }
        }
    }
}
