internal import Addressing
internal import Routing

/// The rules of a namespace, which of each family has its own (R1-01).
struct RulesByFamily: Sendable {
    private var inet = PolicyRules()
    private var inet6 = PolicyRules()

    subscript(_ family: AddressFamily) -> PolicyRules {
        get { family == .inet ? inet : inet6 }
        _modify { if family == .inet { yield &inet } else { yield &inet6 } }
    }
}
