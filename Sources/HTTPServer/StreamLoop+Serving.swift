/// Who is served when, and one stream's turn.
extension StreamLoop {
    /// How long replays may go on before sockets and deadlines are looked at again.
    private static let bulkNanoseconds: UInt64 = 1_000_000

    func schedule(_ stream: EventStream) {
        precondition(turn.isMine, "schedule() outside of a turn")
        // A blocked stream is served anyway once its client has caught up.
        guard !stream.isQueued, !stream.isBlocked, stream.stage != .closed else { return }
        stream.isQueued = true
        if stream.isBulk { bulk.append(stream) } else { live.append(stream) }
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

    func serveBulk() {
        guard !bulk.isEmpty else { return }
        now = monotonicNow()
        let end = now + StreamLoop.bulkNanoseconds
        repeat {
            guard let stream = bulk.popFirst() else { return }
            serve(stream)
            now = monotonicNow()
        } while live.isEmpty && !isWakeRequested && now < end
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
            stream.isBulk = false
            timers.set(until, for: stream)
        case .end:
            stream.isBulk = false
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
