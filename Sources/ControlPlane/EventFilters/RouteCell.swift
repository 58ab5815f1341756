internal import Addressing
internal import ChangeLog
internal import Routing

/// Filters of routes that ask for the same namespace, table and protocol, by what they ask of the prefix.
struct RouteCell: Sendable {
    private var everywhere: [Int] = []
    private var inet = PrefixTree<FilterNumbers>()
    private var inet6 = PrefixTree<FilterNumbers>()

    var isEmpty: Bool { everywhere.isEmpty && inet.count == 0 && inet6.count == 0 }

    mutating func insert(_ selection: RouteSelection, _ number: Int) {
        guard let prefixes = Self.prefixes(selection) else { return everywhere.append(number) }
        for prefix in prefixes { change(prefix) { $0 + [number] } }
    }

    mutating func remove(_ selection: RouteSelection, _ number: Int) {
        guard let prefixes = Self.prefixes(selection) else { return everywhere.removeAll { $0 == number } }
        for prefix in prefixes { change(prefix) { $0.filter { $0 != number } } }
    }

    /// The numbers of those that may select a route with this key.
    func forEach(_ family: AddressFamily, _ key: RouteKey, _ body: ([Int]) -> Void) {
        if !everywhere.isEmpty { body(everywhere) }
        let tree = family == .inet ? inet : inet6
        guard tree.count > 0 else { return }
        let prefix = key.prefix(family)
        tree.forEach(holding: prefix.address.high, prefix.address.low) { length, filters in
            if length <= Int(prefix.length) { body(filters.numbers) }
            return true
        }
    }

    /// Each of which holds no other; nil if they are all the same to the filter.
    private static func prefixes(_ selection: RouteSelection) -> [Prefix]? {
        if let within = selection.within { return RouteSelection.outermost(within) }
        return selection.families.map { Set($0).map(Prefix.default) }
    }

    private mutating func change(_ prefix: Prefix, _ body: ([Int]) -> [Int]) {
        if prefix.family == .inet { Self.change(&inet, prefix, body) } else { Self.change(&inet6, prefix, body) }
    }

    private static func change(
        _ tree: inout PrefixTree<FilterNumbers>, _ prefix: Prefix, _ body: ([Int]) -> [Int]
    ) {
        let (high, low, length) = (prefix.address.high, prefix.address.low, Int(prefix.length))
        let numbers = body(tree.value(high, low, length: length)?.numbers ?? [])
        tree.set(high, low, length: length, numbers.isEmpty ? nil : FilterNumbers(numbers))
    }
}

/// Of filters that ask for one prefix.
final class FilterNumbers: Sendable {
    let numbers: [Int]
    init(_ numbers: [Int]) { self.numbers = numbers }
}
