private import CMicrohttpd

/// A minimal client, for asking a server on this machine whether it answers.
public enum HTTPProbe {
    /// The status of the answer to `GET path`; nil if there was none in time.
    public static func status(of path: String, at address: ListenAddress, timeoutSeconds: Int) -> Int? {
        let status = unsafe fibd_http_probe(address.host, address.port, path, Int32(timeoutSeconds * 1_000))
        return status > 0 ? Int(status) : nil
    }
}
