private import CMicrohttpd

/// Reads the header of a request out of libmicrohttpd and refuses what would make it ambiguous: that library takes the
/// first of two `Content-Length`, and ignores it beside `Transfer-Encoding`; others on the way may choose otherwise.
enum RequestReader {
    struct Refusal: Error {
        let status: Int
        let reason: HTTPRefusal
        init(_ status: Int, _ reason: HTTPRefusal) {
            self.status = status
            self.reason = reason
        }
    }

    /// The pointers are borrowed for the call.
    static func read(
        _ handle: OpaquePointer, target: String, method: HTTPMethod, isVersion10: Bool, peer: String
    ) throws(Refusal) -> HTTPRequest {
        let headers = unsafe headers(of: handle)
        let framing = try framing(of: headers, isVersion10: isVersion10)
        let (path, query) = try split(target)
        return HTTPRequest(
            method: method, path: path, query: query, headers: headers,
            contentLength: framing.contentLength, isChunked: framing.isChunked, peer: peer)
    }

    private static func headers(of handle: OpaquePointer) -> HTTPHeaders {
        var headers = HTTPHeaders()
        unsafe withUnsafeMutablePointer(to: &headers) { pointer in
            // SAFETY: the callback runs only during this call, with this pointer; names and values are valid in it.
            _ = unsafe MHD_get_connection_values_n(
                handle, .HEADER_KIND,
                { context, _, name, nameLength, value, valueLength in
                    guard let headers = unsafe context?.assumingMemoryBound(to: HTTPHeaders.self) else { return .NO }
                    unsafe headers.pointee.add(text(name, nameLength), text(value, valueLength))
                    return .YES
                }, pointer)
        }
        return headers
    }

    private static func framing(
        of headers: HTTPHeaders, isVersion10: Bool
    ) throws(Refusal) -> (contentLength: UInt64?, isChunked: Bool) {
        var hosts = 0
        var encodings = 0
        var lengths = 0
        var contentLength: UInt64?
        for (name, value) in headers {
            guard HTTPHeaders.isToken(name) else { throw Refusal(400, .malformedHeader) }
            switch name.utf8.count {
            case 4 where HTTPHeaders.isSame(name, "Host"): hosts += 1
            case 14 where HTTPHeaders.isSame(name, "Content-Length"):
                lengths += 1
                contentLength = UInt64(value)
            case 17 where HTTPHeaders.isSame(name, "Transfer-Encoding"):
                encodings += 1
                guard HTTPHeaders.isSame(value, "chunked") else { throw Refusal(501, .transferEncoding) }
            default: break
            }
        }
        if hosts > 1 { throw Refusal(400, .duplicateHost) }
        if hosts == 0, !isVersion10 { throw Refusal(400, .missingHost) }
        if encodings > 1 || encodings == 1 && isVersion10 { throw Refusal(400, .transferEncoding) }
        if encodings == 1, lengths > 0 { throw Refusal(400, .ambiguousLength) }
        if lengths > 1 { throw Refusal(400, .duplicateContentLength) }
        return (contentLength, encodings == 1)
    }

    /// Path and query of a target in origin form, absolute form ("http://host/path", which every server must take) or
    /// asterisk form.
    private static func split(_ target: String) throws(Refusal) -> (path: String, query: String?) {
        let utf8 = target.utf8Span
        let bytes = utf8.span
        var mark: Int?
        for index in bytes.indices {
            guard bytes[index] > 0x20, bytes[index] < 0x7F else { throw Refusal(400, .malformedTarget) }
            if bytes[index] == UInt8(ascii: "?"), mark == nil { mark = index }
        }
        if !bytes.isEmpty, bytes[0] == UInt8(ascii: "/") { return split(target, at: mark) }
        if target == "*" { return (target, nil) }
        guard let scheme = ["http://", "https://"].first(where: { target.hasPrefix($0) }) else {
            throw Refusal(400, .malformedTarget)
        }
        let authority = target.dropFirst(scheme.count)
        let rest = authority[(authority.firstIndex { $0 == "/" || $0 == "?" } ?? authority.endIndex)...]
        return try split(rest.first == "/" ? String(rest) : "/\(rest)")
    }

    private static func split(_ target: String, at mark: Int?) -> (path: String, query: String?) {
        // Without a query, nothing is copied.
        guard let mark else { return (target, nil) }
        let end = target.utf8.index(target.startIndex, offsetBy: mark)
        return (String(target[..<end]), String(target[target.utf8.index(after: end)...]))
    }
}

/// Bytes that aren't UTF-8 are replaced by U+FFFD.
private func text(_ start: UnsafePointer<CChar>?, _ length: Int) -> String {
    // SAFETY: libmicrohttpd gives the length of what it points to.
    unsafe String(decoding: UnsafeRawBufferPointer(start: start, count: start == nil ? 0 : length), as: UTF8.self)
}
