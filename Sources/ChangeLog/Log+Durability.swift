internal import Synchronization
internal import Threads

/// The store's side: what is known of the disk.
extension Log {
    /// Takes a record with the number that it had before a restart, durable as it is. Before anyone else uses the log.
    public func restore(_ record: Record) {
        let dropped = state.withLock { state in
            precondition(record.sequence >= state.upcoming, "a restored record does not follow the head")
            (state.head, state.upcoming) = (record.sequence, record.sequence.next)
            let dropped = state.main.append(record, keepingAbove: nil)
            publish(state)
            settled.store(state.head.rawValue, ordering: .releasing)
            return dropped
        }
        _ = consume dropped
    }

    /// A record of that number was there, of which others are told by something else. Before anyone else uses the log.
    public func reach(_ sequence: ChangeSequence) {
        state.withLock { state in
            precondition(sequence >= state.upcoming, "a number that does not follow the head")
            (state.head, state.upcoming) = (sequence, sequence.next)
            publish(state)
            settled.store(sequence.rawValue, ordering: .releasing)
        }
    }

    /// Numbers up to `reserved` may have been given out before a restart that their records did not outlive.
    ///
    /// - Parameter hasAside: whether there were any that were kept aside, of which none do.
    public func skip(past reserved: ChangeSequence, hasAside: Bool = false) {
        state.withLock { state in
            state.upcoming = max(state.upcoming, reserved.next)
            guard hasAside else { return }
            state.hasAside = true
            (state.aside.floor, state.asideStart) = (state.head, state.upcoming)
        }
    }

    /// Everything up to `position` is durable; the records that became so cost so many bytes.
    public func settle(upTo position: ChangeSequence, bytes: Int) {
        precondition(position >= durable && position <= head, "the durable mark between where it was and the head")
        unsettled.wrappingSubtract(bytes, ordering: .relaxed)
        settled.store(position.rawValue, ordering: .releasing)
    }
}
