/// Why a store can't be opened, read or written.
public enum StoreError: Error, Hashable, Sendable {
    /// There is no room on the disk, or a quota is used up. Nothing of the write was made; it can be tried again.
    case full(String)
    /// The disk refuses writes: mounted read-only, no permission, another owner. Nothing of the write was made; it can be
    /// tried again.
    case unwritable(String)
    /// The disk failed while something was being made durable: what is on it is unknown until the store is opened anew.
    case failed(String)
    /// What is there isn't what was written.
    case damaged(String)
    /// It is not a store of fibd's.
    case foreign(String)
    /// It was written by a newer version.
    case newer(String)
    /// Another process uses it.
    case locked(process: Int32?, String)

    /// What is wrong and what to do, for an operator.
    public var message: String {
        switch self {
        case .full(let text), .unwritable(let text), .failed(let text), .damaged(let text), .foreign(let text),
            .newer(let text), .locked(_, let text):
            text
        }
    }

    /// Whether the same write may succeed later.
    public var isPassing: Bool {
        switch self {
        case .full, .unwritable: true
        case .failed, .damaged, .foreign, .newer, .locked: false
        }
    }
}
