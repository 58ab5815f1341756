import ControlPlane
import ServiceSupport
import Storage
import TestSupport

/// What a store holds, damaged in a way that its checksums don't show: a start takes it or says what is wrong.
enum Records {
    /// The first six bytes of an input damage what the requests after them have left in the store.
    static func run(_ input: [UInt8]) {
        guard input.count > 6 else { return }
        let store = MemoryStore()
        let plane = Server.plane(store)
        let service = LocalService(plane)
        for request in Script(input[6...]).requests {
            _ = service.reply(request.method, request.target, [request.body], request.fields)
        }
        plane.close()
        let damaged = DamagedStore(store.reopened(), Array(input[..<6]))
        if let second = try? ControlPlane(limits: ControlPlane.Limits(logBytes: 1 << 20), store: damaged) {
            second.close()
        }
    }
}

/// A store some of whose bytes read otherwise than they were written.
private final class DamagedStore: Store {
    private let store: MemoryStore
    private let damage: [UInt8]

    init(_ store: MemoryStore, _ damage: [UInt8]) {
        self.store = store
        self.damage = damage
    }

    /// Two bytes say where, one by how much; a number of 255 cuts off what comes after.
    private func damaged(_ body: [UInt8]) -> [UInt8] {
        var body = body
        for start in [0, 3] where !body.isEmpty {
            let place = (Int(damage[start]) << 8 | Int(damage[start + 1])) % body.count
            if damage[start + 2] == 255 { body.removeSubrange(place...) } else { body[place] ^= damage[start + 2] }
        }
        return body
    }

    var contents: StoreContents { store.contents }
    func readCheckpoint(_ take: ([UInt8]) throws -> Void) throws {
        try store.readCheckpoint { part in try take(damaged(part)) }
    }
    func readJournal(_ take: (JournalBatch) throws -> Void) throws {
        try store.readJournal { batch in
            try take(JournalBatch(first: batch.first, last: batch.last, body: damaged(batch.body)))
        }
    }
    func commit(_ write: StoreWrite) throws(StoreError) { try store.commit(write) }
    func hasObsoleteRows(upTo bound: UInt64) -> Bool { store.hasObsoleteRows(upTo: bound) }
    func close() { store.close() }
}
