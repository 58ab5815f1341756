extension SQLiteStore {
    /// Opens a copy of the store of a directory, which shows what is wrong with it. The store itself isn't touched, and
    /// needs not be free: `user` names who has it open, if anyone has. For `fibd check`.
    ///
    /// - Parameter scratch: a directory with room for the copy, which goes with `close`.
    public static func openCopy(
        of directory: String, in scratch: String
    ) throws(StoreError) -> (store: SQLiteStore, user: String?) {
        let user = try DirectoryLock.holder(directory)
        guard try DatabaseFile.find("\(directory)/\(DatabaseFile.name)") else {
            throw .foreign("\(directory) has no store: there is no file \(DatabaseFile.name) in it, or an empty one")
        }
        return (try SQLiteStore(StoreCopy.make(of: directory, in: scratch)), user)
    }

    /// What is wrong with the store, in sentences; none if nothing is. Reads all of it.
    public func integrityCheck() -> [String] {
        var findings: [String] = []
        do {
            findings = try database.texts("PRAGMA integrity_check(\(SQLiteStore.findingsShown))")
                .filter { $0 != "ok" }
                .map { "SQLite finds: \($0)." }
        } catch { findings.append("\(error.message).") }
        do {
            try forEachPart({ _ in }, damage: { findings.append("\($0).") })
            try forEachBatch({ _ in }, damage: { findings.append("\($0).") })
        } catch { findings.append("\((error as? StoreError)?.message ?? "\(error)").") }
        let more = findings.count - SQLiteStore.findingsShown
        return more > 0 ? findings.prefix(SQLiteStore.findingsShown) + ["And \(more) more."] : findings
    }

    private static let findingsShown = 20
}
