private import CMicrohttpd
internal import Glibc

/// The heads of what the stream thread writes itself.
enum ResponseHead {
    static func stream(_ headers: HTTPResponseHeaders) -> [UInt8] { head("200 OK", headers) }

    /// A whole response that ends the connection. To HEAD, `body` only lends its size; without one, no size is told.
    static func whole(_ response: HTTPResponse, body: [UInt8]?, isHead: Bool) -> [UInt8] {
        var headers = response.headers
        if let body { headers.add("Content-Length", .number(UInt64(body.count))) }
        let phrase = unsafe MHD_get_reason_phrase_for(UInt32(clamping: response.status))
        let reason = unsafe phrase.map { unsafe String(cString: $0) } ?? "Unknown"
        return head("\(response.status) \(reason)", headers) + (isHead ? [] : body ?? [])
    }

    private static func head(_ status: String, _ headers: HTTPResponseHeaders) -> [UInt8] {
        var text = "HTTP/1.1 \(status)\r\nDate: \(date())\r\nConnection: close\r\n"
        for (name, value) in headers.fields { text += "\(name): \(value)\r\n" }
        return Array("\(text)\r\n".utf8)
    }

    /// RFC 9110 section 5.6.7.
    private static func date() -> String {
        var seconds = time(nil)
        var parts = unsafe tm()
        unsafe gmtime_r(&seconds, &parts)
        return unsafe withUnsafeTemporaryAllocation(of: CChar.self, capacity: 40) { room in
            guard let text = room.baseAddress else { return "" }
            // The process keeps the C locale, whose names of days and months are those of the RFC.
            unsafe strftime(text, room.count, "%a, %d %b %Y %H:%M:%S GMT", &parts)
            return unsafe String(cString: text)
        }
    }
}
