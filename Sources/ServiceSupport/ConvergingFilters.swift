internal import Addressing
internal import ChangeLog
public import ControlPlane
internal import Routing

/// Filters that what `RandomWriter` writes means something to.
public enum ConvergingFilters {
    public static let all: [EventFilter] = {
        func filter(_ change: (inout EventFilter) -> Void) -> EventFilter {
            var filter = EventFilter()
            change(&filter)
            return filter
        }
        return [
            filter { _ in }, filter { $0.view = .best }, filter { $0.selection.families = [.inet6] },
            filter { $0.selection.protocols = [.bgp] }, filter { $0.selection.namespaces = ["blue"] },
            filter { $0.selection.tables = [TableID(rawValue: 100)] }, filter { $0.kinds = [.namespace] },
            filter { $0.selection.within = [Prefix(unchecked: IPAddress(inet: 10 << 24), 8)] },
            filter { $0.kinds = [.device] },
            filter { $0.kinds = Set(ObjectKind.allCases) }, filter { $0.kinds = [.peer] },
            filter {
                $0.kinds = [.peer, .neigh]
                $0.selection.families = [.inet6]
            },
            filter {
                $0.kinds = Set(ObjectKind.allCases)
                $0.selection.namespaces = ["blue"]
            },
            filter {
                $0.view = .best
                $0.selection.protocols = [.static, .kernel]
                $0.selection.within = [Prefix(unchecked: IPAddress(inet: 10 << 24), 8), .default(.inet6)]
            },
        ]
    }()
}
