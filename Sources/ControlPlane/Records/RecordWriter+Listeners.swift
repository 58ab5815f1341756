internal import Bytes
internal import ChangeLog

extension RecordWriter {
    mutating func append(_ listener: StoredListener) {
        append(listener.id.rawValue)
        append(listener.version.rawValue)
        append(listener.acknowledged.rawValue)
        let settings = listener.settings
        append(settings.name)
        append(settings.role.rawValue)
        append(settings.onOverflow.rawValue)
        append(UInt64(settings.leaseSeconds.map { $0 + 1 } ?? 0))
        append(UInt64(settings.filter.kinds.count))
        for kind in settings.filter.kinds.map(\.rawValue).sorted() { append(kind) }
        append(settings.filter.selection)
        append(settings.filter.view.rawValue)
        append(settings.filter.hardware.rawValue)
    }

    mutating func append(_ listeners: [StoredListener]) {
        append(UInt64(listeners.count))
        for listener in listeners { append(listener) }
    }
}

extension RecordReader {
    mutating func listener() throws(Malformed) -> StoredListener {
        let id = try sequence()
        let version = try sequence()
        let acknowledged = try sequence()
        let name = try bytes.text()
        let role = try word(as: ListenerSettings.Role.self)
        let onOverflow = try word(as: ListenerSettings.Overflow.self)
        let lease = try bytes.varint(as: Int.self)
        var filter = EventFilter()
        filter.kinds = []
        for _ in 0..<(try bytes.count()) { filter.kinds.insert(try word(as: ObjectKind.self)) }
        filter.selection = try selection()
        filter.view = try word(as: EventFilter.View.self)
        filter.hardware = try word(as: HardwareNotice.self)
        let settings = ListenerSettings(
            name: name, role: role, filter: filter, onOverflow: onOverflow, leaseSeconds: lease == 0 ? nil : lease - 1)
        return StoredListener(id: id, settings: settings, version: version, acknowledged: acknowledged)
    }

    private mutating func word<Word: RawRepresentable<String>>(as: Word.Type) throws(Malformed) -> Word {
        let text = try bytes.text()
        guard let word = Word(rawValue: text) else { throw bytes.malformed("'\(text)' as a \(Word.self)") }
        return word
    }

    mutating func listeners() throws(Malformed) -> [StoredListener] {
        var listeners: [StoredListener] = []
        for _ in 0..<(try bytes.count()) { listeners.append(try listener()) }
        return listeners
    }
}
