import API
import ArgumentParser
import ChangeLog
import ControlPlane
import HTTPServer
import Hardware
import JSON
import Logging
import Platform
import Routing
import Storage
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
        let plane = try makePlane(settings)
        let board = SwitchBoard(plane, simulatesFaults: settings.simulatesFaults)
        let service = makeService(plane, board, settings, logger)
        try beginSwitches(service, settings, logger)
        service.start()
        let server = try start(service, settings)
        connect(plane, service, server, logger)
        service.whenStreamsMustWake { server.wakeStreams() }
        announce(server, settings, logger)
        while signals.next() == .reload {
            logger.info("nothing to reload: certificates, tokens and log level come from the start")
        }
        logger.info("stopping: no new connections, streams are told, requests under way are finished")
        // What no deadline of the server's own can end: work that a worker is in the middle of.
        _ = Thread(name: "stop-limit") {
            Process.wait(seconds: 9)
            logger.warning("a request was still being worked on; stopped without it")
            Process.end(plane.log.durable == plane.log.head ? 0 : 1)
        }
        service.drainStreams()
        server.streams.wake()
        server.drain(deadlineSeconds: 7)
        service.stop()
        plane.close()
        // The plane knows the server and the server the plane; without this, no one would ever let go of either.
        plane.whenVisible {}
        plane.whenStoreChanges { _ in }
        guard plane.log.durable == plane.log.head else {
            throw StartError.failure(
                "stopped with changes that are not on disk: numbers \(plane.log.durable.rawValue + 1) to "
                    + "\(plane.log.head.rawValue). None of them was acknowledged as durable")
        }
        logger.info("stopped")
    }

    private func makePlane(_ settings: Settings) throws(StartError) -> ControlPlane {
        var limits = ControlPlane.Limits(logBytes: settings.logBytes)
        limits.checkpointBytes = settings.checkpointBytes
        limits.waitingWorkers = max(1, settings.threads - 1)
        guard let directory = settings.dataDirectory else { return ControlPlane(limits: limits) }
        do {
            return try ControlPlane(limits: limits, store: try SQLiteStore.open(directory: directory))
        } catch let error as StoreError {
            throw .failure(error.message)
        } catch let error as RecoveryError {
            throw .failure(error.message)
        } catch {
            throw .failure("\(error)")
        }
    }

    /// What the plane has for those who wait at the server.
    private func connect(_ plane: ControlPlane, _ service: FIBService, _ server: HTTPDaemon, _ logger: Logger) {
        let log = plane.log
        if plane.storeStatus == nil {
            plane.whenVisible {
                service.changesVisible()
                server.wakeStreams()
            }
            return
        }
        plane.whenVisible {
            server.release(upTo: log.durable.rawValue)
            server.serveStreams()
            service.changesVisible()
        }
        let follow: @Sendable (JournalStatus) -> Void = { status in
            switch status {
            case .writing: logger.notice("the store takes changes again")
            case .blocked(let why): logger.error("the store takes no changes: \(why)")
            case .closed: break
            case .failed(let why):
                logger.critical("the store has failed, and the server stops: \(why)")
                service.failStreams(why)
                server.streams.wake()
                server.giveUpHeld()
                _ = Thread(name: "store-failed") {
                    server.drain(deadlineSeconds: 2)
                    Process.end(1)
                }
            }
        }
        plane.whenStoreChanges(follow)
        // What happened before anyone was told of it.
        if let status = plane.storeStatus, status != .writing { follow(status) }
        server.release(upTo: log.durable.rawValue)
        server.wakeStreams()
    }

    private func beginSwitches(
        _ service: FIBService, _ settings: Settings, _ logger: Logger
    ) throws(StartError) {
        do throws(FIBError) {
            guard let error = try service.beginSwitches(settings.simulatedSwitch) else { return }
            logger.error(
                "there is no simulated switch: \(error.message); start with --simulated-switch and another name, or none"
            )
        } catch {
            throw .failure(error.message)
        }
    }

    private func makeService(
        _ plane: ControlPlane, _ board: SwitchBoard, _ settings: Settings, _ logger: Logger
    ) -> FIBService {
        var configuration = FIBService.Configuration()
        configuration.hostNames = settings.hostNames
        configuration.origins = settings.corsOrigins
        configuration.maximumFilters = settings.maxFilters
        configuration.replayCacheBytes = settings.replayCacheBytes
        configuration.committingThreads = max(1, settings.threads / 2)
        configuration.stuckSeconds = settings.stuckSeconds
        configuration.version = Fibd.version
        configuration.warn = { logger.warning("\($0)") }
        return FIBService(plane: plane, configuration: configuration, board: board)
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
        if settings.dataDirectory == nil {
            logger.notice("the state is kept in memory only, and is gone when the server stops")
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
