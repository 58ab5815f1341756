import Glibc
import TestSupport
import Testing

/// Starting and stopping, as a supervisor sees it.
@Suite struct ProcessTests {
    private func run(_ arguments: String..., environment: [String] = []) throws -> (
        code: Int32?, out: String, error: String
    ) {
        let process = try ChildProcess(RunningServer.binary, arguments, environment: environment)
        let code = process.waitForExit()
        return (code, process.output, process.errorOutput)
    }

    @Test("Once it listens it says where, in one line of JSON")
    func listening() throws {
        let server = try RunningServer()
        let line = try #require(server.log.split(separator: "\n").first { $0.contains("listening") })
        let message = try JSONValue(String(line))
        #expect(message["message"] == .string("listening"))
        #expect(message["address"] == .string("127.0.0.1:\(server.port)"))
        for text in server.log.split(separator: "\n") { _ = try JSONValue(String(text)) }
    }

    @Test("A port that is taken is exit code 1 and a sentence that names it")
    func portTaken() throws {
        let server = try RunningServer()
        let second = try run("--listen", "127.0.0.1:\(server.port)", "--ephemeral")
        #expect(second.code == 1)
        #expect(second.error.contains("127.0.0.1:\(server.port)"), "\(second.error)")
        #expect(second.error.split(separator: "\n").count == 1)
        #expect(try server.get("/livez").status == 200)
    }

    @Test(
        "Wrong options are exit code 2 and are named",
        arguments: [
            (["--listen", "nowhere"], "listen"), (["--listen", "127.0.0.1:70000"], "listen"),
            (["--listen", "0.0.0.0:0"], "insecure-listen"), (["--log-bytes", "many"], "log_bytes"),
            (["--log-bytes", "10"], "log_bytes"), (["--threads", "0"], "threads"),
            (["--max-connections", "1"], "max_connections"),
            (["--max-filters", "-5"], "max-filters"), (["--log-level", "loud"], "log_level"),
            (["--config", "/nonexistent"], "/nonexistent"), (["--nonsense"], "nonsense"), (["--threads"], "threads"),
            (["surplus"], "surplus"),
        ])
    func badOptions(arguments: [String], name: String) throws {
        let process = try ChildProcess(RunningServer.binary, arguments)
        #expect(process.waitForExit() == 2, "\(arguments): \(process.errorOutput)")
        #expect(process.errorOutput.contains(name), "\(process.errorOutput)")
        #expect(process.output.isEmpty)
    }

    @Test("Options come from the command line, else the environment; wrong ones in the environment are named too")
    func environment() throws {
        let printed = try run(
            "--print-config", "--threads", "3", environment: ["FIBD_THREADS=4", "FIBD_LOG_LEVEL=debug"])
        #expect(printed.code == 0)
        let configuration = try JSONValue(printed.out)
        #expect(configuration["threads"]?.canonical == #"{"origin":"flag","value":"3"}"#)
        #expect(configuration["log_level"]?.canonical == #"{"origin":"environment","value":"debug"}"#)
        #expect(configuration["max_filters"]?["origin"] == .string("default"))
        let wrong = try run(environment: ["FIBD_LISTEN=127.0.0.1:0", "FIBD_THREADS=x"])
        #expect(wrong.code == 2)
        #expect(wrong.error.contains("threads"), "\(wrong.error)")
    }

    @Test("--help and --version answer on standard output and exit 0")
    func help() throws {
        for option in ["--help", "--version"] {
            let answer = try run(option)
            #expect(answer.code == 0)
            #expect(!answer.out.isEmpty && answer.error.isEmpty)
        }
    }

    @Test("fibd health is 0 beside a server that answers and 1 beside none")
    func health() throws {
        let server = try RunningServer()
        let address = "127.0.0.1:\(server.port)"
        #expect(try run("health", "--listen", address).code == 0)
        #expect(server.stop() == 0)
        let down = try run("health", "--listen", address)
        #expect(down.code == 1)
        #expect(down.error.contains(address))
    }

    @Test(
        "SIGTERM and SIGINT: every stream is told, what is under way is finished, exit 0 within ten seconds",
        arguments: [SIGTERM, SIGINT])
    func drain(signal: Int32) throws {
        let server = try RunningServer()
        _ = try server.post("/v1/routes", #"{"dst":"10.0.0.0/8","dev":"a"}"#)
        let streams = try ["", "?view=best", "?replay=none", "?family=inet6", ""].map { try server.follow($0) }
        for stream in streams { _ = try stream.frames(through: "sync") }
        let lines = try EventReader(
            server.client(), "/v1/events?replay=none", headers: ["Accept: application/x-ndjson"])
        let idle = try server.client()
        #expect(try idle.request("GET", "/livez").status == 200)
        // One whose header is only half there mustn't hold up the end.
        let half = try server.client()
        try half.send("GET /v1 HTTP/1.1\r\nHost: ")
        server.process.signal(signal)
        for stream in streams {
            let last = try stream.next()
            #expect(last.event == "drain")
            #expect(try last.json()["reason"] == .string("draining"))
            #expect(last.id == nil)
            #expect(stream.client.isClosedByServer())
        }
        let rest = String(decoding: try lines.client.readToEnd(), as: UTF8.self)
        #expect(rest.split(separator: "\n").last?.hasPrefix(#"{"event":"drain","#) == true)
        #expect(server.process.waitForExit(within: 10) == 0)
        #expect(throws: (any Error).self) { try server.get("/livez") }
    }

    @Test("SIGTERM with a stream whose reader stands still: exit 0 all the same")
    func drainWithStalledReader() throws {
        let server = try RunningServer()
        let rows = (0..<20_000).map {
            "{\"dst\":\"10.\($0 / 65_536).\($0 / 256 % 256).\($0 % 256)/32\",\"dev\":\"a\"}\n"
        }
        #expect(
            try server.post("/v1/routes", rows.joined(), headers: ["Content-Type: application/x-ndjson"]).status == 200)
        let stalled = try server.follow(receiveBuffer: 4_096)
        #expect(try stalled.next().event == "hello")
        #expect(server.stop(within: 10) == 0)
    }

    @Test("SIGHUP doesn't end it; a client that goes while it is answered doesn't either")
    func survives() throws {
        let server = try RunningServer()
        server.process.signal(SIGHUP)
        server.process.signal(SIGPIPE)
        for _ in 0..<20 {
            let client = try server.client()
            try client.sendRequest("GET", "/v1/events")
            client.reset()
        }
        #expect(eventually { server.log.contains("reload") })
        #expect(try server.get("/livez").status == 200)
        #expect(server.stop() == 0)
    }
}
