import Testing
import Threads

@Suite struct WorkQueueTests {
    @Test("Items leave in the order in which they came, however often the ring grew")
    func keepsOrder() {
        let queue = WorkQueue<Int>(capacity: 1_000)
        for round in 0..<3 {
            for item in 0..<300 { #expect(queue.put(round * 300 + item)) }
            for item in 0..<300 { #expect(queue.take() == round * 300 + item) }
        }
    }

    @Test("A full queue refuses, a closed one hands out what it holds and then ends")
    func boundsAndCloses() {
        let queue = WorkQueue<Int>(capacity: 2)
        #expect(queue.put(1) && queue.put(2) && !queue.put(3))
        queue.close()
        #expect(!queue.put(4))
        #expect(queue.take() == 1 && queue.take() == 2 && queue.take() == nil)
    }

    @Test("A pool that is shut down has run everything it accepted")
    func poolRunsAll() {
        let ran = Locked(0, rank: .leaf)
        let pool = WorkerPool(name: "test", threads: 3, capacity: 1_000)
        var accepted = 0
        for _ in 0..<500 where pool.submit({ ran.withLock { $0 += 1 } }) { accepted += 1 }
        pool.shutDown()
        #expect(ran.withLock { $0 } == accepted && accepted == 500)
        #expect(!pool.submit {})
    }
}
