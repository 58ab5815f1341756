/// Why a change to the FIB was refused. When one is thrown, nothing has changed.
public struct FIBError: Error, Hashable, Sendable {
    /// The errno that the kernel gives for this refusal: the `code` of an error body.
    public enum Errno: String, CaseIterable, Sendable {
        case eexist = "EEXIST"
        case enoent = "ENOENT"
        case esrch = "ESRCH"
        case einval = "EINVAL"
        case eopnotsupp = "EOPNOTSUPP"
        case enodev = "ENODEV"
        case eperm = "EPERM"
        case enobufs = "ENOBUFS"
        case ebusy = "EBUSY"
        case estale = "ESTALE"
        case enospc = "ENOSPC"
        case enetunreach = "ENETUNREACH"
        case ehostunreach = "EHOSTUNREACH"
        case enetdown = "ENETDOWN"
        case eacces = "EACCES"
    }

    /// What exactly was wrong: the `reason` of an error body, stable between releases.
    public enum Reason: String, CaseIterable, Sendable {
        case routeExists = "route-exists"
        case routeNotFound = "route-not-found"
        case routeTypeUnsupported = "route-type-unsupported"
        case routeTypeHasNextHop = "route-type-has-nexthop"
        case scopeInvalid = "scope-invalid"
        case tosInvalid = "tos-invalid"
        case addressInvalid = "address-invalid"
        case familyMismatch = "family-mismatch"
        case gatewayInvalid = "gateway-invalid"
        case nextHopMissing = "nexthop-missing"
        case nextHopDuplicate = "nexthop-duplicate"
        case nextHopConflict = "nexthop-conflict"
        case expiryInvalid = "expiry-invalid"
        case nextHopInvalid = "nexthop-invalid"
        case nextHopExists = "nexthop-exists"
        case nextHopNotFound = "nexthop-not-found"
        case nextHopBusy = "nexthop-busy"
        case nextHopObjectUnknown = "nexthop-object-unknown"
        case weightInvalid = "weight-invalid"
        case metricsInvalid = "metrics-invalid"
        case deviceMissing = "device-missing"
        case tooManyRoutes = "too-many-routes"
        case tableInvalid = "table-invalid"
        case namespaceNotFound = "namespace-not-found"
        case namespacePermanent = "namespace-permanent"
        case namespaceBusy = "namespace-busy"
        case namespaceNameInvalid = "namespace-name-invalid"
        case tooManyNamespaces = "too-many-namespaces"
        case settingInvalid = "setting-invalid"
        case unsupported = "unsupported"
        case versionMismatch = "version-mismatch"
        case countMismatch = "count-mismatch"
        case notAdmitted = "not-admitted"
        case alreadyRegistered = "already-registered"
        case registrationBusy = "registration-busy"
        case deviceGone = "device-gone"
        case deviceExists = "device-exists"
        case deviceNameInvalid = "device-name-invalid"
        case deviceNotFound = "device-not-found"
        case tooManyDevices = "too-many-devices"
        case notFirst = "not-first"
        case nothingToRetry = "nothing-to-retry"
        case reportStale = "report-stale"
        case linkInvalid = "link-invalid"
        case linkNotFound = "link-not-found"
        case peerNotFound = "peer-not-found"
        case pathMessageInvalid = "path-message-invalid"
        case cachedRouteNotFound = "cached-route-not-found"
        case tooManyCachedRoutes = "too-many-cached-routes"
        case noRoute = "no-route"
        case linkDown = "link-down"
        case gatewayUnreachable = "gateway-unreachable"
        case sourceInvalid = "source-invalid"
        case ruleInvalid = "rule-invalid"
        case ruleExists = "rule-exists"
        case ruleNotFound = "rule-not-found"
        case neighbourNotFound = "neighbour-not-found"
        case neighbourInvalid = "neighbour-invalid"
        case objectExists = "object-exists"
        case tooManyObjects = "too-many-objects"
        case tooManyDestinations = "too-many-destinations"
        case listenerNotFound = "listener-not-found"
        case listenerExists = "listener-exists"
        case listenerNameInvalid = "listener-name-invalid"
        case tooManyListeners = "too-many-listeners"
        case filterInvalid = "filter-invalid"
        case filterExists = "filter-exists"
        case filterNotFound = "filter-not-found"
        case qdiscInvalid = "qdisc-invalid"
        case qdiscExists = "qdisc-exists"
        case qdiscNotFound = "qdisc-not-found"
        case blockInvalid = "block-invalid"
        case blockNotFound = "block-not-found"
        case chainInvalid = "chain-invalid"
        case chainExists = "chain-exists"
        case chainNotFound = "chain-not-found"
        case actionNotFound = "action-not-found"
        case actionInUse = "action-in-use"
        case kindUnknown = "kind-unknown"
        case actionInvalid = "action-invalid"
        case actionExists = "action-exists"
        case storeFull = "store-full"
        case storeFailed = "store-failed"
        case storeBusy = "store-busy"
    }

    public let errno: Errno
    public let reason: Reason
    /// One sentence for a person: what, on which object, and what to do. May change between releases.
    public let message: String
    /// The number of the rule in the specification that decided, such as `R1-62`.
    public let rule: String?

    public init(_ errno: Errno, _ reason: Reason, _ message: String, rule: String? = nil) {
        self.errno = errno
        self.reason = reason
        self.message = message
        self.rule = rule
    }
}
