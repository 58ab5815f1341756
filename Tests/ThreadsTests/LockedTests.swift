import Testing
import Threads

@Suite struct LockedTests {
    @Test("Increments from many threads are all kept")
    func countsEveryIncrement() {
        let counter = Locked(0, rank: .leaf)
        let threads = (0..<4).map { _ in
            Thread(name: "increment") {
                for _ in 0..<10_000 { counter.withLock { $0 += 1 } }
            }
        }
        for thread in threads { thread.join() }
        #expect(counter.withLock { $0 } == 40_000)
    }

    @Test("A lock that is held is not available")
    func heldIsNotAvailable() {
        let outer = Locked(1, rank: LockRank(1, "outer"))
        let result = outer.withLock { _ in
            let seen = Locked<Int??>(.none, rank: .leaf)
            Thread(name: "try") {
                let taken = outer.withLockIfAvailable { $0 }
                seen.withLock { $0 = .some(taken) }
            }.join()
            return seen.withLock { $0 }
        }
        #expect(result == .some(.none))
        #expect(outer.withLockIfAvailable { $0 } == 1)
    }

    #if DEBUG
    @Test("Taking locks against their order stops a debug build")
    func orderIsChecked() async {
        await #expect(processExitsWith: .failure) {
            let low = Locked(0, rank: LockRank(1, "low"))
            let high = Locked(0, rank: LockRank(2, "high"))
            high.withLock { _ in low.withLock { $0 += 1 } }
        }
    }
    #endif

    @Test("Sharers run together, an exclusive holder runs alone")
    func readWriteLockExcludes() {
        let lock = ReadWriteLock(rank: LockRank(1, "gate"))
        let inside = Locked((sharers: 0, torn: false), rank: .leaf)
        let threads = (0..<4).map { index in
            Thread(name: "gate") {
                for _ in 0..<500 {
                    if index == 0 {
                        lock.withExclusive { inside.withLock { if $0.sharers != 0 { $0.torn = true } } }
                    } else {
                        lock.withShared {
                            inside.withLock { $0.sharers += 1 }
                            inside.withLock { $0.sharers -= 1 }
                        }
                    }
                }
            }
        }
        for thread in threads { thread.join() }
        #expect(inside.withLock { !$0.torn && $0.sharers == 0 })
    }
}
