public import Atomics

/// What filters of a chain may compare: its makers promise hardware that there will be no more (R4-16, R4-17).
public final class ChainTemplate: AtomicReference, Sendable {
    public let kind: String
    public let `protocol`: EtherType
    public let options: any FilterOptions

    init(_ kind: String, _ protocol: EtherType, _ options: any FilterOptions) {
        self.kind = kind
        self.protocol = `protocol`
        self.options = options
    }
}
