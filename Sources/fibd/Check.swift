import ArgumentParser
import ControlPlane
import Platform
import Storage

/// Looks at a data directory without a server, and changes nothing in it.
struct Check: ParsableCommand {
    static let configuration = CommandConfiguration(
        abstract: "Verify a data directory: exit 0 if a server could start from it, 1 if not.")

    @OptionGroup var options: Options

    func run() throws {
        let settings = try Settings(options)
        guard let directory = settings.dataDirectory else {
            throw StartError.usage("check: --ephemeral keeps nothing that could be verified; give --data-dir")
        }
        let scratch = Process.environment("TMPDIR") ?? "/tmp"
        do {
            let (store, user) = try SQLiteStore.openCopy(of: directory, in: scratch)
            defer { store.close() }
            if let user {
                Process.writeError("\(directory) is in use by \(user): this is what it holds at the moment\n")
            }
            let findings = store.integrityCheck()
            guard findings.isEmpty else { throw StartError.failure(findings.joined(separator: "\n")) }
            let report = try StoreReport(reading: store, logBytes: settings.logBytes)
            Process.writeOutput(
                """
                \(directory) is sound
                epoch       \(report.epoch)
                routes      \(report.routes) in \(report.namespaces) namespaces
                digest      \(report.digest)
                history     \(report.history.first) to \(report.history.last)
                unfinished  \(report.unfinished)

                """)
        } catch let error as StoreError {
            throw StartError.failure(error.message)
        } catch let error as RecoveryError {
            throw StartError.failure(error.message)
        }
    }
}
