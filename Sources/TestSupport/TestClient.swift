internal import Glibc

/// What goes wrong between a test client and a server.
public enum TestClientError: Error, Equatable {
    case system(String, errno: Int32)
    /// Nothing came in time.
    case timedOut
    /// The server closed, or reset, before what was awaited had come.
    case closed
    case malformed(String)
}

/// One blocking TCP connection to a server on this machine, with just enough HTTP for tests. Closes when it is dropped.
/// Every wait has a deadline. One thread at a time.
@safe public final class TestClient {
    private var socket: Int32
    /// Received but not yet consumed.
    private var buffer: [UInt8] = []

    /// A small `receiveBuffer` makes a reader that soon is behind.
    public init(
        port: UInt16, host: String = "127.0.0.1", receiveBuffer: Int32? = nil, timeoutSeconds: Int = 20
    ) throws(TestClientError) {
        let family = host.contains(":") ? AF_INET6 : AF_INET
        // Programs that other tests start meanwhile must not keep it open.
        socket = Glibc.socket(family, Int32(SOCK_STREAM.rawValue | SOCK_CLOEXEC.rawValue), 0)
        guard socket >= 0 else { throw .system("socket", errno: errno) }
        var timeout = timeval(tv_sec: timeoutSeconds, tv_usec: 0)
        unsafe setsockopt(socket, SOL_SOCKET, SO_RCVTIMEO, &timeout, socklen_t(MemoryLayout<timeval>.size))
        unsafe setsockopt(socket, SOL_SOCKET, SO_SNDTIMEO, &timeout, socklen_t(MemoryLayout<timeval>.size))
        if var size = receiveBuffer {
            unsafe setsockopt(socket, SOL_SOCKET, SO_RCVBUF, &size, socklen_t(MemoryLayout<Int32>.size))
        }
        let connected = family == AF_INET ? connect4(host, port) : connect6(host, port)
        guard connected == 0 else {
            let number = errno
            close()
            throw .system("connect", errno: number)
        }
    }

    deinit { close() }

    public func close() {
        guard socket >= 0 else { return }
        Glibc.close(socket)
        socket = -1
    }

    /// Closes with a reset instead of an orderly end.
    public func reset() {
        var option = linger(l_onoff: 1, l_linger: 0)
        unsafe setsockopt(socket, SOL_SOCKET, SO_LINGER, &option, socklen_t(MemoryLayout<linger>.size))
        close()
    }

    // MARK: Sending

    public func send(_ text: String) throws(TestClientError) { try send(Array(text.utf8)) }

    public func send(_ bytes: [UInt8]) throws(TestClientError) {
        var sent = 0
        while sent < bytes.count {
            let result = unsafe bytes.withUnsafeBytes { bytes in
                unsafe Glibc.send(
                    socket, bytes.baseAddress?.advanced(by: sent), bytes.count - sent, Int32(MSG_NOSIGNAL))
            }
            guard result > 0 else { throw TestClient.failure("send") }
            sent += result
        }
    }

    // MARK: Receiving

    /// Exactly this many bytes.
    public func read(_ count: Int) throws(TestClientError) -> [UInt8] {
        while buffer.count < count { try receive() }
        return take(count)
    }

    /// Everything up to and including `end`.
    public func read(through end: String) throws(TestClientError) -> String {
        let pattern = Array(end.utf8)
        var searched = 0
        while true {
            if let start = buffer.firstStart(of: pattern, from: searched) {
                return String(decoding: take(start + pattern.count), as: UTF8.self)
            }
            searched = max(0, buffer.count - pattern.count + 1)
            try receive()
        }
    }

    /// Everything until the server closes; a reset counts as the end if `allowingReset`.
    public func readToEnd(allowingReset: Bool = false) throws(TestClientError) -> [UInt8] {
        while true {
            do {
                try receive()
            } catch .closed {
                return take(buffer.count)
            } catch {
                if allowingReset, error == .system("recv", errno: ECONNRESET) { return take(buffer.count) }
                throw error
            }
        }
    }

    /// True if the server has closed, or closes in time, with nothing more to read.
    public func isClosedByServer() -> Bool {
        guard buffer.isEmpty else { return false }
        do {
            try receive()
            return false
        } catch .timedOut {
            return false
        } catch {
            return true
        }
    }

    private func take(_ count: Int) -> [UInt8] {
        let taken = Array(buffer[..<count])
        buffer.removeFirst(count)
        return taken
    }

    private func receive() throws(TestClientError) {
        var chunk = [UInt8](repeating: 0, count: 64 * 1024)
        let count = unsafe chunk.withUnsafeMutableBytes { bytes in
            unsafe recv(socket, bytes.baseAddress, bytes.count, 0)
        }
        guard count != 0 else { throw .closed }
        guard count > 0 else { throw TestClient.failure("recv") }
        buffer += chunk[..<count]
    }

    private static func failure(_ call: String) -> TestClientError {
        errno == EAGAIN ? .timedOut : .system(call, errno: errno)
    }

    private func connect4(_ host: String, _ port: UInt16) -> Int32 {
        var address = sockaddr_in()
        address.sin_family = sa_family_t(AF_INET)
        address.sin_port = port.bigEndian
        unsafe inet_pton(AF_INET, host, &address.sin_addr)
        return unsafe withUnsafePointer(to: &address) { pointer in
            unsafe pointer.withMemoryRebound(to: sockaddr.self, capacity: 1) { pointer in
                unsafe connect(socket, pointer, socklen_t(MemoryLayout<sockaddr_in>.size))
            }
        }
    }

    private func connect6(_ host: String, _ port: UInt16) -> Int32 {
        var address = sockaddr_in6()
        address.sin6_family = sa_family_t(AF_INET6)
        address.sin6_port = port.bigEndian
        unsafe inet_pton(AF_INET6, host, &address.sin6_addr)
        return unsafe withUnsafePointer(to: &address) { pointer in
            unsafe pointer.withMemoryRebound(to: sockaddr.self, capacity: 1) { pointer in
                unsafe connect(socket, pointer, socklen_t(MemoryLayout<sockaddr_in6>.size))
            }
        }
    }
}

extension [UInt8] {
    /// With `memchr`, since a debug build takes ages to look at each byte itself.
    fileprivate func firstStart(of pattern: [UInt8], from: Int) -> Int? {
        unsafe withUnsafeBytes { bytes in
            var start = from
            while start + pattern.count <= bytes.count {
                guard let base = bytes.baseAddress, let first = pattern.first,
                    let found = unsafe memchr(base + start, Int32(first), bytes.count - start)
                else { return nil }
                start = unsafe UnsafeRawPointer(found) - base
                guard start + pattern.count <= bytes.count else { return nil }
                if unsafe memcmp(base + start, pattern, pattern.count) == 0 { return start }
                start += 1
            }
            return nil
        }
    }
}
