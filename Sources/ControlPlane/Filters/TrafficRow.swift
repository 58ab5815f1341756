internal import ChangeLog
internal import JSON
internal import Threads
internal import TrafficControl

/// Rows of listings: the entry's fields with what is so of it beside them, as `tc -json -s` prints that.
public struct TrafficRows: Sendable {
    private let tables: [String: ActionTables]
    /// In milliseconds since 1970.
    private let now: UInt64
    /// What is to be said of a filter that was just written.
    public var warning: String?
    /// Whether filters come without keys, and their actions without what they do (R4-114).
    public var isTerse = false

    fileprivate init(_ tables: [String: ActionTables], now: UInt64) {
        self.tables = tables
        self.now = now
    }

    public func append(_ object: TrafficObject, to bytes: inout [UInt8]) {
        var members = JSONMembers()
        members.add("namespace", text: object.namespace)
        switch object {
        case .filter(let proto, let filter): return append(object, proto, filter, to: &bytes)
        case .chain(let chain):
            members.add(chain.identity)
            if chain.isExplicit { members.add("explicit", true) }
            if let template = chain.template { members.add(template) }
        case .action(let namespace, let action):
            members.add(action.content, index: action.index)
            members.add(action.marks)
            add(action.content.kind, action.index, namespace, to: &members)
        }
        members.add("h") { $0.append(quoted: object.hash) }
        members.add("seq", number: object.version.rawValue)
        members.add("version", number: object.version.rawValue)
        members.append(to: &bytes)
    }

    /// In the order of the names, most of which the entry has.
    private func append(
        _ object: TrafficObject, _ proto: ProtoIdentity, _ filter: StoredFilter, to bytes: inout [UInt8]
    ) {
        var members = JSONMembers()
        members.add(proto.chain)
        members.add("namespace", text: object.namespace)
        members.add("pref", number: UInt64(proto.priority))
        members.add("protocol", text: proto.protocol.name)
        members.add("kind", text: proto.kind)
        members.add("handle", number: UInt64(filter.handle))
        members.add("options") {
            $0.append(contentsOf: isTerse ? filter.content.terseText(proto.kind) : filter.content.text)
        }
        if let warning { members.add("warn", text: warning) }
        if let hits = filter.content.options.hits { members.add("rule_hit", number: hits.count) }
        members.add(inHardware: filter.hardwareCount)
        members.add("actions") { append(filter.content.actions, object.namespace, to: &$0) }
        members.add("h") { $0.append(quoted: object.hash) }
        members.add("seq", number: object.version.rawValue)
        members.add("version", number: object.version.rawValue)
        members.append(to: &bytes)
    }

    /// With what they do: in a listing, no one wants to look each of them up.
    private func append(_ actions: [Action], _ namespace: String, to bytes: inout [UInt8]) {
        bytes.append(UInt8(ascii: "["))
        for (place, action) in actions.enumerated() {
            if place > 0 { bytes.append(UInt8(ascii: ",")) }
            var members = JSONMembers()
            members.add("order", number: UInt64(place) + 1)
            if isTerse {
                members.add("kind", text: action.kind)
                members.add("index", number: UInt64(action.index))
            } else {
                members.add(action.stored.content, index: action.index)
            }
            members.add(action.stored.marks)
            add(action, namespace, to: &members)
            members.append(to: &bytes)
        }
        bytes.append(UInt8(ascii: "]"))
    }

    private func add(_ kind: String, _ index: UInt32, _ namespace: String, to members: inout JSONMembers) {
        guard let action = tables[namespace]?[kind]?.action(index) else { return }
        add(action, namespace, to: &members)
    }

    /// Who has it, and what it has done (R4-99). Times are in seconds, as `tc` has them.
    private func add(_ action: Action, _ namespace: String, to members: inout JSONMembers) {
        if let holders = tables[namespace]?[action.kind]?.holders(action.index) {
            members.add("ref", number: UInt64(holders.references))
            members.add("bind", number: UInt64(holders.bindings))
        }
        let counters = action.counters
        members.add("installed", number: seconds(since: counters.installed))
        if counters.firstUsed > 0 {
            members.add("first_used", number: seconds(since: counters.firstUsed))
            members.add("last_used", number: seconds(since: counters.lastUsed))
        }
        let stats: [(String, UInt64)] = [
            ("backlog", 0), ("bytes", counters.bytes), ("drops", counters.drops), ("overlimits", 0),
            ("packets", counters.packets), ("qlen", 0), ("requeues", 0),
        ]
        members.add("stats") { bytes in
            for (place, (name, number)) in stats.enumerated() {
                bytes.appendASCII(place == 0 ? "{\"" : ",\"")
                bytes.appendASCII(name)
                bytes.appendASCII("\":")
                bytes.appendDecimal(number)
            }
            bytes.append(UInt8(ascii: "}"))
        }
    }

    private func seconds(since time: UInt64) -> UInt64 { now > time ? (now - time) / 1_000 : 0 }
}

extension [UInt8] {
    mutating func append(quoted hash: EntryHash) {
        append(UInt8(ascii: "\""))
        append(hash)
        append(UInt8(ascii: "\""))
    }
}

extension JSONMembers {
    /// How many devices have it (R4-82).
    mutating func add(inHardware count: Int) {
        if count == 0 { return add("not_in_hw", true) }
        add("in_hw", true)
        add("in_hw_count", number: UInt64(count))
    }
}

extension ControlPlane {
    /// What rows say of actions is as of when they are written.
    public var trafficRows: TrafficRows {
        let all = namespaces.withLock { $0 }
        return TrafficRows(
            Dictionary(uniqueKeysWithValues: all.map { ($0.name, $0.traffic.actions) }), now: clock())
    }

    /// The same for one namespace.
    public func trafficRows(of namespace: String) -> TrafficRows {
        let tables = (try? self.namespace(namespace)).map { [namespace: $0.traffic.actions] } ?? [:]
        return TrafficRows(tables, now: clock())
    }
}
