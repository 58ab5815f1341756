private import CMicrohttpd
internal import Glibc
internal import Synchronization
internal import Threads

/// A running HTTP/1.1 server. It listens from its creation until `drain` or `stop`, or until it is dropped.
///
/// Threads: one that serves all connections, one that writes all event streams, and the workers.
public final class HTTPDaemon: Sendable {
    /// In the order of `Configuration.listen`, with the ports in use.
    public let boundAddresses: [ListenAddress]
    /// What the configuration asked for and the process can't have; for the log.
    public let notes: [String]
    /// To be woken when event sources may have something new.
    public let streams: StreamLoop

    private let counters = Counters()
    private let mailbox: Mailbox
    private let workers: Workers
    private let eventThread: Thread
    private let streamThread: Thread

    // The outermost lock of the server, held for the whole of a stop, so that every caller returns after it. True once
    // the threads have been joined.
    private let isStopped = Locked(false, rank: LockRank(0, "HTTP server stop"))

    /// Binds, and serves at once. `onWake` is called after `streams.wake()`, sometimes without, on a thread that holds no
    /// lock and may `schedule` streams.
    public init(
        configuration: Configuration, application: any HTTPApplication,
        onWake: @escaping @Sendable () -> Void = {}
    ) throws(HTTPServerError) {
        var settings = configuration
        notes = settings.fitToProcess()
        mailbox = try Mailbox()
        let streams = try StreamLoop(
            settings: StreamLoop.Settings(
                sendBufferBytes: settings.streamSendBufferBytes,
                timeoutNanoseconds: seconds(max(1, settings.streamTimeoutSeconds))),
            mailbox: mailbox, onWake: onWake)
        self.streams = streams
        let workers = Workers(threads: max(1, settings.workers), capacity: settings.workQueueCapacity)
        self.workers = workers
        do throws(HTTPServerError) {
            let loop = try EventLoop(
                application: application, settings: settings, counters: counters, workers: workers, mailbox: mailbox,
                streams: streams)
            boundAddresses = try HTTPDaemon.listen(loop, settings)
            eventThread = Thread(name: "http-events") { loop.run() }
        } catch {
            workers.shutDown()
            throw error
        }
        streamThread = Thread(name: "http-streams") { streams.run() }
    }

    deinit { stop() }

    public var statistics: HTTPStatistics { counters.snapshot() }

    /// Has `onWake` called soon if there are event streams; without any, nothing happens, and at no cost. Any thread, under
    /// any lock.
    ///
    /// To be called after the news that sources may wait for can be read, with a lock or with none. A stream that is opened
    /// meanwhile is counted before its source is asked for the first time: either the source finds the news or this call
    /// finds the stream.
    public func wakeStreams() { if hasStreams() { streams.wake() } }

    /// `wakeStreams` for a thread that holds no lock and has 200 µs to give: if the stream thread sleeps and there are few
    /// streams, it serves them itself, sooner than the other could be woken.
    public func serveStreams() { if hasStreams() { streams.serveOrSignal() } }

    private func hasStreams() -> Bool {
        // With its counterpart in `countConnections`: of the two stores, of news and of the count, one comes first for all.
        atomicMemoryFence(ordering: .sequentiallyConsistent)
        return counters.streams.load(ordering: .relaxed) > 0
    }

    /// Lets the answers go that are held for `mark` or a lower one. Marks only rise. Any thread.
    public func release(upTo mark: UInt64) { mailbox.release(upTo: mark) }

    /// Has the answers that are held, and those to come, given as late: their marks will not be reached.
    public func giveUpHeld() { mailbox.post(.heldGivenUp) }

    /// Stops accepting, and returns when the server has ended. Until the deadline, requests under way are finished and
    /// event streams go on until their sources end them (tell them before). Then streams, uploads and unfinished
    /// answers are cut off; only requests that a worker is busy with are waited for still, and answered if the client
    /// takes the answer at once. Any thread but those of the server; later calls can only bring the deadline forward.
    public func drain(deadlineSeconds: Int) {
        mailbox.post(.drain(deadline: monotonicNow() + seconds(deadlineSeconds)))
        isStopped.withLock { isStopped in
            guard !isStopped else { return }
            eventThread.join()
            streams.post(.stop)
            streamThread.join()
            workers.shutDown()
            isStopped = true
        }
    }

    /// `drain` with a deadline that has passed.
    public func stop() { drain(deadlineSeconds: 0) }

    private static func listen(
        _ loop: EventLoop, _ settings: Configuration
    ) throws(HTTPServerError) -> [ListenAddress] {
        var bound: [ListenAddress] = []
        do throws(HTTPServerError) {
            for address in settings.listen {
                var port: UInt16 = 0
                let socket = unsafe fibd_listen(address.host, address.port, 1_024, &port)
                guard socket >= 0 else { throw .listen(address, errno: -socket) }
                try loop.serve(socket, at: address, limit: settings.connectionsOfEach)
                bound.append(ListenAddress(host: address.host, port: port))
            }
        } catch {
            loop.abandon()
            throw error
        }
        return bound
    }
}

extension HTTPServerError {
    fileprivate static func listen(_ address: ListenAddress, errno number: Int32) -> HTTPServerError {
        let message =
            switch number {
            case EADDRINUSE: "\(address) is already in use; choose another port with --listen"
            case EACCES: "\(address) needs a privilege; choose a port from 1024 on with --listen"
            case EADDRNOTAVAIL: "\(address) is not an address of this machine; choose another one with --listen"
            case EINVAL: "\(address) is not a numeric address and port; write 127.0.0.1:8080 or [::1]:8080"
            default: "can't listen on \(address): \(errorText(number))"
            }
        return HTTPServerError(operation: .listen, address: address, errno: number, message: message)
    }
}
