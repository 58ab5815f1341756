internal import Addressing
internal import Bytes
internal import JSON
internal import Platform
internal import Routing

/// The canonical bytes of an entry but for what differs between the routes of one table that share an info: prefix,
/// metric and tos, and in a row of a listing the status fields.
///
/// A table has many routes and few infos, so most of an entry's text need be made only once. The text itself stands in an
/// array that many templates share, and a template says where: plain numbers, so that to look one up, for every row of a
/// replay, counts no reference.
@frozen public struct EntryTemplate: BitwiseCopyable, Sendable {
    @usableFromInline let start: UInt32
    // Where the text goes on behind …
    /// … the prefix.
    @usableFromInline let prefix: UInt32
    /// … `h` and `hw`.
    @usableFromInline let hash: UInt32
    /// … the metric.
    @usableFromInline let metric: UInt32
    /// … `seq`.
    @usableFromInline let sequence: UInt32
    /// … `tos`.
    @usableFromInline let tos: UInt32
    /// … `version`.
    @usableFromInline let version: UInt32
    @usableFromInline let end: UInt32
    /// When the route expires, in milliseconds since 1970, of which rows say how long that is from now; 0 for never.
    @usableFromInline let expiresAt: UInt64

    /// Appends the text to `text`.
    ///
    /// - Parameters:
    ///   - status: flags that a row has beside those of the entry.
    ///   - legs: likewise, of each leg.
    init(
        _ table: TableIdentity, _ info: RouteInfo, _ status: HardwareFlags = [], _ legs: [LegStatus]? = nil,
        in text: inout [UInt8]
    ) {
        start = UInt32(text.count)
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
        prefix = UInt32(text.count)
        expiresAt = fields.expiresAt
        if expiresAt != 0 {
            text.append(literal: "\",\"expires_at\":\"")
            WallClock.append(milliseconds: expiresAt, to: &text)
        }
        text.append(literal: table.family == .inet ? "\",\"family\":\"inet\"" : "\",\"family\":\"inet6\"")
        text.appendFlags(single?.flags ?? [], single == nil ? [] : legs?.first ?? [], status)
        if let single {
            text.appendGateway(of: single, table.family)
        }
        hash = UInt32(text.count)
        text.append(literal: ",\"metric\":")
        metric = UInt32(text.count)
        text.appendMetrics(fields.metrics)
        text.append(contentsOf: table.namespaceMember)
        if hops.count > 1 { text.append(hops, legs, table.family) }
        if fields.nextHopID != 0 { text.append(",\"nhid\":", number: UInt64(fields.nextHopID)) }
        if fields.preference != .medium { text.append(",\"pref\":\"", text: fields.preference.name) }
        if let source = fields.preferredSource { text.append(",\"prefsrc\":\"", source) }
        text.append(",\"protocol\":\"", text: fields.protocol.name)
        if fields.scope != .global { text.append(",\"scope\":\"", text: fields.scope.name) }
        sequence = UInt32(text.count)
        text.append(contentsOf: table.tableMember)
        tos = UInt32(text.count)
        text.append(",\"type\":\"", text: fields.type.name)
        version = UInt32(text.count)
        if let single {
            text.appendVia(of: single, table.family)
            if single.weight != 1 { text.append(",\"weight\":", number: UInt64(single.weight)) }
        }
        text.append(UInt8(ascii: "}"))
        end = UInt32(text.count)
        text.append(contentsOf: repeatElement(0, count: OutputSpan<UInt8>.blockSize))
    }

    /// Room that `write` needs.
    @inlinable public var room: Int { Int(end &- start) &+ 160 }
}
