internal import ChangeLog
internal import ControlPlane
internal import HTTPServer

extension EventFeed {
    /// Appends what is next, about one turn's worth at most.
    func fill(
        _ output: inout FrameOutput, now: UInt64, _ log: Log<Change>, _ cache: ReplayCache
    ) -> FillResult {
        // Bounded in steps too: some select nothing, and others wait for the thread.
        for _ in 0..<16 where output.work < group.pace.turnBytes {
            switch phase {
            case .awaiting(let sequence, let next):
                guard log.durable >= sequence else { return .idle(until: now + heartbeatNanoseconds) }
                phase = next
            case .hello(let start, let snapshot):
                begin(start, snapshot, &output, now, cache)
                // Rows come when it is this replay's turn: of many that begin at once, few are under way.
                if case .replay = phase { return .more }
            case .replay(let rows): replay(rows, &output, now, log, cache)
            case .owing: return .more
            case .difference(let difference): send(difference, &output, now, log)
            case .joining(let sequence):
                if group.position >= sequence {
                    join(thenSync: true, &output, now)
                } else if group.advance() == .lost {
                    leave(.overflowed)
                }
            case .catchUp(let position, let latest, let syncAt):
                catchUp(position, latest, syncAt, &output, now, log)
            case .live(let sent):
                if let result = follow(sent, &output, now) { return result }
            case .refiltered(let filter):
                output.append { encoder.reset("filter", attempt: 1, into: &$0) }
                group.countReset()
                request.filter = filter
                phase = .backOff(until: now)
                return .more
            case .overflowed: overflow(&output, now)
            case .backOff(let until): return .idle(until: until)
            case .ending(let problem):
                output.append { encoder.end("error", problem, into: &$0) }
                phase = .ended
            case .ended: return .end
            }
        }
        return .more
    }

    private func begin(
        _ start: StreamStart, _ snapshot: Snapshot, _ output: inout FrameOutput, _ now: UInt64, _ cache: ReplayCache
    ) {
        let (mode, reason): (StreamMode, String?) =
            switch start {
            case .replay(let reason): (.replay, reason)
            case .resume: (.resume, nil)
            case .live: (.live, nil)
            }
        output.append { bytes in
            encoder.hello(
                mode, reason: reason, epoch: epoch, sequence: snapshot.sequence,
                heartbeatSeconds: request.heartbeatSeconds, snapshot.devices, into: &bytes)
        }
        switch start {
        case .replay: phase = .replay(ReplayRows(snapshot, request.filter, cache, now))
        case .resume(let position):
            phase = .catchUp(position: position, latest: latestAtStart, syncAt: snapshot.sequence)
        case .live: phase = .joining(notBefore: snapshot.sequence)
        }
    }

    private func replay(
        _ rows: ReplayRows, _ output: inout FrameOutput, _ now: UInt64, _ log: Log<Change>, _ cache: ReplayCache
    ) {
        var rows = rows
        group.writer.use(rows.snapshot.context)
        let form = ReplayCache.Form(wire: request.wire, showsHardware: encoder.showsHardware)
        if rows.write(encoder, group.writer, cache, form, into: &output, limit: group.pace.pieceBytes) {
            phase = .replay(rows)
        } else {
            output.append { endReplay(rows.snapshot, rows.summaries, rounds: 0, &$0, now, log) }
        }
    }

    private func send(
        _ difference: ReplayDifference, _ output: inout FrameOutput, _ now: UInt64, _ log: Log<Change>
    ) {
        var difference = difference
        group.writer.use(difference.new.context)
        output.append(reserving: 72 << 10) { bytes in
            if difference.write(encoder, group.writer, into: &bytes, limit: group.pace.pieceBytes) {
                phase = .difference(difference)
            } else {
                endReplay(difference.new, difference.summaries, rounds: difference.round, &bytes, now, log)
            }
        }
    }

    /// The client has the state of the snapshot. The sync says so, if what follows can be told from there.
    private func endReplay(
        _ snapshot: Snapshot, _ summaries: KindSummaries, rounds: Int, _ bytes: inout [UInt8], _ now: UInt64,
        _ log: Log<Change>
    ) {
        if !request.endsAtSync, group.isLost || snapshot.sequence < log.floor(of: request.filter.lanes) {
            phase = rounds == 2 ? .ending(.overflow) : .owing(snapshot, summaries, round: rounds + 1)
            return
        }
        encoder.sync(
            snapshot.sequence, summaries, hardware: hardwareDigest(snapshot, summaries), request.filter, into: &bytes)
        session?.reach(snapshot.sequence)
        heartbeatAt = now + heartbeatNanoseconds
        phase = .catchUp(position: snapshot.sequence, latest: rounds == 0 ? latestAtStart : nil, syncAt: nil)
        if request.endsAtSync { end() }
    }

    /// With the sync that was asked for.
    private func end() {
        session?.sent(self, bytes: 0)
        leave(.ended)
    }

    /// What hardware makes of a snapshot's routes, if that can be known at once.
    private func hardwareDigest(_ snapshot: Snapshot, _ summaries: KindSummaries) -> StateDigest? {
        guard request.filter.tellsHardware, !snapshot.devices.isEmpty else { return nil }
        if snapshot.sequence == group.position, let known = group.hardwareDigest() { return known }
        if summaries.routes.count <= HardwareDigest.fewRoutes { return HardwareDigest.walk(snapshot, request.filter) }
        hasMissedDigest = true
        return nil
    }

    /// One run of the log. When the feed has come to where its class is, it joins the class's chain.
    private func catchUp(
        _ position: ChangeSequence, _ latest: ChangeSequence?, _ syncAt: ChangeSequence?,
        _ output: inout FrameOutput, _ now: UInt64, _ log: Log<Change>
    ) {
        // A class that no one read may be far behind: without this, a resumed stream would have its sync at a place from
        // before the request, ahead of changes that the client missed.
        if group.position < max(position, syncAt ?? position) {
            if group.advance() == .lost { leave(.overflowed) }
            return
        }
        // Where no one looked it up, the class knows, unless the answer lies before its own latest; then the place itself
        // is what can be said without a walk through the log: nothing that the client lacks lies before it.
        var latest = latest ?? min(group.latest, position)
        if position == group.position { return join(thenSync: syncAt != nil, &output, now) }
        guard let run = log.read(after: position, request.filter.lanes) else { return leave(.overflowed) }
        let reached = min(run.end, group.position)
        // Of a time before the stream, those of its beginning, by which a state is what the events that follow would make
        // of it.
        group.writer.use(context)
        output.append { bytes in
            for change in run where change.sequence <= group.position {
                if follow(change) { group.writer.use(context) }
                if case .notice(let notice) = change.object, request.filter.selects(notice) {
                    encoder.notice(notice, group.writer, into: &bytes)
                }
                guard let selected = request.filter.select(change) else { continue }
                encoder.delta(change, selected, previous: latest, group.writer, into: &bytes)
                latest = change.sequence
            }
        }
        phase = .catchUp(position: reached, latest: latest, syncAt: syncAt)
    }

    private func join(thenSync: Bool, _ output: inout FrameOutput, _ now: UInt64) {
        phase = .live(sent: group.addReader(request.wire))
        guard thenSync else { return }
        appendSync(&output, now)
        if request.endsAtSync { end() }
    }

    private func appendSync(_ output: inout FrameOutput, _ now: UInt64) {
        heartbeatAt = now + heartbeatNanoseconds
        let hardware = group.hardwareDigest()
        hasMissedDigest = group.tellsHardware && hardware == nil
        output.append {
            encoder.sync(group.position, group.summaries, hardware: hardware, request.filter, into: &$0)
        }
        session?.reach(group.position)
    }

    /// Sends what its class has; nil if there may be more at once.
    private func follow(_ sent: FrameChunk, _ output: inout FrameOutput, _ now: UInt64) -> FillResult? {
        var last = sent
        while let next = last.next, output.work < group.pace.turnBytes {
            // Of many small pieces, to look at each takes longer than to copy it.
            if last !== sent || next.next != nil { output.copy(next.text) } else { output.append(next.text) }
            last = next
        }
        if last !== sent {
            phase = .live(sent: last)
            return nil
        }
        switch group.advance() {
        case .moved: return nil
        case .lost:
            leave(.overflowed)
            return nil
        case .upToDate:
            if now >= heartbeatAt { appendSync(&output, now) }
            group.wait(self)
            return .idle(until: heartbeatAt)
        }
    }

    /// Tells the client that it was too slow, or ends the stream if it wished so. Repeated resets wait longer and longer,
    /// so that a client that can't keep up doesn't take the whole table again and again.
    private func overflow(_ output: inout FrameOutput, _ now: UInt64) {
        if request.onOverflow == .close {
            phase = .ending(.overflow)
            return
        }
        resets = now - lastResetAt > 60_000_000_000 ? 1 : resets + 1
        lastResetAt = now
        session?.resets += 1
        group.countReset()
        output.append { encoder.reset("overflow", attempt: resets, into: &$0) }
        let delaySeconds: UInt64 = resets == 1 ? 0 : min(30, 1 << UInt64(min(resets - 2, 5)))
        phase = .backOff(until: now + delaySeconds * 1_000_000_000)
    }
}
