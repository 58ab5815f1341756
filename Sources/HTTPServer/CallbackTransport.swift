/// Sends through libmicrohttpd: what it is given goes into a pipe that the response's content callback reads on the event
/// thread. Every delivery costs a resumption and a suspension there and, as a rule, waking that thread.
///
/// That a client left is known only when the connection is next written to.
struct CallbackTransport: StreamTransport {
    private let exchange: ExchangeID
    private let pipe: StreamPipe
    private let loop: StreamLoop

    init(_ exchange: ExchangeID, _ pipe: StreamPipe, loop: StreamLoop) {
        self.exchange = exchange
        self.pipe = pipe
        self.loop = loop
    }

    func open(tag: UInt64) -> Bool { true }

    func send(_ output: inout StreamOutput) -> StreamProgress {
        let (isAllTaken, wakesReader) = pipe.put(&output)
        if wakesReader { loop.readyToSend.append(exchange) }
        return isAllTaken ? .taken : .blocked
    }

    func handle(_ event: Poll.Event) {}

    func finish() -> UInt64? {
        if pipe.end() { loop.readyToSend.append(exchange) }
        // libmicrohttpd closes the connection when everything is out.
        return loop.settings.timeoutNanoseconds
    }

    func close() { loop.mailbox.post(.streamCut(exchange)) }
}
