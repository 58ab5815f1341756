import TestSupport

/// A client of one event stream, which takes chunks apart if the stream comes in chunks.
final class StreamClient {
    let head: TestResponse
    private let client: TestClient
    private let isChunked: Bool
    /// Taken out of chunks, and not yet consumed.
    private var buffer: [UInt8] = []

    /// Reads the head of the answer to a request that `client` has sent.
    init(_ client: TestClient) throws {
        self.client = client
        head = try client.readResponseHead()
        isChunked = head.header("Transfer-Encoding") == "chunked"
    }

    func close() { client.close() }
    func reset() { client.reset() }
    func send(_ bytes: [UInt8]) throws { try client.send(bytes) }

    func read(_ count: Int) throws -> [UInt8] {
        guard isChunked else { return try client.read(count) }
        while buffer.count < count { guard try readChunk() else { throw TestClientError.closed } }
        defer { buffer.removeFirst(count) }
        return Array(buffer[..<count])
    }

    func readLine() throws -> String {
        guard isChunked else { return try client.read(through: "\n") }
        while true {
            if let end = buffer.firstIndex(of: 10) { return String(decoding: try read(end + 1), as: UTF8.self) }
            guard try readChunk() else { throw TestClientError.closed }
        }
    }

    /// Everything up to the end of the stream, which closes the connection.
    func readToEnd() throws -> [UInt8] {
        guard isChunked else { return try client.readToEnd() }
        while try readChunk() {}
        guard try client.readToEnd().isEmpty else { throw TestClientError.malformed("bytes after the last chunk") }
        return buffer
    }

    /// Everything up to the end of the connection, whether the stream was complete or not.
    func readToCut() throws -> [UInt8] {
        guard isChunked else { return try client.readToEnd() }
        do {
            while try readChunk() {}
        } catch TestClientError.closed {}
        return buffer
    }

    /// False at the last chunk.
    private func readChunk() throws -> Bool {
        let line = try client.read(through: "\r\n").dropLast()
        guard let size = Int(line, radix: 16) else { throw TestClientError.malformed("chunk size \(line)") }
        buffer += try client.read(size)
        guard try client.read(2) == [13, 10] else { throw TestClientError.malformed("no line end after a chunk") }
        return size > 0
    }
}
