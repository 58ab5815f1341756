internal import Addressing
internal import HTTPServer

/// Keeps web pages out of a server that listens on the loopback without a password: a page that the user visits can send
/// requests to any open port, but it can't choose their `Host` freely nor hide its `Origin`.
struct RequestGuard: Sendable {
    /// Names under which clients may know the server, besides IP literals and `localhost`; lower case.
    let hostNames: Set<String>
    /// Origins whose pages may use it, such as `https://noc.example.net`.
    let origins: Set<String>

    func check(_ request: HTTPRequest) throws(Problem) {
        // Only HTTP/1.0 comes here without one, and no browser speaks that.
        let host = request.headers.first("Host")
        guard host.map(isKnown) ?? true else {
            throw Problem(
                status: 421, code: "EINVAL", reason: "unknown-host",
                detail:
                    "this server is not '\(host ?? "")'; use an address or 'localhost', or start it with --host-names")
        }
        guard let origin = request.headers.first("Origin") else { return }
        let own = host.map { "http://\($0)" }
        guard request.headers.all("Origin").count == 1, origin == own || origins.contains(origin) else {
            throw Problem(
                status: 403, code: "EACCES", reason: "foreign-origin",
                detail: "pages of '\(origin)' may not use this server; allow them with --cors-origins")
        }
    }

    /// An IP literal, `localhost`, or a configured name; with or without a port.
    private func isKnown(_ host: String) -> Bool {
        let utf8 = host.utf8Span
        let bytes = utf8.span
        let isBracketed = !bytes.isEmpty && bytes[0] == UInt8(ascii: "[")
        var end = 0
        while end < bytes.count, bytes[end] != UInt8(ascii: isBracketed ? "]" : ":") { end += 1 }
        if isBracketed {
            guard end < bytes.count, isPort(bytes.extracting((end + 1)...)) else { return false }
            return isAddress(bytes.extracting(1..<end), of: .inet6)
        }
        guard isPort(bytes.extracting(end...)) else { return false }
        // What begins with a digit is an address far more often than a name.
        if end > 0, bytes[0] <= UInt8(ascii: "9"), isAddress(bytes.extracting(..<end), of: .inet) { return true }
        let name = host.prefix { $0 != ":" }.lowercased()
        return name == "localhost" || hostNames.contains(name)
    }

    private func isAddress(_ text: Span<UInt8>, of family: AddressFamily) -> Bool {
        (try? IPAddress(parsing: text))?.family == family
    }

    /// Nothing, or a colon with or without a number.
    private func isPort(_ text: Span<UInt8>) -> Bool {
        var port = 0
        for index in text.indices {
            if index == 0 {
                guard text[0] == UInt8(ascii: ":") else { return false }
                continue
            }
            let digit = text[index] &- UInt8(ascii: "0")
            port = port * 10 + Int(digit)
            guard digit < 10, port <= UInt16.max else { return false }
        }
        return true
    }

    /// The header fields that let a listed page read the answer.
    func corsHeaders(for request: HTTPRequest) -> [(StaticString, HTTPFieldValue)] {
        guard let origin = request.headers.first("Origin"), origins.contains(origin) else { return [] }
        return [
            ("Access-Control-Allow-Origin", .text(origin)), ("Vary", "Origin"),
            ("Access-Control-Expose-Headers", "Fibd-Seq, Fibd-Count, Fibd-Durable, ETag, Link, Location"),
        ]
    }
}
