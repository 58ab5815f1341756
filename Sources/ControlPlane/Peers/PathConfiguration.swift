public import Addressing
public import PathAttributes

/// What of path messages a namespace believes, and how many peers it keeps.
public struct PathConfiguration: Hashable, Sendable {
    public var inet = PathSettings(.inet)
    public var inet6 = PathSettings(.inet6)
    public var limits = PeerLimits()
    public var guards = PathGuards()

    public init() {}

    public subscript(_ family: AddressFamily) -> PathSettings {
        get { family == .inet ? inet : inet6 }
        set { if family == .inet { inet = newValue } else { inet6 = newValue } }
    }
}
