import Storage
import TestSupport
import Testing
import Threads

@Suite struct MemoryStoreTests {
    @Test("It fails the commit that it is told to, which changes nothing")
    func failsWhenTold() throws {
        let store = MemoryStore()
        store.failCommit(2, with: .full("no room"))
        try store.commit(StoreWrite(JournalBatch(1)))
        #expect(throws: StoreError.full("no room")) { try store.commit(StoreWrite(JournalBatch(2))) }
        #expect(store.batches == [JournalBatch(1)])
        try store.commit(StoreWrite(JournalBatch(2)))
        #expect(store.batches == [JournalBatch(1), JournalBatch(2)] && store.commits == 3)
    }

    @Test("Commits that are held wait until they are released")
    func holdsCommits() {
        let store = MemoryStore()
        store.hold()
        let thread = Thread(name: "commits") {
            for number in UInt64(1)...3 { try? store.commit(StoreWrite(JournalBatch(number))) }
        }
        #expect(eventually { store.waiting == 1 } && store.commits == 0)
        store.releaseOne()
        #expect(eventually { store.commits == 1 && store.waiting == 1 })
        store.release()
        thread.join()
        #expect(store.commits == 3)
    }
}
