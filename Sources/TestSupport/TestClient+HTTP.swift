/// A response as a test sees it.
public struct TestResponse: Sendable {
    public let status: Int
    public let headers: [(name: String, value: String)]
    public var body: [UInt8] = []

    public var text: String { String(decoding: body, as: UTF8.self) }

    /// The value of the first header of that name, whatever its case.
    public func header(_ name: String) -> String? {
        headers.first { $0.name.lowercased() == name.lowercased() }?.value
    }
}

extension TestClient {
    /// Sends a request with `Host`, the given header lines, and `Content-Length` if there is a body.
    public func sendRequest(
        _ method: String = "GET", _ target: String = "/", headers: [String] = [], body: [UInt8]? = nil
    ) throws(TestClientError) {
        var head = "\(method) \(target) HTTP/1.1\r\nHost: localhost\r\n"
        for line in headers { head += "\(line)\r\n" }
        if let body { head += "Content-Length: \(body.count)\r\n" }
        try send(Array("\(head)\r\n".utf8) + (body ?? []))
    }

    /// Sends a request and reads its answer.
    public func request(
        _ method: String = "GET", _ target: String = "/", headers: [String] = [], body: [UInt8]? = nil
    ) throws(TestClientError) -> TestResponse {
        try sendRequest(method, target, headers: headers, body: body)
        return try readResponse(toHead: method == "HEAD")
    }

    /// Reads one response: by `Content-Length`, in chunks, or until the server closes. Skips `100 Continue`.
    public func readResponse(toHead: Bool = false) throws(TestClientError) -> TestResponse {
        var response = try readResponseHead()
        if response.status == 100 { response = try readResponseHead() }
        if toHead || response.status == 204 || response.status == 304 { return response }
        if response.header("Transfer-Encoding") == "chunked" {
            response.body = try readChunks()
        } else if let text = response.header("Content-Length") {
            guard let length = Int(text) else { throw .malformed("Content-Length: \(text)") }
            response.body = try read(length)
        } else {
            response.body = try readToEnd()
        }
        return response
    }

    /// Status and headers, without the body.
    public func readResponseHead() throws(TestClientError) -> TestResponse {
        let text = try read(through: "\r\n\r\n")
        let lines = text.split(separator: "\r\n")
        let parts = (lines.first ?? "").split(separator: " ")
        guard parts.count > 1, parts[0] == "HTTP/1.1", let status = Int(parts[1]) else { throw .malformed(text) }
        var headers: [(name: String, value: String)] = []
        for line in lines.dropFirst() {
            guard let colon = line.firstIndex(of: ":") else { throw .malformed(String(line)) }
            let value = line[line.index(after: colon)...].drop { $0 == " " }
            headers.append((String(line[..<colon]), String(value)))
        }
        return TestResponse(status: status, headers: headers)
    }

    private func readChunks() throws(TestClientError) -> [UInt8] {
        var body: [UInt8] = []
        while true {
            let line = try read(through: "\r\n").dropLast()
            guard let size = Int(line, radix: 16) else { throw .malformed("chunk size \(line)") }
            body += try read(size)
            guard try read(2) == [13, 10] else { throw .malformed("no line end after a chunk") }
            if size == 0 { return body }
        }
    }
}
