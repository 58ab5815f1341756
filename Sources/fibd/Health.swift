import ArgumentParser
import HTTPServer
import Platform

/// Asks the server that these options describe whether it answers; for container health checks.
struct Health: ParsableCommand {
    static let configuration = CommandConfiguration(abstract: "Exit 0 if the configured server answers, 1 if not.")

    @OptionGroup var options: Options

    func run() throws {
        let settings = try Settings(options)
        for address in settings.listen {
            let status = HTTPProbe.status(of: "/livez", at: address.reachable, timeoutSeconds: 3)
            guard status == 200 else {
                throw StartError.failure(
                    "\(address) does not answer (\(status.map { "status \($0)" } ?? "no connection"))")
            }
        }
    }
}

extension ListenAddress {
    /// An address at which a server that listens here can be called from the same machine.
    var reachable: ListenAddress {
        switch host {
        case "0.0.0.0": ListenAddress(host: "127.0.0.1", port: port)
        case "::": ListenAddress(host: "::1", port: port)
        default: self
        }
    }
}
