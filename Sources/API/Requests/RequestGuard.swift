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
        if host.first == "[" {
            guard let close = host.firstIndex(of: "]"), isPort(host[host.index(after: close)...]) else { return false }
            return (try? IPAddress(String(host[host.index(after: host.startIndex)..<close])))?.family == .inet6
        }
        let name = host.prefix { $0 != ":" }
        guard isPort(host[name.endIndex...]) else { return false }
        let lower = name.lowercased()
        return lower == "localhost" || hostNames.contains(lower)
            || (try? IPAddress(String(name)))?.family == .inet
    }

    private func isPort(_ text: Substring) -> Bool {
        if text.isEmpty { return true }
        guard text.first == ":" else { return false }
        return text.count == 1 || UInt16(text.dropFirst()) != nil
    }

    /// The header fields that let a listed page read the answer.
    func corsHeaders(for request: HTTPRequest) -> [(String, String)] {
        guard let origin = request.headers.first("Origin"), origins.contains(origin) else { return [] }
        return [
            ("Access-Control-Allow-Origin", origin), ("Vary", "Origin"),
            ("Access-Control-Expose-Headers", "Fibd-Seq, Fibd-Count, Fibd-Durable, ETag, Link, Location"),
        ]
    }
}
