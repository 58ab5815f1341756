public import ChangeLog

extension RouteTable {
    /// In the tree instead of an info, where that doesn't say all: of a prefix with several routes, or whose one has a tos.
    static let several = RouteInfo(RouteInfo.Fields())

    /// Nil as long as no one has asked for it.
    public var prefixes: RoutePrefixes? { index.tree }

    /// Whether no one has asked for an index yet.
    public var isWithoutIndex: Bool { index.tree == nil && index.noted == nil }

    /// From now on, what changes is noted; the tree is to be made of a copy of the table as it is now.
    public mutating func beginIndex() { index.noted = [] }

    /// Of the table as it is. O(routes).
    public func makeIndex() -> RoutePrefixes {
        var tree = RoutePrefixes()
        var cursor = image.cursor()
        var previous: RouteKey?
        while let (key, route) = cursor.next() {
            let isFirst = !(previous?.isSamePrefix(as: key) ?? false)
            tree.set(key.prefix(family), isFirst && key.tos == 0 ? route.info : Self.several)
            previous = key
        }
        return tree
    }

    /// Ends what `beginIndex` began: makes good in the tree what has changed meanwhile.
    public mutating func endIndex(_ made: RoutePrefixes) {
        guard let keys = index.noted else { preconditionFailure("no one has begun to make an index") }
        var tree = made
        for key in keys { tree.set(key.prefix(family), value(of: key)) }
        index = PrefixIndex(tree: tree)
    }

    /// What the tree has for the prefix of a key.
    private func value(of key: RouteKey) -> RouteInfo? {
        guard let first = first(of: key) else { return nil }
        return first.key.tos == 0 && second(of: first.key) == nil ? first.value.info : Self.several
    }

    // MARK: Changing both

    /// What was at the key before.
    @discardableResult
    mutating func insert(_ route: StoredRoute, for key: RouteKey) -> StoredRoute? {
        assert(route.info.fields.metric == key.metric, "an info of metric \(route.info.fields.metric) at \(key.metric)")
        let former = image.insert(route, for: key)
        if former?.info !== route.info {
            note(key, route.info, isNew: former == nil)
            if let former {
                count(-1, former.info)
                forgetExpiry(of: former, at: key)
            }
            count(1, route.info)
            noteExpiry(of: route, at: key)
        }
        return former
    }

    /// What was at the key.
    @discardableResult
    mutating func remove(_ key: RouteKey) -> StoredRoute? {
        let former = image.remove(key)
        if let former {
            note(key, nil, isNew: false)
            count(-1, former.info)
            forgetExpiry(of: former, at: key)
        }
        return former
    }

    /// After the image has changed at a key, where the info is another one now, or there is none any more.
    mutating func note(_ key: RouteKey, _ info: RouteInfo?, isNew: Bool) {
        index.noted?.append(key)
        guard index.tree != nil else { return }
        let prefix = key.prefix(family)
        let former = index.tree?.set(prefix, key.tos == 0 ? info : info.map { _ in Self.several })
        // Others of the prefix may be there.
        guard former === Self.several || isNew && former != nil else { return }
        let value = value(of: key)
        index.tree?.set(prefix, value)
    }

    /// Stops the process if the tree says something else than the image.
    func _checkPrefixes() {
        guard let prefixes else { return }
        var cursor = image.cursor()
        var (count, previous) = (0, nil as RouteKey?)
        while let (key, _) = cursor.next() {
            defer { previous = key }
            if previous?.isSamePrefix(as: key) ?? false { continue }
            precondition(prefixes[key.prefix(family)] === value(of: key), "another value of a prefix")
            count += 1
        }
        precondition(prefixes.count == count, "\(prefixes.count) prefixes in the tree, \(count) in the image")
    }
}
