internal import ChangeLog
internal import ControlPlane
internal import JSON
internal import Routing

/// How a stream begins.
enum StreamMode: String, Sendable {
    case replay, resume, live
}

extension EventEncoder {
    /// The first frame; before it, in server-sent events, how long to wait before connecting again.
    func hello(
        _ mode: StreamMode, reason: String?, epoch: String, sequence: ChangeSequence, heartbeatSeconds: Int,
        _ devices: Devices, into bytes: inout [UInt8]
    ) {
        if format == .serverSentEvents { bytes.appendASCII("retry: 1000\n") }
        frame("hello", mode == .replay ? .empty : .none, into: &bytes) { bytes in
            bytes.appendASCII("{\"epoch\":\"\(epoch)\",\"mode\":\"\(mode.rawValue)\"")
            if let reason {
                bytes.appendASCII(",\"reason\":")
                bytes.appendJSON(string: reason)
            }
            bytes.appendASCII(",\"seq\":")
            bytes.appendDecimal(sequence.rawValue)
            bytes.appendASCII(",\"heartbeat\":")
            bytes.appendDecimal(UInt64(heartbeatSeconds))
            for (index, device) in devices.all.enumerated() {
                bytes.appendASCII(index == 0 ? ",\"devices\":{" : ",")
                bytes.appendJSON(string: device.name)
                bytes.appendASCII(":\(device.generation.rawValue)")
            }
            bytes.appendASCII(devices.isEmpty ? ",\"devices\":{}}" : "}}")
        }
    }

    /// At this point the subscriber's state is the server's at `sequence`.
    func sync(
        _ sequence: ChangeSequence, _ summaries: KindSummaries, hardware: StateDigest?, _ filter: EventFilter,
        into bytes: inout [UInt8]
    ) {
        frame("sync", .cursor(sequence), into: &bytes) { bytes in
            let kinds = KindSummaries.kinds.filter(filter.selects(_:)).sorted { $0.rawValue < $1.rawValue }
            bytes.appendASCII("{\"seq\":")
            bytes.appendDecimal(sequence.rawValue)
            bytes.appendASCII(",\"count\":")
            bytes.appendDecimal(summaries.total.count)
            bytes.appendASCII(",\"digest\":\"")
            bytes.append(summaries.total.digest)
            bytes.appendASCII("\",\"counts\":{")
            for (index, kind) in kinds.enumerated() {
                bytes.appendASCII(index > 0 ? ",\"\(kind.rawValue)\":" : "\"\(kind.rawValue)\":")
                bytes.appendDecimal(summaries[kind].count)
            }
            bytes.appendASCII("},\"digests\":{")
            for (index, kind) in kinds.enumerated() {
                bytes.appendASCII(index > 0 ? ",\"\(kind.rawValue)\":\"" : "\"\(kind.rawValue)\":\"")
                bytes.append(summaries[kind].digest)
                bytes.append(UInt8(ascii: "\""))
            }
            bytes.append(UInt8(ascii: "}"))
            if let hardware {
                bytes.appendASCII(",\"hw_digest\":\"")
                bytes.append(hardware)
                bytes.append(UInt8(ascii: "\""))
            }
            bytes.append(UInt8(ascii: "}"))
        }
    }

    /// Throw the state away: a replay follows on this connection.
    func reset(_ reason: String, attempt: Int, into bytes: inout [UInt8]) {
        frame("reset", .empty, into: &bytes) { bytes in
            bytes.appendASCII("{\"reason\":")
            bytes.appendJSON(string: reason)
            bytes.appendASCII(",\"attempt\":")
            bytes.appendDecimal(UInt64(attempt))
            bytes.append(UInt8(ascii: "}"))
        }
    }

    /// A device has owed an answer for a route for too long.
    func notice(_ notice: Notice, _ writer: EntryWriter, into bytes: inout [UInt8]) {
        frame("notice", .none, into: &bytes) { bytes in
            bytes.appendASCII("{\"age_ms\":\(notice.age),\"count\":\(notice.count),\"entry\":")
            writer.append(notice.table, notice.key, notice.route.info, to: &bytes)
            writer.appendHardware(notice.route, to: &bytes)
            bytes.appendASCII(",\"notice\":\"stuck\",\"version\":\(notice.route.version.rawValue)}")
        }
    }

    /// `drain` or `error`: why this stream ends.
    func end(_ event: String, _ problem: Problem, into bytes: inout [UInt8]) {
        frame(event, .none, into: &bytes) { problem.append(to: &$0) }
    }
}
