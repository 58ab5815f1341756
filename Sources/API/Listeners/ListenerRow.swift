internal import Addressing
internal import ChangeLog
internal import ControlPlane
internal import JSON
internal import Routing
internal import Threads

/// A listener as clients see it: what it is registered for, and how it goes with it.
struct ListenerRow {
    let stored: StoredListener
    var isConnected = false
    var delivered = ChangeSequence.zero
    var acknowledged: ChangeSequence
    /// Behind what it acknowledged: records of the log, and what they cost there.
    var lag: (events: Int, bytes: Int) = (0, 0)
    var resets = 0
    var bytesSent: UInt64 = 0
    var generation: ChangeSequence?
    var reports = ListenerSession.ReportCounts()

    init(_ stored: StoredListener) {
        self.stored = stored
        acknowledged = stored.acknowledged
    }

    /// Members sorted.
    func append(to bytes: inout [UInt8]) {
        let settings = stored.settings
        bytes.appendASCII("{\"acknowledged\":\(acknowledged.rawValue),\"bytes_sent\":\(bytesSent)")
        bytes.appendASCII(",\"connected\":\(isConnected),\"delivered\":\(delivered.rawValue)")
        bytes.appendASCII(",\"events\":\"/v1/listeners/\(stored.id.rawValue)/events\",\"filter\":")
        settings.filter.append(to: &bytes)
        if let generation { bytes.appendASCII(",\"generation\":\(generation.rawValue)") }
        bytes.appendASCII(",\"id\":\"\(stored.id.rawValue)\",\"lag\":{\"bytes\":\(lag.bytes),\"events\":\(lag.events)}")
        bytes.appendASCII(",\"lease\":" + (settings.leaseSeconds.map { "\($0)" } ?? "null") + ",\"name\":")
        bytes.appendJSON(string: settings.name)
        bytes.appendASCII(",\"on_overflow\":\"\(settings.onOverflow.rawValue)\"")
        if settings.role == .driver {
            bytes.appendASCII(",\"reports\":{\"accepted\":\(reports.accepted),\"rejected\":\(reports.rejected)")
            bytes.appendASCII(",\"stale\":\(reports.stale),\"unchanged\":\(reports.unchanged)}")
        }
        bytes.appendASCII(",\"resets\":\(resets),\"role\":\"\(settings.role.rawValue)\"")
        bytes.appendASCII(",\"version\":\(stored.version.rawValue)}")
    }
}

extension ListenerSettings {
    /// What a client registers: without an id and how it goes with it, which one that isn't there has not. Members sorted.
    func appendEntry(to bytes: inout [UInt8]) {
        bytes.appendASCII("{\"filter\":")
        filter.append(to: &bytes)
        bytes.appendASCII(",\"lease\":" + (leaseSeconds.map { "\($0)" } ?? "null") + ",\"name\":")
        bytes.appendJSON(string: name)
        bytes.appendASCII(",\"on_overflow\":\"\(onOverflow.rawValue)\",\"role\":\"\(role.rawValue)\"}")
    }
}

extension EventFilter {
    /// As a registration writes it: what is left out is as it is by default.
    func append(to bytes: inout [UInt8]) {
        bytes.append(UInt8(ascii: "{"))
        func list(_ name: String, _ values: [String]?) {
            guard let values else { return }
            bytes.appendASCII("\"\(name)\":[")
            for (index, value) in values.enumerated() {
                if index > 0 { bytes.append(UInt8(ascii: ",")) }
                bytes.appendJSON(string: value)
            }
            bytes.appendASCII("],")
        }
        list("family", selection.families?.map(\.name))
        bytes.appendASCII("\"hw_flags\":\"\(hardware.rawValue)\",")
        list("kinds", kinds == ObjectKind.byDefault ? nil : kinds.map(\.rawValue).sorted())
        list("namespace", selection.namespaces)
        list("protocol", selection.protocols?.map(\.name))
        list("table", selection.tables?.map(\.name))
        bytes.appendASCII("\"view\":\"\(view.rawValue)\"")
        if let within = selection.within {
            bytes.append(UInt8(ascii: ","))
            list("within", within.map(\.description))
            bytes.removeLast()
        }
        bytes.append(UInt8(ascii: "}"))
    }
}

extension EventHub {
    /// With what is known of it at the moment.
    func row(_ stored: StoredListener) -> ListenerRow {
        var row = ListenerRow(stored)
        let places = state.withLock { state -> ChangeSequence? in
            guard let session = state.sessions[stored.id] else { return nil }
            row.isConnected = session.feed != nil
            row.delivered = session.delivered
            row.acknowledged = session.acknowledged
            row.resets = session.resets
            row.bytesSent = session.bytesSent
            row.generation = session.device?.generation
            row.reports = session.reports
            return session.acknowledged
        }
        if let places {
            let behind = plane.log.retained(after: places, stored.settings.filter.lanes)
            row.lag = (behind.records, behind.bytes)
        }
        return row
    }
}
