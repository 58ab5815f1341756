import ChangeLog
import Routing
import Threads

@testable import TrafficControl

/// Keeps what it is told, as a log does.
final class RecordingHost: TrafficHost {
    private let changes = Locked<[TrafficChange]>([], rank: .leaf)

    func hash(_ entry: TrafficEntry) -> EntryHash {
        let text =
            switch entry {
            case .chain(let chain, let template, _): "chain \(chain.index) \(template?.kind ?? "")"
            // Its options in words would take most of a test's time.
            case .filter(let proto, let content, let handle):
                "filter \(proto.chain.index)/\(proto.priority)/\(handle) \(content.actions.count)"
            case .action(let content, let index, _): "\(content.kind) \(index)"
            }
        let bytes = Array(text.utf8)
        return EntryHash(of: bytes.span)
    }

    func text(of options: any FilterOptions, _ flags: FilterFlags, classID: UInt32, kind: String) -> [UInt8] { [] }

    func commit(_ count: Int, because: ChangeSequence?, _ make: (Int, ChangeSequence) -> TrafficChange) {
        changes.withLock { changes in
            for index in 0..<count { changes.append(make(index, ChangeSequence(rawValue: UInt64(changes.count) + 1))) }
        }
    }

    func pause() {}
    var isNumbering: Bool { true }
    var now: UInt64 { 1_000 }

    var all: [TrafficChange] { changes.withLock { $0 } }

    /// What it was told leads to blocks, which have it.
    func forget() { changes.withLock { $0 = [] } }
}

/// The filters of one block, and what is told of them.
final class TrafficLab: Sendable {
    let host = RecordingHost()
    let gate = Gate()
    let traffic: Traffic
    let block: Block
    /// How many changes were told the last time.
    private let told = Locked(0, rank: .leaf)

    deinit { host.forget() }

    init(isSerial: Bool = false) {
        traffic = Traffic(host, gate: gate, global: Traffic.GlobalLock(), isSerial: isSerial)
        block = traffic.addBlock(BlockIdentity(namespace: "default", .shared(22)))
    }

    /// Packets of a link come into the block, with hardware behind it or without.
    func bind(_ link: String = "eth0", isOffloaded: Bool = true) throws {
        traffic.setLink(link, isOffloaded: isOffloaded)
        block.bind(Binding(link, .ingress))
        try traffic.update(block)
    }

    /// A filter for TCP to a port.
    static func flower(_ port: Int, _ fill: (inout FilterWrite) -> Void = { _ in }) -> FilterWrite {
        var write = FilterWrite()
        write.kind = "flower"
        write.protocol = .ip
        write.options = ["keys": .object(["ip_proto": .text("tcp"), "dst_port": .number(UInt64(port))])]
        fill(&write)
        return write
    }

    static func matchall(_ fill: (inout FilterWrite) -> Void = { _ in }) -> FilterWrite {
        var write = FilterWrite()
        write.kind = "matchall"
        write.protocol = .all
        write.options = [:]
        fill(&write)
        return write
    }

    /// What it came to, or the errno and the rule.
    static func outcome(_ body: () throws(FIBError) -> String) -> String {
        do throws(FIBError) {
            return try body()
        } catch {
            return "\(error.errno.rawValue) \(error.rule ?? "")"
        }
    }

    /// The place of the filter.
    func write(_ write: FilterWrite) -> String {
        Self.outcome { () throws(FIBError) in
            let result = try traffic.write(write, in: block)
            return "\(result.proto.chain.index)/\(result.proto.priority)/\(result.new.handle)"
        }
    }

    /// How many are gone.
    func delete(_ fill: (inout FilterSelector) -> Void) -> String {
        var selector = FilterSelector()
        fill(&selector)
        return Self.outcome { () throws(FIBError) in "\(try traffic.delete(selector, in: block))" }
    }

    /// What was told since the last time.
    func news() -> [String] {
        let all = host.all
        let start = told.withLock { told in
            defer { told = all.count }
            return told
        }
        return all[start...].map(Self.text)
    }

    private static func text(_ change: TrafficChange) -> String {
        func verb(_ old: Any?, _ new: Any?) -> String { old == nil ? "+" : new == nil ? "-" : "~" }
        switch change {
        case .chain(let old, let new): return verb(old, new) + "chain \((new ?? old)?.identity.index ?? 0)"
        case .filter(let proto, let old, let new):
            return verb(old, new) + "filter \(proto.chain.index)/\(proto.priority)/\((new ?? old)?.handle ?? 0)"
        case .action(_, let old, let new):
            return verb(old, new) + "\((new ?? old)?.content.kind ?? "") \((new ?? old)?.index ?? 0)"
        }
    }

    /// What is there, by the listing and by all that was told: the two must agree, and all counts must be exact.
    func check() {
        traffic._checkInvariants()
        precondition(listed() == folded(), "\(listed().symmetricDifference(folded()))")
    }

    private func listed() -> Set<String> {
        var found: Set<String> = []
        for (chain, protos) in block.contents.chains {
            found.insert("chain \(chain.identity.index) \(chain.version.rawValue)")
            for (proto, filters) in protos {
                for filter in filters { found.insert(Self.name(proto, filter)) }
            }
        }
        for kind in ActionContent.kinds {
            var cursor = traffic.actions[kind]?.image.cursor()
            while let (_, action) = cursor?.next() { found.insert(Self.name(action)) }
        }
        return found
    }

    private static func name(_ proto: ProtoIdentity, _ filter: StoredFilter) -> String {
        "filter \(proto.chain.index)/\(proto.priority)/\(filter.handle) \(filter.version.rawValue)"
    }

    private static func name(_ action: StoredAction) -> String {
        "\(action.content.kind) \(action.index) \(action.version.rawValue)"
    }

    /// Each change must be of what there was before it.
    private func folded() -> Set<String> {
        var found: Set<String> = []
        func fold(_ old: String?, _ new: String?) {
            if let old { precondition(found.remove(old) != nil, "\(old) changed, which wasn't there") }
            if let new { precondition(found.insert(new).inserted, "\(new) came twice") }
        }
        for change in host.all {
            switch change {
            case .chain(let old, let new):
                fold(
                    old.map { "chain \($0.identity.index) \($0.version.rawValue)" },
                    new.map { "chain \($0.identity.index) \($0.version.rawValue)" })
            case .filter(let proto, let old, let new):
                fold(old.map { Self.name(proto, $0) }, new.map { Self.name(proto, $0) })
            case .action(_, let old, let new): fold(old.map(Self.name), new.map(Self.name))
            }
        }
        return found
    }
}

extension FlowMembers {
    func without(_ names: String...) -> FlowMembers {
        var others = self
        for name in names { others[name] = nil }
        return others
    }
}
