import ArgumentParser
import Platform

/// The program: one command that serves, one that asks whether a server answers.
@main
struct Fibd: ParsableCommand {
    static let version = "0.1.0"

    static let configuration = CommandConfiguration(
        commandName: "fibd",
        abstract: "Holds Linux forwarding state and lets anything with curl read, change and follow it.",
        discussion: """
            Every option can also be set in the environment (FIBD_LISTEN, FIBD_LOG_LEVEL, …; lists with commas) or in the
            file given with --config (a JSON object: {"listen": ["127.0.0.1:8080"], "log_level": "info"}). An option on
            the command line wins over the environment, that over the file.
            """,
        version: version, subcommands: [Serve.self, Health.self, Check.self], defaultSubcommand: Serve.self)

    static func main() {
        do {
            var command = try parseAsRoot()
            try command.run()
        } catch let error as StartError {
            Process.writeError("fibd: \(error.message)\n")
            Process.end(error.exitCode)
        } catch {
            // 2, and not the parser's 64: what supervisors know as "don't restart, fix the configuration".
            let isHelp = exitCode(for: error).isSuccess
            if isHelp {
                Process.writeOutput(fullMessage(for: error) + "\n")
            } else {
                Process.writeError(fullMessage(for: error) + "\n")
            }
            Process.end(isHelp ? 0 : 2)
        }
    }
}

/// Why the program ends before it serves.
struct StartError: Error {
    let exitCode: Int32
    let message: String

    /// The command line, environment or configuration file is wrong.
    static func usage(_ message: String) -> StartError { StartError(exitCode: 2, message: message) }
    static func failure(_ message: String) -> StartError { StartError(exitCode: 1, message: message) }
}
