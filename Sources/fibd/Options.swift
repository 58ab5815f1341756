import ArgumentParser

/// The options as the command line gives them; nil or empty where it is silent.
struct Options: ParsableArguments {
    @Option(help: ArgumentHelp("Address and port to listen on; repeatable. Port 0 picks one.", valueName: "host:port"))
    var listen: [String] = []

    @Flag(
        inversion: .prefixedNo,
        help: "Allow addresses off the loopback, where anyone who reaches the port may do anything.")
    var insecureListen: Bool?

    @Option(
        help: ArgumentHelp(
            "Where the state is kept; made if it isn't there. One fibd at a time can use it. Default: fibd-data.",
            valueName: "dir"))
    var dataDir: String?

    @Flag(inversion: .prefixedNo, help: "Keep the state in memory only; it is gone when the server stops.")
    var ephemeral: Bool?

    @Option(
        help: ArgumentHelp(
            "Bytes of journal after which the state is written down anew. Default: 32 MiB; less makes starts faster and "
                + "writes more.",
            valueName: "bytes"))
    var checkpointBytes: String?

    @Option(
        help: ArgumentHelp(
            "A simulated switch that programs routes, made if it isn't kept yet; 'none': those that are kept don't begin. "
                + "Default: asic0, if there never was one.", valueName: "name"))
    var simulatedSwitch: String?

    @Flag(
        inversion: .prefixedNo,
        help:
            "Let clients have simulated switches fail. By default with --ephemeral, or if all addresses are on the loopback."
    )
    var simulateFaults: Bool?

    @Option(help: ArgumentHelp("Read options from this JSON file.", valueName: "file"))
    var config: String?

    @Option(help: ArgumentHelp("trace, debug, info, notice, warning, error or critical.", valueName: "level"))
    var logLevel: String?

    @Option(
        help: ArgumentHelp(
            "Bytes of change log to retain. Default: 256 MiB or an eighth of the memory, whichever is less.",
            valueName: "bytes"))
    var logBytes: String?

    @Option(
        help: ArgumentHelp(
            "Bytes of rows that replays keep for others who are sent the same; 0 for none. Default: an eighth of the memory.",
            valueName: "bytes"))
    var replayCacheBytes: String?

    @Option(help: ArgumentHelp("Worker threads for long requests.", valueName: "n"))
    var threads: String?

    @Option(help: ArgumentHelp("Connections at a time, event streams included.", valueName: "n"))
    var maxConnections: String?

    @Option(help: ArgumentHelp("Different filters that event streams may have at a time.", valueName: "n"))
    var maxFilters: String?

    @Option(
        help: ArgumentHelp(
            "Names under which clients may call this server, besides addresses and localhost; with commas.",
            valueName: "names"))
    var hostNames: String?

    @Option(help: ArgumentHelp("Origins whose web pages may call this server; with commas.", valueName: "origins"))
    var corsOrigins: String?

    @Option(
        help: ArgumentHelp("Seconds after which a route that hardware has not answered for is told of.", valueName: "s")
    )
    var stuckSeconds: String?

    @Flag(help: "Print the effective options and where each comes from, and exit.")
    var printConfig = false
}
