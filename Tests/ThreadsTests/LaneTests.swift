import Synchronization
import Testing
import Threads

@Suite struct LaneTests {
    @Test("Jobs of a lane run in order, one at a time, and drain waits for the last")
    func keepsOrder() {
        let pool = WorkerPool(name: "test", threads: 3, capacity: .max)
        let log = Locked<[Int]>([], rank: .leaf)
        let running = Atomic<Int>(0)
        let lane = Lane(pool: pool, capacity: 4)
        for number in 0..<500 {
            lane.submit {
                #expect(running.wrappingAdd(1, ordering: .relaxed).newValue == 1)
                log.withLock { $0.append(number) }
                running.wrappingSubtract(1, ordering: .relaxed)
            }
        }
        lane.drain()
        #expect(log.withLock { $0 } == Array(0..<500))
        pool.shutDown()
    }

    @Test("Lanes that share one thread all come to their end")
    func sharesThreads() {
        let pool = WorkerPool(name: "test", threads: 1, capacity: .max)
        let counts = Locked<[Int]>([0, 0, 0], rank: .leaf)
        let lanes = (0..<3).map { _ in Lane(pool: pool, capacity: 2) }
        let feeders = lanes.indices.map { index in
            Thread(name: "feeder") {
                for _ in 0..<300 { lanes[index].submit { counts.withLock { $0[index] += 1 } } }
                lanes[index].drain()
            }
        }
        for feeder in feeders { feeder.join() }
        #expect(counts.withLock { $0 } == [300, 300, 300])
        pool.shutDown()
    }

    @Test("What comes to a lane whose pool has ended is done all the same")
    func afterTheEnd() {
        let pool = WorkerPool(name: "test", threads: 1, capacity: .max)
        pool.shutDown()
        let count = Atomic<Int>(0)
        let lane = Lane(pool: pool, capacity: 1)
        for _ in 0..<3 { lane.submit { count.wrappingAdd(1, ordering: .relaxed) } }
        lane.drain()
        #expect(count.load(ordering: .relaxed) == 3)
    }
}
