public import Addressing
internal import Bytes
internal import ChangeLog
internal import JSON
public import Routing

/// The canonical bytes of an entry but for what differs between the routes of one table that share an info: prefix,
/// metric and tos, and in a row of a listing the status fields.
///
/// A table has many routes and few infos, so most of an entry's text need be made only once.
public final class EntryTemplate: Sendable {
    private let text: [UInt8]
    // Where, in `text`, the text goes on behind …
    /// … the prefix.
    private let prefix: Int
    /// … `h` and `hw`.
    private let hash: Int
    /// … the metric.
    private let metric: Int
    /// … `seq`.
    private let sequence: Int
    /// … `tos`.
    private let tos: Int
    /// … `version`.
    private let version: Int

    init(_ table: TableIdentity, _ info: RouteInfo) {
        var text: [UInt8] = []
        text.reserveCapacity(192)
        let fields = info.fields
        let hops = fields.nextHops
        let single = hops.count == 1 ? hops[0] : nil
        text.append(UInt8(ascii: "{"))
        if let single, !single.device.isEmpty {
            text.append(literal: "\"dev\":")
            text.appendJSON(string: single.device)
            text.append(UInt8(ascii: ","))
        }
        text.append(literal: "\"dst\":\"")
        prefix = text.count
        text.append(literal: table.family == .inet ? "\",\"family\":\"inet\"" : "\",\"family\":\"inet6\"")
        if let single {
            text.appendFlags(of: single)
            text.appendGateway(of: single, table.family)
        }
        hash = text.count
        text.append(literal: ",\"metric\":")
        metric = text.count
        text.appendMetrics(fields.metrics)
        text.append(contentsOf: table.namespaceMember)
        if hops.count > 1 { text.append(hops, table.family) }
        if fields.preference != .medium { text.append(",\"pref\":\"", text: fields.preference.name) }
        if let source = fields.preferredSource { text.append(",\"prefsrc\":\"", source) }
        text.append(",\"protocol\":\"", text: fields.protocol.name)
        if fields.scope != .global { text.append(",\"scope\":\"", text: fields.scope.name) }
        sequence = text.count
        text.append(contentsOf: table.tableMember)
        tos = text.count
        text.append(",\"type\":\"", text: fields.type.name)
        version = text.count
        if let single {
            text.appendVia(of: single, table.family)
            if single.weight != 1 { text.append(",\"weight\":", number: UInt64(single.weight)) }
        }
        text.append(UInt8(ascii: "}"))
        self.text = text
    }

    /// Room that `write` needs.
    public var room: Int { text.count + 128 }

    /// The entry: what is hashed.
    public func write(_ key: RouteKey, _ family: AddressFamily, to output: inout OutputSpan<UInt8>) {
        let whole = self.text
        let text = whole.span
        output.append(copying: text.extracting(..<prefix))
        key.prefix(family).write(to: &output)
        output.append(copying: text.extracting(prefix..<metric))
        output.append(decimal: UInt64(key.metric))
        guard key.tos != 0 else { return output.append(copying: text.extracting(metric...)) }
        output.append(copying: text.extracting(metric..<tos))
        writeTos(key, &output)
        output.append(copying: text.extracting(tos...))
    }

    /// A row of a listing: the entry's fields with the status fields beside them, sorted together.
    ///
    /// - Parameter hardware: also say what hardware makes of it. There is no device, so that is always nothing.
    func appendRow(_ route: PlacedRoute, _ family: AddressFamily, hardware: Bool, to bytes: inout [UInt8]) {
        let number = route.value.version.rawValue
        bytes.append(addingCapacity: room + 192) { output in
            let whole = self.text
            let text = whole.span
            output.append(copying: text.extracting(..<prefix))
            route.key.prefix(family).write(to: &output)
            output.append(copying: text.extracting(prefix..<hash))
            output.append(literal: ",\"h\":\"")
            output.append(route.value.hash)
            output.append(UInt8(ascii: "\""))
            if hardware {
                output.append(literal: ",\"hw\":{\"reason\":\"no-device\",\"state\":\"none\",\"version\":")
                output.append(decimal: number)
                output.append(UInt8(ascii: "}"))
            }
            output.append(copying: text.extracting(hash..<metric))
            output.append(decimal: UInt64(route.key.metric))
            output.append(copying: text.extracting(metric..<sequence))
            output.append(literal: ",\"seq\":")
            output.append(decimal: number)
            output.append(copying: text.extracting(sequence..<tos))
            if route.key.tos != 0 { writeTos(route.key, &output) }
            output.append(copying: text.extracting(tos..<version))
            output.append(literal: ",\"version\":")
            output.append(decimal: number)
            output.append(copying: text.extracting(version...))
        }
    }

    private func writeTos(_ key: RouteKey, _ output: inout OutputSpan<UInt8>) {
        output.append(literal: ",\"tos\":")
        output.append(decimal: key.tos)
    }
}
