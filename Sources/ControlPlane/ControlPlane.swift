public import ChangeLog
internal import JSON
public import Routing
internal import Threads

/// The running system: all namespaces and their tables, the gate that every change goes through, and the history.
///
/// Safe to use from any thread. Lock order: gate, namespaces, one namespace, log.
public final class ControlPlane: Sendable {
    public struct Limits: Sendable {
        /// Bytes of retained history.
        public var logBytes: Int
        public var namespaces = 4_096
        public init(logBytes: Int) { self.logBytes = logBytes }
    }

    /// Names this history: another one means that all numbers from before are void. 16 hexadecimal digits.
    public let epoch: String
    public let log: Log<Change>
    let limits: Limits
    let gate = Gate()
    /// Sorted by name.
    let namespaces = Locked<[Namespace]>([], rank: .namespaces)
    private let onCommit = Locked(CommitHook(action: {}), rank: .leaf)

    /// A closure in a struct: one that is stored bare behind a generic lock gets wrapped in another thunk by every
    /// access, and the chain of them is run through at every call.
    private struct CommitHook {
        let action: @Sendable () -> Void
    }

    public init(limits: Limits) {
        self.limits = limits
        log = Log(byteLimit: limits.logBytes)
        var random = SystemRandomNumberGenerator()
        var digits: [UInt8] = []
        digits.appendHex(random.next(), digits: 16)
        epoch = String(decoding: digits, as: UTF8.self)
        createDefaultNamespace()
    }

    /// Called after every commit, on the thread that made it, with no lock of the core held. It must not block.
    public func whenCommitted(_ action: @escaping @Sendable () -> Void) {
        onCommit.withLock { $0 = CommitHook(action: action) }
    }

    func committed() {
        onCommit.withLock { $0 }.action()
    }

    /// The whole state as of one number. Waits for writes that are half done; holds the gate for microseconds.
    public func snapshot() -> Snapshot {
        gate.withExclusive { snapshotWithinGate() }
    }

    func snapshotWithinGate() -> Snapshot {
        let all = namespaces.withLock { $0 }
        let parts = all.map { namespace in
            namespace.state.withLock { state in
                Snapshot.Namespace(
                    name: namespace.name, stored: state.isClosing ? nil : state.stored, tables: state.tables)
            }
        }
        return Snapshot(sequence: log.head, namespaces: parts)
    }

    func namespace(_ name: String) throws(FIBError) -> Namespace {
        let found: Namespace? = namespaces.withLock { all in
            let place = all.firstIndex(atOrAfter: name)
            return place < all.count && all[place].name == name ? all[place] : nil
        }
        guard let found else { throw Self.namespaceNotFound(name) }
        return found
    }

    public static func namespaceNotFound(_ name: String) -> FIBError {
        FIBError(
            .enoent, .namespaceNotFound, "there is no namespace '\(name)'; create it with PUT /v1/namespaces/\(name)")
    }
}

extension Array where Element == Namespace {
    func firstIndex(atOrAfter name: String) -> Int {
        var low = 0
        var high = count
        while low < high {
            let middle = (low + high) / 2
            if self[middle].name < name { low = middle + 1 } else { high = middle }
        }
        return low
    }
}
