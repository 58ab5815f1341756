import Glibc
import TestSupport
import Testing

/// What a restart leaves, and what the interface says of the disk.
@Suite struct DurabilityTests {
    private let directory = TemporaryDirectory()
    private var data: String { directory.path + "/data" }

    private func server() throws -> RunningServer { try RunningServer("--data-dir", data) }

    @Test("After a kill everything acknowledged is there, in the same epoch, and a cursor resumes")
    func restart() throws {
        let first = try server()
        let epoch = try first.get("/v1").json()["epoch"]?.string
        #expect(try first.post("/v1/routes", #"{"dst":"10.0.0.0/24","dev":"eth0"}"#).status == 201)
        let cursor = try #require(try first.follow("?until=sync").frames(through: "sync").last?.id)
        let written = try first.post("/v1/routes", #"{"dst":"10.0.1.0/24","dev":"eth0"}"#)
        #expect(try first.request("PUT", "/v1/namespaces/blue", "{}").status == 201)
        first.process.signal(SIGKILL)
        #expect(first.process.waitForExit() != nil)

        let second = try server()
        #expect(try second.get("/v1").json()["epoch"]?.string == epoch)
        #expect(try second.get("/v1/routes/10.0.1.0/24").text == written.text)
        #expect(try second.get("/v1/namespaces/blue").status == 200)
        let frames = try second.follow("?until=sync", headers: ["Last-Event-ID: \(cursor)"]).frames(through: "sync")
        #expect(try frames.first?.json()["mode"] == .string("resume"))
        #expect(frames.map(\.event) == ["hello", "route", "namespace", "rule", "rule", "rule", "rule", "rule", "sync"])
        let last = try second.post("/v1/routes", #"{"dst":"10.0.2.0/24","dev":"eth0"}"#)
        let (before, after) = (try #require(written.header("Fibd-Seq")), try #require(last.header("Fibd-Seq")))
        #expect(try #require(Int(after)) > #require(Int(before)))
        #expect(second.stop() == 0)
    }

    @Test("Another directory is another epoch, and says so to a cursor of the first")
    func otherEpoch() throws {
        let first = try server()
        let cursor = try #require(try first.follow("?until=sync").frames(through: "sync").last?.id)
        let other = try RunningServer("--data-dir", directory.path + "/other")
        let hello = try other.follow("?last_event_id=\(cursor)").next()
        #expect(try hello.json()["mode"] == .string("replay") && hello.json()["reason"] == .string("epoch"))
    }

    @Test("Prefer, ack and durable are taken; what can't be read is no preference")
    func options() throws {
        let server = try server()
        for (query, prefer) in [
            ("", "wait=5"), ("?ack=applied", ""), ("?ack=durable", "respond-async, wait=\"2\""), ("", "wait=x"),
        ] {
            let answer = try server.request(
                "PUT", "/v1/routes/10.0.0.0/24\(query)", #"{"dev":"eth\#(query.count)"}"#,
                headers: ["Prefer: \(prefer)"])
            #expect(answer.status == 200 || answer.status == 201, "\(query) \(prefer): \(answer.text)")
        }
        let durable = try server.get("/v1/routes/10.0.0.0/24?durable=1")
        #expect(durable.status == 200 && durable.header("Fibd-Durable") == nil)
        #expect(try server.get("/readyz?verbose").text.contains("[+]store ok"))
    }

    @Test("A second server on the directory ends with 1 and names the first")
    func locked() throws {
        let first = try server()
        let second = try ChildProcess(RunningServer.binary, ["--data-dir", data, "--listen", "127.0.0.1:0"])
        #expect(second.waitForExit() == 1)
        #expect(second.errorOutput.contains("process \(first.process.pid)"), "\(second.errorOutput)")
    }

    @Test("fibd check finds a directory sound, beside a server too, and damage in it")
    func check() throws {
        func check() throws -> (code: Int32?, text: String) {
            let process = try ChildProcess(RunningServer.binary, ["check", "--data-dir", data])
            return (process.waitForExit(), process.output + process.errorOutput)
        }
        #expect(try check().code == 1)
        let first = try server()
        for number in 0..<50 { _ = try first.post("/v1/routes", #"{"dst":"10.0.\#(number).0/24","dev":"eth0"}"#) }
        let beside = try check()
        #expect(beside.code == 0 && beside.text.contains("in use by process \(first.process.pid)"), "\(beside.text)")
        #expect(first.stop() == 0)
        let sound = try check()
        #expect(sound.code == 0 && sound.text.contains("routes      50 in 1 namespaces"), "\(sound.text)")
        // A device's name in all batches, and in what is left of old pages: nothing but a checksum can tell.
        var content = try #require(TestFile.read(data + "/fibd.db"))
        let name = Array("eth0".utf8)
        for place in content.indices.dropLast(4) where content[place..<place + 4].elementsEqual(name) {
            content[place + 3] ^= 1
        }
        TestFile.write(content, to: data + "/fibd.db")
        let damaged = try check()
        #expect(damaged.code == 1 && damaged.text.contains("journal"), "\(damaged.text)")
        let server = try ChildProcess(RunningServer.binary, ["--data-dir", data, "--listen", "127.0.0.1:0"])
        #expect(server.waitForExit() == 1 && server.errorOutput.contains("damaged"), "\(server.errorOutput)")
    }
}
