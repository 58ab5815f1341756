/// How a request goes from its header to its answer. Every function runs inside a call of libmicrohttpd's handler, which
/// comes: once when the header is complete, then for each piece of the body, then once (or after every resume) to ask
/// for the answer. An answer queued in the first call makes the library close the connection, so that is done only where
/// the body won't be read.
extension EventLoop {
    /// A body up to this size is read and dropped to keep the connection.
    private static let droppedBodyBytes: UInt64 = 64 * 1024
    private static let reservedBodyBytes = 1 << 20

    /// The first call. False closes the connection.
    func begin(_ exchange: Exchange, method: HTTPMethod, isVersion10: Bool) -> Bool {
        headerComplete(exchange)
        exchange.isHead = method == .head
        do throws(RequestReader.Refusal) {
            let request = try unsafe RequestReader.read(
                exchange.connection.handle, target: exchange.target, method: method, isVersion10: isVersion10,
                peer: exchange.connection.peer)
            if request.hasBody { watch.bodyGoesOn(exchange) }
            if isReserved(exchange.connection), !application.isEssential(request) {
                return refuseAtOnce(exchange, 503, .tooManyConnections)
            }
            return carryOut(application.plan(for: request), of: request, for: exchange)
        } catch {
            return refuseAtOnce(exchange, error.status, error.reason)
        }
    }

    private func carryOut(_ plan: HTTPPlan, of request: HTTPRequest, for exchange: Exchange) -> Bool {
        switch plan {
        case .answer(let answer):
            let isShort = !request.isChunked && (request.contentLength ?? 0) <= EventLoop.droppedBodyBytes
            if !request.hasBody || isShort && request.headers.first("Expect") == nil {
                exchange.phase = .dropping(answer)
                return true
            }
            exchange.isEarly = true
            return perform(answer, for: exchange)
        case .collect(let limit, let then):
            let declared = request.contentLength ?? 0
            guard declared <= UInt64(max(0, limit)) else { return refuseAtOnce(exchange, 413, .bodyTooLarge) }
            var body: [UInt8] = []
            // More only when it comes: a declared length costs the client nothing.
            body.reserveCapacity(min(Int(declared), EventLoop.reservedBodyBytes))
            exchange.phase = .collecting(body, limit: limit, then: then)
        case .consume(let consumer):
            exchange.phase = .consuming(BodyLane(exchange.id, consumer, workers, mailbox))
        }
        return true
    }

    /// A piece of the body. True if it was taken, false if it is to be offered again later, nil to close the connection.
    func received(_ piece: UnsafeRawBufferPointer, for exchange: Exchange) -> Bool? {
        watch.bodyGoesOn(exchange)
        // With chunks at hand the library offers the next one even though the connection was just suspended.
        guard !exchange.isSuspended else { return false }
        switch exchange.phase {
        case .dropping: return true
        case .collecting(var body, let limit, let then):
            // Out of the phase first, so that the array isn't copied.
            exchange.phase = .working
            guard body.count + piece.count <= limit else {
                return refuseAtOnce(exchange, 413, .bodyTooLarge) ? false : nil
            }
            unsafe body.append(contentsOf: piece)
            exchange.phase = .collecting(body, limit: limit, then: then)
            return true
        case .consuming(let lane):
            guard lane.hasRoom() else {
                suspend(exchange)
                return false
            }
            unsafe lane.put(Array(piece))
            return true
        default: return nil
        }
    }

    /// The body is complete, or the connection was resumed. False closes the connection.
    func goOn(_ exchange: Exchange) -> Bool {
        guard !exchange.isSuspended else { return true }
        switch exchange.phase {
        case .dropping(let answer), .answered(let answer): return perform(answer, for: exchange)
        case .collecting(let body, _, let then):
            exchange.phase = .working
            return perform(then(body), for: exchange)
        case .consuming(let lane):
            exchange.phase = .working
            suspend(exchange)
            lane.end(.complete)
            return true
        case .sending: return true
        case .header, .working, .streaming, .over: return false
        }
    }

    // MARK: Answers

    private func perform(_ answer: HTTPAnswer, for exchange: Exchange) -> Bool {
        switch answer {
        case .response(let response): return send(response, for: exchange)
        case .work(let job):
            let (id, mailbox) = (exchange.id, mailbox)
            let isFollowUp = if case .answered = exchange.phase { true } else { false }
            let work: @Sendable () -> Void = { mailbox.post(.answered(id, job())) }
            if isFollowUp {
                workers.proceed(work)
            } else if !workers.admit(work) {
                return send(refusal(503, .tooBusy), for: exchange)
            }
            exchange.phase = .working
            suspend(exchange)
            return true
        case .stream(let head, let source):
            return stream(head, source, for: exchange)
        case .held(let held):
            return hold(held, for: exchange)
        case .awaited(let answer, let then):
            return suspendUntilGiven(answer, then, for: exchange)
        }
    }

    private func suspendUntilGiven(
        _ answer: AwaitedAnswer, _ then: @escaping @Sendable (HTTPAnswer) -> HTTPAnswer, for exchange: Exchange
    ) -> Bool {
        if givesUpHeld || isCutting, let late = answer.expire() { return perform(then(.response(late)), for: exchange) }
        let (id, mailbox) = (exchange.id, mailbox)
        if let given = answer.take({ mailbox.post(.given(id, then($0))) }) {
            return perform(then(given), for: exchange)
        }
        awaited.add(id, answer, then, now: now)
        exchange.phase = .working
        suspend(exchange)
        return true
    }

    private func hold(_ answer: HeldAnswer, for exchange: Exchange) -> Bool {
        if answer.mark <= mailbox.releasedMark { return perform(answer.answer, for: exchange) }
        if givesUpHeld || isCutting { return send(answer.late(), for: exchange) }
        held.add(exchange.id, answer, now: now)
        exchange.phase = .working
        suspend(exchange)
        return true
    }

    func release(upTo mark: UInt64) {
        while let (id, answer) = held.popReleased(mark) { resume(id) { $0.phase = .answered(answer) } }
    }

    /// Answers those whose time is over.
    func answerLate(now: UInt64) {
        for (id, answer) in held.popLate(now: now) + awaited.popLate(now: now) {
            resume(id) { $0.phase = .answered(answer) }
        }
    }

    func send(_ response: HTTPResponse, for exchange: Exchange) -> Bool {
        if exchange.isEarly, case .bytes(let body) = response.body {
            handOver(exchange, nil, ResponseHead.whole(response, body: body, isHead: exchange.isHead))
            return true
        }
        if exchange.isHead, case .produced(let producer) = response.body {
            // To HEAD, 0.9.75 sends the chunk that ends a body; the client would take it for its next answer.
            ProducerLane(exchange.id, producer, workers, mailbox).abandon()
            handOver(exchange, nil, ResponseHead.whole(response, body: nil, isHead: true))
            return true
        }
        exchange.phase = .sending
        return ResponseQueue.queue(response, for: exchange, closing: exchange.isEarly || isDraining, loop: self)
    }

    /// Answers without reading what the client still sends. The stream thread writes it and lets the client read it before
    /// the connection goes: libmicrohttpd would close at once, and the reset that follows can destroy the answer; in the
    /// middle of a body it takes no answer at all.
    private func refuseAtOnce(_ exchange: Exchange, _ status: Int, _ reason: HTTPRefusal) -> Bool {
        exchange.isEarly = true
        return send(refusal(status, reason), for: exchange)
    }

    func refusal(_ status: Int, _ reason: HTTPRefusal) -> HTTPResponse {
        var response = application.refusal(status: status, reason: reason)
        if status == 503, response.headers.first("Retry-After") == nil { response.headers.add("Retry-After", "1") }
        return response
    }

    // MARK: Bodies in production

    func body(of producer: any BodyProducer, for exchange: Exchange) -> ProducedBody {
        let body = ProducedBody(ProducerLane(exchange.id, producer, workers, mailbox))
        exchange.producedBody = body
        return body
    }

    /// False to break the response off.
    func awaitPiece(of body: ProducedBody, for exchange: Exchange) -> Bool {
        guard !isCutting else { return false }
        suspend(exchange)
        body.requestPiece()
        return true
    }
}
