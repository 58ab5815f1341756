internal import Glibc

extension HTTPDaemon {
    /// How event streams get to their clients.
    public enum StreamSending: String, CaseIterable, Sendable {
        /// The stream thread takes the connection's socket and writes to it. The response ends with the connection, and a
        /// client that leaves is noticed at once.
        case socket
        /// libmicrohttpd sends what a callback of ours gives it: what a connection needs whose bytes aren't those of its
        /// socket (TLS). The response comes in chunks, except to HTTP/1.0. A client that leaves is noticed when something is
        /// sent to it, mostly at the second time: let sources send heartbeats. One that doesn't read is also closed after
        /// `idleTimeoutSeconds`. A stream takes up to 256 KiB more while its client is behind, and keeps the memory of its
        /// connection.
        case callback
    }

    /// Limits and addresses. Every limit is a promise about memory or descriptors.
    public struct Configuration: Sendable {
        public var listen: [ListenAddress]
        /// Threads for `HTTPAnswer.work`, bodies and producers.
        public var workers = 2
        /// Shared evenly among the addresses, event streams included.
        public var maxConnections = 10_240
        /// Connections beyond `maxConnections`, on which only essential requests are answered, and others refused; who doesn't ask
        /// for anything leaves again after two seconds. Further clients wait in the system's queue, and where streams take a part of
        /// the limit, they are turned away at once.
        public var reservedConnections = 16
        /// Event streams; nil: 64 less than `maxConnections`, so that streams can't take every connection.
        public var streamLimit: Int?
        /// For a connection without traffic, and for the time that a header may take.
        public var idleTimeoutSeconds = 60
        /// Holds a request's header (a longer one gets 431); a piece of a body has half of it at most. All of it is cleared
        /// between the requests of a connection, so that more costs memory and time with each of them: of 32 KiB, 0.4 us
        /// at 64 connections and 0.7 at 256. Uploads gain nothing by more. Above 32 KiB, libmicrohttpd maps it.
        public var connectionMemoryBytes = 16 * 1024
        /// Jobs that may wait for a worker before new ones are refused.
        public var workQueueCapacity = 1_024
        public var streamSending = StreamSending.socket
        /// Send buffer of an event stream's socket: what the system holds for a slow reader (it doubles the figure).
        public var streamSendBufferBytes = 256 * 1024
        /// How long an event stream's data may wait for a client that doesn't take or acknowledge it.
        public var streamTimeoutSeconds = 30

        public init(listen: [ListenAddress]) { self.listen = listen }

        /// The limit in force.
        public var maxStreams: Int { streamLimit ?? max(1, maxConnections - 64) }

        /// Connections of one address, with the reserve.
        var connectionsOfEach: Int { max(1, maxConnections / listen.count) + reservedConnections }

        /// Fits the limits to what the process may have open; what was changed, in sentences for the log.
        mutating func fitToProcess() -> [String] {
            var limit = rlimit()
            guard unsafe getrlimit(__rlimit_resource_t(RLIMIT_NOFILE.rawValue), &limit) == 0 else { return [] }
            // What the system allows, and only habit keeps from us.
            let wanted = rlim_t(maxConnections + reservedConnections + 64)
            if limit.rlim_cur < wanted, limit.rlim_max > limit.rlim_cur {
                limit.rlim_cur = min(wanted, limit.rlim_max)
                unsafe setrlimit(__rlimit_resource_t(RLIMIT_NOFILE.rawValue), &limit)
            }
            let room = max(1, Int(clamping: limit.rlim_cur) - reservedConnections - 64)
            guard maxConnections > room else { return [] }
            let note = "at most \(room) connections instead of \(maxConnections): the process may open "
            maxConnections = room
            return ["\(note)\(limit.rlim_cur) files (ulimit -n, LimitNOFILE=)"]
        }
    }
}
