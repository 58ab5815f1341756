internal import Glibc

/// The open connections, and what libmicrohttpd doesn't notice of them: headers that take too long, and clients that left
/// in the middle of a request. Event thread only.
struct ConnectionWatch {
    private static let sweepNanoseconds: UInt64 = 1_000_000_000
    private static let reservedNanoseconds: UInt64 = 2_000_000_000

    private var connections: [ObjectIdentifier: Connection] = [:]
    /// Requests whose bodies have gone on in this turn.
    private var bodies: [Exchange] = []
    private(set) var nextSweep = UInt64.max
    private let headerLimit: UInt64

    init(headerSeconds: Int) { headerLimit = seconds(headerSeconds) }

    var count: Int { connections.count }

    mutating func opened(_ connection: Connection, now: UInt64) {
        if connections.isEmpty { nextSweep = now + ConnectionWatch.sweepNanoseconds }
        connections[ObjectIdentifier(connection)] = connection
    }

    mutating func closed(_ connection: Connection) { connections[ObjectIdentifier(connection)] = nil }

    /// A body is announced, or some of it was read.
    mutating func bodyGoesOn(_ exchange: Exchange) {
        guard !exchange.isBodyWatched else { return }
        exchange.isBodyWatched = true
        bodies.append(exchange)
    }

    /// To be called when everything that was ready has been read.
    mutating func endTurn(now: UInt64) {
        for exchange in bodies {
            exchange.isBodyWatched = false
            // Most bodies come whole, with their header, and cost nothing here.
            if exchange.awaitsBody { exchange.connection.noticeEnd() }
        }
        bodies.removeAll(keepingCapacity: true)
        if now >= nextSweep { sweep(now) }
    }

    /// A client that sends its header byte by byte is never idle for libmicrohttpd. Here it is. One that went in the middle
    /// of its header is noticed here as well.
    private mutating func sweep(_ now: UInt64) {
        nextSweep = connections.isEmpty ? .max : now + ConnectionWatch.sweepNanoseconds
        for connection in connections.values {
            guard let since = connection.awaitsHeaderSince else { continue }
            let limit = connection.isReserved ? min(headerLimit, ConnectionWatch.reservedNanoseconds) : headerLimit
            if now > since + limit { connection.breakOff() } else { connection.noticeEnd() }
        }
    }
}

extension Exchange {
    /// The body hasn't been read to its end, as far as the server has got.
    fileprivate var awaitsBody: Bool {
        switch phase {
        case .dropping, .collecting, .consuming: true
        default: false
        }
    }
}

extension Connection {
    /// Makes libmicrohttpd see the end of the connection.
    func breakOff() { shutdown(socket, Int32(SHUT_RDWR)) }

    /// libmicrohttpd 0.9.75 takes a short read to mean that there is nothing more; if the end of the connection came
    /// together with those bytes, its edge-triggered epoll never speaks of it again, and the connection would hang until
    /// the idle timeout. Closing our reading side makes it speak.
    fileprivate func noticeEnd() {
        var byte: UInt8 = 0
        if unsafe recv(socket, &byte, 1, Int32(MSG_PEEK) | Int32(MSG_DONTWAIT)) == 0 {
            shutdown(socket, Int32(SHUT_RD))
        }
    }
}
