import Glibc
import TestSupport
import Testing

@testable import Storage

@Suite struct FailureTests {
    @Test("A write that finds no room changes nothing, and succeeds when there is room again")
    func recoversFromAFileThatCannotGrow() async {
        // A process of its own, since the limit is the process's.
        await #expect(processExitsWith: .success) {
            let directory = TemporaryDirectory()
            let store = try SQLiteStore.open(directory: directory.path)
            limitFileSize(to: 300_000)
            let filled = try fillUp(store)
            limitFileSize(to: nil)
            try expectToGoOn(store, filled)
            let expected = try Holdings(store)
            store.close()
            let found = try withStore(directory) { try Holdings($0) }
            #expect(found == expected)
        }
    }

    /// A file system of 1 MiB; nil where that isn't allowed.
    private static func mountSmall() throws -> TemporaryDirectory? {
        guard geteuid() == 0 else { return nil }
        let directory = TemporaryDirectory()
        let mount = try ChildProcess("mount", ["-t", "tmpfs", "-o", "size=1m", "fibd-test", directory.path])
        return mount.waitForExit() == 0 ? directory : nil
    }

    private static func unmount(_ directory: TemporaryDirectory) throws {
        #expect(try ChildProcess("umount", ["-l", directory.path]).waitForExit() == 0)
    }

    @Test(
        "A disk that is full changes nothing, and goes on when it isn't any more; a start finds all that was committed")
    func recoversFromAFullDisk() throws {
        guard let directory = try FailureTests.mountSmall() else { return }
        defer { try? FailureTests.unmount(directory) }
        let path = directory.file("data")
        let store = try SQLiteStore.open(directory: path)
        TestFile.write([UInt8](repeating: 0, count: 500_000), to: directory.file("ballast"))
        let filled = try fillUp(store)
        // Also while it is full, what is there can be read.
        #expect(try Holdings(store).batches == filled.batches)
        unsafe unlink(directory.file("ballast"))
        try expectToGoOn(store, filled)
        let expected = try Holdings(store)
        store.close()
        let again = try SQLiteStore.open(directory: path)
        #expect(try Holdings(again) == expected)
        again.close()
    }

    @Test("A disk that is mounted read-only is named")
    func namesAReadOnlyDisk() throws {
        guard let directory = try FailureTests.mountSmall() else { return }
        defer { try? FailureTests.unmount(directory) }
        try withStore(directory) { try $0.commit(StoreWrite(JournalBatch(1))) }
        #expect(try ChildProcess("mount", ["-o", "remount,ro", directory.path]).waitForExit() == 0)
        let error = #expect(throws: StoreError.self) { try SQLiteStore.open(directory: directory.path) }
        #expect(error?.kind == "unwritable")
        #expect(error?.message.contains("Read-only file system") == true)
        // Who only looks needs not write there.
        let scratch = TemporaryDirectory()
        let (copy, _) = try SQLiteStore.openCopy(of: directory.path, in: scratch.path)
        #expect(try Holdings(copy).batches == [JournalBatch(1)])
        copy.close()
    }

    @Test(
        "What SQLite and the system report becomes what its kind needs: to try again, or to stop",
        arguments: [
            (10 | 4 << 8, EIO, "failed"), (10 | 4 << 8, ENOSPC, "failed"), (10 | 5 << 8, EIO, "failed"),
            (10 | 3 << 8, EIO, "failed"), (10 | 3 << 8, ENOSPC, "full"), (10 | 3 << 8, EDQUOT, "full"), (13, 0, "full"),
            (10 | 3 << 8, EROFS, "unwritable"), (14, EACCES, "unwritable"), (8, 0, "unwritable"),
            (11, 0, "damaged"), (26, 0, "damaged"), (1, 0, "damaged"), (10 | 2 << 8, 0, "failed"), (5, 0, "failed"),
            (7, ENOMEM, "failed"),
        ] as [(Int32, Int32, String)])
    func sortsErrors(code: Int32, systemError: Int32, kind: String) {
        let error = StoreError.database(code: code, systemError: systemError, "text", path: "there")
        #expect(error.kind == kind && error.message.contains("there"))
    }

    @Test("After an error that doesn't pass nothing more is committed, and the files stay for the next start")
    func stopsAfterAFailure() throws {
        let directory = TemporaryDirectory()
        let store = try SQLiteStore.open(directory: directory.path)
        try store.commit(StoreWrite(JournalBatch(1)))
        store.failure = .failed("the disk broke")
        #expect(throws: StoreError.failed("the disk broke")) { try store.commit(StoreWrite(JournalBatch(2))) }
        let files = directory.files
        store.close()
        #expect(directory.files == files)
        let found = try withStore(directory) { try Holdings($0) }
        #expect(found.batches == [JournalBatch(1)])
    }

    @Test("A directory that fibd may not write is named")
    func namesADirectoryWithoutPermission() async {
        await #expect(processExitsWith: .success) {
            let directory = TemporaryDirectory()
            // Permissions stop everyone but root.
            if geteuid() == 0 {
                #expect(unsafe chown(directory.path, 65_532, 65_532) == 0)
                #expect(seteuid(65_532) == 0)
            }
            #expect(unsafe chmod(directory.path, 0o500) == 0)
            let error = #expect(throws: StoreError.self) { try SQLiteStore.open(directory: directory.path) }
            #expect(error?.kind == "unwritable")
            #expect(error?.message.contains("Permission denied") == true)
            if getuid() == 0 { #expect(seteuid(0) == 0) }
            #expect(directory.names == [])
        }
    }

    @Test("A batch out of order stops the process before it is written")
    func refusesDisorder() async throws {
        let directory = TemporaryDirectory()
        await #expect(processExitsWith: .failure) { [path = directory.path as String] in
            let store = try SQLiteStore.open(directory: path)
            try store.commit(StoreWrite(JournalBatch(1, 5)))
            try store.commit(StoreWrite(JournalBatch(5, 6)))
        }
        let found = try withStore(directory) { try Holdings($0) }
        #expect(found.batches == [JournalBatch(1, 5)])
    }
}

/// Commits until there is no room, and returns what was committed and what was not.
private func fillUp(_ store: SQLiteStore) throws -> (batches: [JournalBatch], refused: StoreWrite) {
    var batches: [JournalBatch] = []
    store.pagesBeforeTidying = 20
    while batches.count < 10_000 {
        let number = UInt64(batches.count) + 1
        var write = StoreWrite(JournalBatch(number, bytes: 10_000))
        write.parts = (1, [part(1), part(2)])
        do {
            try store.commit(write)
            batches += write.batches
        } catch {
            #expect(error.kind == "full", "\(error)")
            #expect(throws: error) { try store.commit(write) }
            return (batches, write)
        }
        store.tidy()
    }
    Issue.record("there was room for everything")
    return (batches, StoreWrite())
}

private func expectToGoOn(
    _ store: SQLiteStore, _ filled: (batches: [JournalBatch], refused: StoreWrite)
) throws {
    #expect(filled.batches.count > 3)
    #expect(try Holdings(store).batches == filled.batches)
    try store.commit(filled.refused)
    #expect(try Holdings(store).batches == filled.batches + filled.refused.batches)
    #expect(store.integrityCheck() == [])
}
