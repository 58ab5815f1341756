import Glibc
import Storage
import TestSupport
import Testing

@Suite struct OpeningTests {
    @Test("A log without its database is refused, and stays: the next database would take it for its own")
    func logWithoutDatabase() throws {
        let directory = TemporaryDirectory()
        TestFile.write(Array("left over".utf8), to: directory.path + "/fibd.db-wal")
        #expect {
            try SQLiteStore.open(directory: directory.path)
        } throws: { error in
            guard case .damaged(let text) = error as? StoreError else { return false }
            return text.contains("fibd.db-wal")
        }
        #expect(TestFile.read(directory.path + "/fibd.db-wal") == Array("left over".utf8))
    }

    @Test("A directory is made for its owner alone, and what SQLite needs beside the database goes in the end")
    func makesTheDirectory() throws {
        let parent = TemporaryDirectory()
        let path = parent.file("a b")
        let store = try SQLiteStore.open(directory: path)
        #expect(TemporaryDirectory.names(in: path) == ["fibd.db", "fibd.db-wal", "lock"])
        var status = stat()
        #expect(unsafe stat(path, &status) == 0 && status.st_mode & 0o777 == 0o700)
        #expect(unsafe stat("\(path)/fibd.db", &status) == 0 && status.st_mode & 0o777 == 0o600)
        store.close()
        #expect(TemporaryDirectory.names(in: path) == ["fibd.db", "lock"])
    }

    @Test("Who finds a directory taken learns by which process")
    func namesTheHolder() throws {
        let directory = TemporaryDirectory()
        let store = try SQLiteStore.open(directory: directory.path)
        let error = #expect(throws: StoreError.self) { try SQLiteStore.open(directory: directory.path) }
        #expect(
            error
                == .locked(
                    process: getpid(),
                    "\(directory.path) is in use by process \(getpid()). Stop it, or choose another --data-dir"))
        try store.commit(StoreWrite(JournalBatch(1)))
        store.close()
        let holdings = try withStore(directory) { try Holdings($0) }
        #expect(holdings.batches.count == 1)
    }

    @Test("Programs that are started inherit nothing of the store")
    func closesOnExec() throws {
        let directory = TemporaryDirectory()
        try withStore(directory) { _ in
            let child = try ChildProcess("ls", ["-l", "/proc/self/fd"])
            #expect(child.waitForExit() == 0)
            #expect(!child.output.contains(directory.path))
        }
    }

    @Test("Files of others are refused and stay as they are, to the last byte", arguments: ["text", "short", "sqlite"])
    func refusesForeignFiles(kind: String) throws {
        let directory = TemporaryDirectory()
        let path = directory.file("fibd.db")
        switch kind {
        case "text": TestFile.write([UInt8](repeating: 65, count: 5_000), to: path)
        case "short": TestFile.write([1], to: path)
        default: try runSQL(path, "PRAGMA journal_mode=WAL; CREATE TABLE t(a); INSERT INTO t VALUES (1)")
        }
        try expectUntouched(directory, error: "foreign", naming: "Move it away")
    }

    @Test("A file of a newer version is refused and stays as it is, to the last byte")
    func refusesNewerFiles() throws {
        let directory = TemporaryDirectory()
        try withStore(directory) { try $0.commit(StoreWrite(JournalBatch(1))) }
        try runSQL(directory.file("fibd.db"), "PRAGMA user_version = 9")
        try expectUntouched(directory, error: "newer", naming: "in version 9")
    }

    @Test(
        "A file of a former version, which differs in what records may say, becomes one of this version and keeps all",
        arguments: [1, 2, 3, 4, 5, 6, 7])
    func migrates(version: Int) throws {
        let directory = TemporaryDirectory()
        try withStore(directory) { try $0.commit(StoreWrite(JournalBatch(1), JournalBatch(2))) }
        try runSQL(directory.file("fibd.db"), "PRAGMA user_version = \(version)")
        let batches = try withStore(directory) { try Holdings($0).batches }
        #expect(batches.map(\.last) == [1, 2])
        try runSQL(directory.file("fibd.db"), "PRAGMA journal_mode = DELETE")
        let header = try #require(TestFile.read(directory.file("fibd.db")))
        #expect(header[60..<64] == [0, 0, 0, 8])
    }

    private func expectUntouched(_ directory: TemporaryDirectory, error kind: String, naming text: String) throws {
        let before = directory.files
        let error = #expect(throws: StoreError.self) { try SQLiteStore.open(directory: directory.path) }
        #expect(error?.kind == kind)
        #expect(error?.message.contains(text) == true)
        #expect(directory.files == before)
    }

    @Test("An empty file, and what a start that was interrupted has left, become a store")
    func completesAnInterruptedStart() throws {
        let directory = TemporaryDirectory(["fibd.db": [], "fibd.db.new": [1, 2, 3], "fibd.db.new-journal": [4]])
        try withStore(directory) { try $0.commit(StoreWrite(JournalBatch(1))) }
        #expect(directory.names == ["fibd.db", "lock"])
    }

    @Test("Someone else's directory is refused with the command that gives it away", .enabled(if: geteuid() == 0))
    func refusesOthersDirectories() throws {
        let directory = TemporaryDirectory()
        try withStore(directory) { _ in }
        for path in [directory.path, directory.file("fibd.db")] {
            #expect(unsafe chown(path, 65_532, 65_532) == 0)
            let error = #expect(throws: StoreError.self) { try SQLiteStore.open(directory: directory.path) }
            #expect(error?.kind == "unwritable")
            #expect(error?.message.contains("\(path) belongs to user 65532, and this is user 0") == true)
            #expect(error?.message.hasSuffix("chown -R 0:0 \(directory.path)") == true)
            #expect(unsafe chown(path, 0, 0) == 0)
        }
        try withStore(directory) { _ in }
    }

    @Test("A directory that can't be made or read is named, with the reason")
    func namesTheReason() throws {
        let directory = TemporaryDirectory(["file": [1]])
        for (path, reason) in [("none/data", "No such file or directory"), ("file", "Not a directory")] {
            let error = #expect(throws: StoreError.self) { try SQLiteStore.open(directory: directory.file(path)) }
            #expect(error?.message.contains(reason) == true && error?.message.contains(path) == true)
        }
    }
}
