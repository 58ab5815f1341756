internal import Bytes
internal import ChangeLog
internal import ControlPlane
internal import JSON
internal import Routing

/// Frames of routes are made by the million, and so each in one go into room that was reserved for it; those of other
/// kinds go the general way.
extension EventEncoder {
    /// A row of a replay.
    func row(
        _ table: TableIdentity, _ key: RouteKey, _ stored: StoredRoute, _ writer: EntryWriter,
        into bytes: inout [UInt8]
    ) {
        writer.append(table, key, stored, as: ReplayForm(format: format, showsHardware: showsHardware), to: &bytes)
        guard let legs = writer.legs(table, stored.info) else { return }
        // Before the end of the object, which the form has written.
        bytes.removeLast(words.end.utf8CodeUnitCount)
        appendStatus(legs, to: &bytes)
        bytes.append(literal: words.end)
    }

    /// The rows of a run.
    func rows(
        _ table: TableIdentity, _ run: ImageRun<RouteKey, StoredRoute>, _ writer: EntryWriter,
        into bytes: inout [UInt8]
    ) {
        if writer.hasImpairments(table) {
            for place in 0..<run.count { row(table, run.key(place), run.value(place), writer, into: &bytes) }
            return
        }
        writer.append(table, run, as: ReplayForm(format: format, showsHardware: showsHardware), to: &bytes)
    }

    /// Anything but a route as a row of a replay.
    func row(_ entry: some EventEntry, into bytes: inout [UInt8]) {
        frame(entry.kind.rawValue, .none, into: &bytes) { bytes in
            bytes.appendASCII("{\"op\":\"replay\",\"seq\":")
            bytes.appendDecimal(entry.version.rawValue)
            bytes.appendASCII(",\"version\":")
            bytes.appendDecimal(entry.version.rawValue)
            bytes.appendASCII(",\"entry\":")
            entry.appendEntry(to: &bytes)
            append(entry.hash, as: ",\"h\":\"", to: &bytes)
            entry.appendStatus(",\"status\":", to: &bytes)
            bytes.append(UInt8(ascii: "}"))
        }
    }

    /// A change, as the filter sees it. `previous` is the number of the latest earlier change that the filter selects.
    func delta(
        _ change: Change, _ selected: SelectedChange, previous: ChangeSequence, _ writer: EntryWriter,
        into bytes: inout [UInt8]
    ) {
        if let device = selected.device { return restart(device, change.sequence, previous: previous, into: &bytes) }
        guard let entry = selected.new ?? selected.old else { return }
        let version = selected.new == nil ? change.sequence : entry.version
        switch entry {
        case .route(let table, let key, let stored):
            let form = ChangeForm(
                encoder: self, sequence: change.sequence, version: version, previous: previous, selected: selected)
            writer.append(table, key, stored, as: form, to: &bytes)
            if let legs = selected.legs ?? (selected.new == nil ? nil : writer.legs(table, stored.info)) {
                appendStatus(legs, to: &bytes)
            }
            if let batch = change.batch { append(batch, to: &bytes) }
            bytes.append(literal: words.end)
        case .object(let stored): delta(change, selected, stored, previous: previous, into: &bytes)
        case .traffic(let object): delta(change, selected, object, previous: previous, into: &bytes)
        case .peer(let peer): delta(change, selected, peer, previous: previous, into: &bytes)
        }
    }

    /// - Parameter entry: what there is now, or was before it went.
    private func delta(
        _ change: Change, _ selected: SelectedChange, _ entry: some EventEntry, previous: ChangeSequence,
        into bytes: inout [UInt8]
    ) {
        let version = selected.new == nil ? change.sequence : entry.version
        frame(entry.kind.rawValue, .cursor(change.sequence), into: &bytes) { bytes in
            bytes.appendASCII("{\"op\":\"\(selected.operation.name)\",\"seq\":\(change.sequence.rawValue)")
            bytes.appendASCII(",\"version\":\(version.rawValue),\"prev\":\(previous.rawValue),\"entry\":")
            entry.appendEntry(to: &bytes)
            if let new = selected.new { append(new.hash, as: ",\"h\":\"", to: &bytes) }
            if let old = selected.old { append(old.hash, as: ",\"was\":\"", to: &bytes) }
            if selected.new != nil { entry.appendStatus(",\"status\":", to: &bytes) }
            if let batch = change.batch { append(batch, to: &bytes) }
            bytes.append(UInt8(ascii: "}"))
        }
    }

    /// A device has begun anew, or is gone: what it said before counts as pending, or as nothing. It is no object of the
    /// stream's, so it has no `h` and isn't counted.
    private func restart(
        _ change: DeviceChange, _ sequence: ChangeSequence, previous: ChangeSequence, into bytes: inout [UInt8]
    ) {
        frame(ObjectKind.device.rawValue, .cursor(sequence), into: &bytes) { bytes in
            append(change, sequence, previous: previous, to: &bytes)
            bytes.append(UInt8(ascii: "}"))
        }
    }

    private func append(
        _ change: DeviceChange, _ sequence: ChangeSequence, previous: ChangeSequence, to bytes: inout [UInt8]
    ) {
        bytes.appendASCII("{\"op\":\"restart\",\"seq\":\(sequence.rawValue),\"version\":\(sequence.rawValue)")
        bytes.appendASCII(",\"prev\":\(previous.rawValue),\"entry\":{\"generation\":")
        // Of one that is gone, that it has none.
        bytes.appendASCII(change.isGone ? "null" : "\(change.device.generation.rawValue)")
        bytes.appendASCII(",\"name\":")
        bytes.appendJSON(string: change.device.name)
        bytes.append(UInt8(ascii: "}"))
    }

    /// A change that was found by comparing states: the client learns what is different, not how it came about.
    func difference(
        _ selected: SelectedChange, from old: ChangeSequence, to new: ChangeSequence, _ writer: EntryWriter,
        into bytes: inout [UInt8]
    ) {
        if let device = selected.device {
            return frame(ObjectKind.device.rawValue, .none, into: &bytes) { bytes in
                append(device, new, previous: old, to: &bytes)
                bytes.appendASCII(",\"tx\":\(new.rawValue),\"catchup\":true}")
            }
        }
        guard let entry = selected.new ?? selected.old else { return }
        frame(entry.kind.rawValue, .none, into: &bytes) { bytes in
            bytes.appendASCII("{\"op\":\"\(selected.operation.name)\",\"seq\":\(new.rawValue),\"version\":")
            bytes.appendDecimal((selected.new == nil ? new : entry.version).rawValue)
            bytes.appendASCII(",\"prev\":\(old.rawValue),\"entry\":")
            entry.append(writer, to: &bytes)
            if let new = selected.new { append(new.hash, as: ",\"h\":\"", to: &bytes) }
            if let old = selected.old { append(old.hash, as: ",\"was\":\"", to: &bytes) }
            if showsHardware, case .route(_, _, let stored) = selected.new {
                writer.appendHardware(stored, to: &bytes)
            }
            if case .route(let table, _, let stored) = selected.new,
                let legs = selected.legs ?? writer.legs(table, stored.info)
            {
                appendStatus(legs, to: &bytes)
            }
            if case .object(let stored) = selected.new { stored.appendStatus(",\"status\":", to: &bytes) }
            if case .traffic(let object) = selected.new { object.appendStatus(",\"status\":", to: &bytes) }
            bytes.appendASCII(",\"tx\":\(new.rawValue),\"catchup\":true}")
        }
    }

    /// What is wrong with the legs of a route, in the shape of its entry.
    func appendStatus(_ legs: [LegStatus], to bytes: inout [UInt8]) {
        bytes.appendASCII(",\"status\":{")
        if legs.count > 1 {
            bytes.appendASCII("\"nexthops\":[")
            for (index, leg) in legs.enumerated() {
                bytes.appendASCII(index == 0 ? "{" : ",{")
                bytes.append(flagsOf: leg)
                bytes.append(UInt8(ascii: "}"))
            }
            bytes.append(UInt8(ascii: "]"))
        } else {
            bytes.append(flagsOf: legs.first ?? [])
        }
        bytes.append(UInt8(ascii: "}"))
    }

    private func append(_ hash: EntryHash, as member: String, to bytes: inout [UInt8]) {
        bytes.appendASCII(member)
        bytes.append(hash)
        bytes.append(UInt8(ascii: "\""))
    }

    private func append(_ batch: ChangeBatch, to bytes: inout [UInt8]) {
        if let cause = batch.cause {
            bytes.appendASCII(",\"cause\":{\"reason\":")
            bytes.appendJSON(string: cause.reason)
            bytes.appendASCII(",\"seq\":")
            bytes.appendDecimal(cause.sequence.rawValue)
            bytes.append(UInt8(ascii: "}"))
        }
        bytes.appendASCII(",\"tx\":")
        bytes.appendDecimal(batch.transaction.rawValue)
    }
}

extension SelectedChange.Entry {
    /// The entry's canonical bytes.
    fileprivate func append(_ writer: EntryWriter, to bytes: inout [UInt8]) {
        switch self {
        case .route(let table, let key, let stored): writer.append(table, key, stored.info, to: &bytes)
        case .object(let stored): stored.appendEntry(to: &bytes)
        case .traffic(let object): object.appendEntry(to: &bytes)
        case .peer(let peer): peer.appendEntry(to: &bytes)
        }
    }
}

/// What frames say of anything but a route.
protocol EventEntry {
    var kind: ObjectKind { get }
    var version: ChangeSequence { get }
    var hash: EntryHash { get }
    /// The entry's canonical bytes.
    func appendEntry(to bytes: inout [UInt8])
    /// What events say beside the entry; nothing for kinds that have no status.
    func appendStatus(_ opening: String, to bytes: inout [UInt8])
}

extension StoredObject: EventEntry {}
extension TrafficObject: EventEntry {}
extension PeerEntry: EventEntry {}
