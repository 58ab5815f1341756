/// Who is served when, and one stream's turn.
extension StreamLoop {
    /// How long replays may go on before sockets and deadlines are looked at again.
    private static let bulkNanoseconds: UInt64 = 1_000_000

    /// Of those that have begun, so many share the turns before another one begins. Who is behind isn't among them.
    private static let fewBulk = 16

    func schedule(_ stream: EventStream) {
        precondition(turn.isMine, "schedule() outside of a turn")
        // A blocked stream is served anyway once its client has caught up.
        guard !stream.isQueued, !stream.isBlocked, stream.stage != .closed else { return }
        stream.isQueued = true
        if !stream.isBulk {
            live.append(stream)
        } else if stream.hasBegunBulk {
            bulk.append(stream)
        } else {
            bulkWaiting.append(stream)
        }
    }

    func becameWritable(_ stream: EventStream) {
        guard stream.isBlocked else { return }
        stream.isBlocked = false
        schedule(stream)
    }

    func serveLive(isLent: Bool = false) {
        guard !live.isEmpty else { return }
        // What is scheduled meanwhile has its turn after the next look at the sockets.
        var turn: [EventStream] = []
        swap(&turn, &live)
        for stream in turn { serve(stream, isLent: isLent) }
        if live.isEmpty {
            turn.removeAll(keepingCapacity: true)
            swap(&turn, &live)
        }
    }

    /// - Parameter began: when this turn began to serve streams with something new. Replays have half as long as these, so that
    ///   they come to their end however many others there are and however much these are told; beyond that, what is left.
    func serveBulk(after began: UInt64) {
        guard !bulk.isEmpty || !bulkWaiting.isEmpty else { return }
        now = monotonicNow()
        let end = now + StreamLoop.bulkNanoseconds
        let share = now + (now - began) / 2
        repeat {
            guard let stream = nextBulk() else { return }
            serve(stream)
            now = monotonicNow()
        } while now < share || live.isEmpty && !isWakeRequested && now < end
    }

    private func nextBulk() -> EventStream? {
        bulkTurns &+= 1
        // Now and then one begins all the same: those that go on may have a longer way than a replay.
        let mayBegin = bulk.count < StreamLoop.fewBulk || bulkTurns % StreamLoop.fewBulk == 0
        if mayBegin, let stream = bulkWaiting.popFirst() {
            stream.hasBegunBulk = true
            return stream
        }
        return bulk.popFirst()
    }

    /// One turn: sends what is queued and lets the source add to it, until the client can take no more, the source has
    /// no more, or the turn is over. A lent turn goes on to the next stream at once.
    private func serve(_ stream: EventStream, isLent: Bool = false) {
        stream.isQueued = false
        guard stream.stage == .open || stream.stage == .flushing, !stream.isBlocked else { return }
        var left = StreamOutput.turnBytes - stream.output.queuedBytes
        guard flush(stream) else { return }
        while stream.stage == .open {
            guard left > 0 else { return schedule(stream) }
            fill(stream)
            let added = stream.output.queuedBytes
            guard flush(stream) else { return }
            left -= added
            guard stream.isBulk else { break }
            // It has just found out that it has a long way to go, and waits for its turn among those.
            guard stream.hasBegunBulk else { return schedule(stream) }
            // A source that has more but appends nothing must not keep the others waiting.
            if added == 0 || isLent { return schedule(stream) }
        }
        if stream.stage == .flushing { finish(stream) }
    }

    private func fill(_ stream: EventStream) {
        guard let source = stream.source else { return }
        switch source.fill(&stream.output, now: now) {
        case .more: stream.isBulk = true
        case .idle(let until):
            (stream.isBulk, stream.hasBegunBulk) = (false, false)
            timers.set(until, for: stream)
        case .end:
            (stream.isBulk, stream.hasBegunBulk) = (false, false)
            guard stream.stage == .open else { return }
            stream.stage = .flushing
            limitFlush(stream)
        }
    }

    /// False if the client has not taken all of it: it is behind, or it left.
    private func flush(_ stream: EventStream) -> Bool {
        guard stream.output.queuedBytes > 0, let transport = stream.transport else { return true }
        switch transport.send(&stream.output) {
        case .taken: return true
        case .blocked: stream.isBlocked = true
        case .gone: close(stream)
        }
        return false
    }
}
