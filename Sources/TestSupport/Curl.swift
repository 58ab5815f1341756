extension RunningServer {
    /// Runs the real curl and reads what it shows of the answer. Arguments that begin with `/` are paths at this server.
    public func curl(_ arguments: String..., input: [UInt8] = []) throws -> TestResponse {
        let process = try startCurl(["-i"] + arguments, input: input)
        guard let code = process.waitForExit() else { throw TestClientError.timedOut }
        guard code == 0 else { throw TestClientError.malformed("curl: \(code) \(process.errorOutput)") }
        return try TestResponse(curl: process.outputBytes)
    }

    /// Starts curl on what it follows for long.
    public func startCurl(_ arguments: [String], input: [UInt8] = []) throws -> ChildProcess {
        let arguments = arguments.map { $0.hasPrefix("/") ? "http://localhost:\(port)\($0)" : $0 }
        return try ChildProcess("curl", ["-sS", "--noproxy", "*", "-4"] + arguments, input: input)
    }
}

extension TestResponse {
    /// From what `curl -i` prints: heads of interim answers are skipped.
    init(curl output: [UInt8]) throws(TestClientError) {
        let text = String(decoding: output, as: UTF8.self)
        guard let end = text.firstRange(of: "\r\n\r\n") else { throw .malformed(text) }
        let lines = text[..<end.lowerBound].split(separator: "\r\n")
        let parts = lines.first?.split(separator: " ") ?? []
        guard parts.count > 1, let status = Int(parts[1]) else { throw .malformed(text) }
        let rest = Array(text[end.upperBound...].utf8)
        if status == 100 {
            self = try TestResponse(curl: rest)
            return
        }
        let headers = lines.dropFirst().map { line in
            let colon = line.firstIndex(of: ":") ?? line.endIndex
            return (name: String(line[..<colon]), value: String(line[colon...].dropFirst(2)))
        }
        self = TestResponse(status: status, headers: headers, body: rest)
    }
}
