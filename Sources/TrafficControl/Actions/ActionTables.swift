internal import ChangeLog
internal import Routing
internal import Threads

/// The actions of a namespace, by kind.
public final class ActionTables: Sendable {
    private let tables: [String: ActionTable]
    /// Whoever lets go of an action holds it until that is numbered, so that no one has the action go before (R4-96).
    let releases = Locked((), rank: .releases)

    init(_ host: any TrafficHost) {
        tables = Dictionary(uniqueKeysWithValues: ActionContent.kinds.map { ($0, ActionTable($0, host)) })
    }

    /// Nil for a kind that there isn't.
    public subscript(kind: String) -> ActionTable? { tables[kind] }

    /// No one will ask for them again: chains that they lead to may be of blocks that are gone.
    func dismantle() {
        for table in tables.values {
            var cursor = table.image.cursor()
            while let (_, stored) = cursor.next() { stored.chain?.block.dismantle() }
        }
    }

    func table(of action: Action) -> ActionTable {
        guard let table = tables[action.kind] else { preconditionFailure("an action of a kind that isn't there") }
        return table
    }
}

/// An action as a request says it.
public struct ActionDraft: Sendable {
    public let kind: String
    /// Nil for one that is there already, whatever it does.
    public let content: ActionContent?
    /// Nil for the first that is free.
    public var index: UInt32?

    /// Of one that a filter is made with, the filter's flags count.
    public var marks = ActionMarks()

    public init(_ content: ActionContent, index: UInt32? = nil) {
        kind = content.kind
        self.content = content
        self.index = index
    }

    /// One that is there already.
    public init(_ kind: String, index: UInt32) {
        self.kind = kind
        content = nil
        self.index = index
    }
}
