internal import ChangeLog
internal import Routing
internal import Threads

/// The actions of a filter that is being made: held, and given back if it comes to nothing.
struct HeldActions {
    private struct New {
        let action: Action
        let content: ActionContent
        let marks: ActionMarks
        let target: Chain?
        let hash: EntryHash
    }

    private(set) var actions: [Action] = []
    private var new: [New] = []
    private var shared: [Action] = []
    private let traffic: Traffic
    private let block: Block
    private let flags: FilterFlags
    private var tables: ActionTables { traffic.actions }
    /// The first that no hardware does (R4-84).
    private(set) var unsupported: Action?

    /// Throws what the kernel refuses; nothing is held then.
    ///
    /// - Parameter flags: of the filter, which what is made for it has too (R4-88).
    init(
        _ drafts: [ActionDraft], _ flags: FilterFlags, in block: Block, of traffic: Traffic
    ) throws(Refusal) {
        self.traffic = traffic
        self.block = block
        self.flags = flags.intersection([.skipHW, .skipSW])
        guard drafts.count <= ActionRun.limit else {
            throw .error(
                FIBError(.einval, .actionInvalid, "a filter has at most \(ActionRun.limit) actions", rule: "R4-54"))
        }
        for draft in drafts {
            do throws(Refusal) {
                try add(draft)
            } catch {
                giveBack()
                throw error
            }
        }
    }

    private mutating func add(_ draft: ActionDraft) throws(Refusal) {
        guard let table = tables[draft.kind] else {
            throw .error(
                FIBError(.enoent, .kindUnknown, "there is no kind of action '\(draft.kind)'", rule: "R4-97"))
        }
        // One that it has just made is not there to be shared yet.
        if let index = draft.index, new.contains(where: { ($0.action.kind, $0.action.index) == (draft.kind, index) }) {
            throw .error(
                FIBError(
                    .eexist, .actionExists, "the filter itself makes \(draft.kind) \(index) already", rule: "R4-95"))
        }
        let (action, isNew) = try table.hold(draft.index, isThere: draft.content == nil)
        actions.append(action)
        guard isNew, let content = draft.content else {
            shared.append(action)
            return try Refusal.of { () throws(FIBError) in try check(action) }
        }
        do throws(FIBError) {
            try traffic.checkTarget(of: content)
        } catch {
            table.free(action.index)
            throw .error(error)
        }
        if !content.isForHardware { unsupported = unsupported ?? action }
        let target = content.target.map { block.holdCreating($0, as: .action) }
        var marks = draft.marks
        marks.flags = flags
        let hash = block.host.hash(.action(content, index: action.index, marks))
        new.append(New(action: action, content: content, marks: marks, target: target, hash: hash))
    }

    /// One that is there must be for software or hardware as the filter is (R4-88).
    private mutating func check(_ action: Action) throws(FIBError) {
        let stored = action.stored
        if !stored.content.isForHardware { unsupported = unsupported ?? action }
        guard stored.marks.flags != flags else { return }
        throw FIBError(
            .einval, .actionInvalid,
            "\(action.kind) \(action.index) has other skip_hw and skip_sw than the filter", rule: "R4-88")
    }

    /// How many changes they come to.
    var count: Int { new.count }

    /// The change that makes one of them, with its number.
    func change(_ index: Int, _ number: ChangeSequence) -> TrafficChange {
        let new = new[index]
        let stored = StoredAction(
            new.action.index, new.content, new.marks, isOwn: false, new.target, version: number, hash: new.hash)
        new.action.set(stored)
        return .action(new.action, old: nil, new: stored)
    }

    /// Their filter is there.
    func settle() { for new in new { tables.table(of: new.action).settle(new.action) } }

    /// Their filter came to nothing. No lock may be held.
    func giveBack() {
        for new in new {
            tables.table(of: new.action).free(new.action.index)
            if let target = new.target { target.block.letGo(target, as: .action) }
        }
        let gone = tables.releases.withLock { _ in
            let gone = ReleasedActions(shared, tables)
            if gone.count > 0 { block.host.commit(gone.count) { index, _ in gone.change(index) } }
            return gone
        }
        gone.end()
    }
}

/// The actions of a filter that is gone, or is another one now.
struct ReleasedActions {
    private let tables: ActionTables
    /// Those that no one else holds.
    private let gone: [(action: Action, stored: StoredAction, table: ActionTable)]

    /// Under the lock of releases, which is held until the changes are numbered.
    init(_ actions: [Action], _ tables: ActionTables) {
        self.tables = tables
        gone = actions.compactMap { action in
            let table = tables.table(of: action)
            return table.release(action).map { (action, $0, table) }
        }
    }

    var count: Int { gone.count }

    func change(_ index: Int) -> TrafficChange {
        .action(gone[index].action, old: gone[index].stored, new: nil)
    }

    /// After that was told, and with no lock of a chain, a block or a proto held.
    func end() {
        for (action, stored, table) in gone {
            table.free(action.index)
            if let chain = stored.chain { chain.block.letGo(chain, as: .action) }
        }
    }
}
