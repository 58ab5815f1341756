import API
import ArgumentParser
import ControlPlane
import HTTPServer
import JSON
import Logging
import Platform
import Threads

/// Runs the server until it is told to stop.
struct Serve: ParsableCommand {
    static let configuration = CommandConfiguration(abstract: "Serve (the default).", shouldDisplay: false)

    @OptionGroup var options: Options

    func run() throws {
        let settings = try Settings(options)
        if options.printConfig { return printConfiguration(settings) }
        Process.shareHeap()
        // Before the first thread, so that every thread inherits it.
        var signals = Signals()
        let logger = Logger(label: "fibd") { _ in
            JSONLogHandler(logLevel: Logger.Level(rawValue: settings.logLevel) ?? .info)
        }
        let plane = ControlPlane(limits: ControlPlane.Limits(logBytes: settings.logBytes))
        let service = makeService(plane, settings, logger)
        let server = try start(service, settings)
        plane.whenCommitted { server.wakeStreams() }
        announce(server, settings, logger)
        while signals.next() == .reload {
            logger.info("nothing to reload: certificates, tokens and log level come from the start")
        }
        logger.info("stopping: no new connections, streams are told, requests under way are finished")
        // What no deadline of the server's own can end: work that a worker is in the middle of.
        _ = Thread(name: "stop-limit") {
            Process.wait(seconds: 9)
            logger.warning("a request was still being worked on; stopped without it")
            Process.end(0)
        }
        service.drainStreams()
        server.streams.wake()
        server.drain(deadlineSeconds: 8)
        // The plane knows the server and the server the plane; without this, no one would ever let go of either.
        plane.whenCommitted {}
        logger.info("stopped")
    }

    private func makeService(_ plane: ControlPlane, _ settings: Settings, _ logger: Logger) -> FIBService {
        var configuration = FIBService.Configuration()
        configuration.hostNames = settings.hostNames
        configuration.origins = settings.corsOrigins
        configuration.maximumFilters = settings.maxFilters
        configuration.committingThreads = max(1, settings.threads / 2)
        configuration.version = Fibd.version
        configuration.warn = { logger.warning("\($0)") }
        return FIBService(plane: plane, configuration: configuration)
    }

    private func start(_ service: FIBService, _ settings: Settings) throws(StartError) -> HTTPDaemon {
        var configuration = HTTPDaemon.Configuration(listen: settings.listen)
        configuration.workers = settings.threads
        configuration.maxConnections = settings.maxConnections
        do throws(HTTPServerError) {
            return try HTTPDaemon(configuration: configuration, application: service) { service.streamsAwake() }
        } catch {
            throw .failure(error.message)
        }
    }

    private func announce(_ server: HTTPDaemon, _ settings: Settings, _ logger: Logger) {
        for note in server.notes { logger.warning("\(note)") }
        if settings.insecureListen {
            logger.warning(
                "whoever reaches a listening port can read and change everything: there are no passwords or TLS")
        }
        if let directory = settings.dataDirectory {
            logger.warning(
                "this version keeps its state in memory only: nothing is written to the data directory",
                metadata: ["data_dir": "\(directory)"])
        }
        for address in server.boundAddresses {
            logger.info("listening", metadata: ["address": "\(address)", "version": "\(Fibd.version)"])
        }
    }

    private func printConfiguration(_ settings: Settings) {
        var text: [UInt8] = []
        for (index, (name, value, origin)) in settings.texts.enumerated() {
            text.appendASCII(index == 0 ? "{\n" : ",\n")
            text.appendASCII("  \"\(name)\": {\"value\": ")
            text.appendJSON(string: value)
            text.appendASCII(", \"origin\": \"\(origin.rawValue)\"}")
        }
        text.appendASCII("\n}\n")
        Process.writeOutput(String(decoding: text, as: UTF8.self))
    }
}
