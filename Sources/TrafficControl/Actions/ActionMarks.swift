public import Routing

/// What is said of an action besides what it does.
public struct ActionMarks: Hashable, Sendable {
    /// Whether it is for software or for hardware alone (R4-88).
    public var flags: FilterFlags = []
    /// Whether all processors count in one place, where the kernel would have one for each (`TCA_ACT_FLAGS_NO_PERCPU_STATS`). Here it
    /// changes nothing.
    public var hasOneCounter = false
    /// Up to 16 bytes that mean something to who put them there (`TCA_ACT_COOKIE`); empty for none.
    public private(set) var cookie: [UInt8] = []

    public init() {}

    /// Throws EINVAL for more than 16 bytes.
    public mutating func set(cookie: [UInt8]) throws(FIBError) {
        guard cookie.count <= 16 else {
            throw FIBError(.einval, .actionInvalid, "a cookie has at most 16 bytes, and not \(cookie.count)")
        }
        self.cookie = cookie
    }

    /// With the cookie that there was if none is said; whom an action is for filters go by, so that this stays.
    func replacing(_ old: ActionMarks) -> ActionMarks {
        var marks = old
        if !cookie.isEmpty { marks.cookie = cookie }
        return marks
    }
}
