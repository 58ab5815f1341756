public import Addressing
public import ChangeLog
public import Routing

/// Writes many entries: remembers the common text of the infos that it met last. For one thread at a time.
public final class EntryWriter {
    @usableFromInline
    struct Slot: BitwiseCopyable {
        @usableFromInline let table: ObjectIdentifier
        @usableFromInline let info: ObjectIdentifier
        @usableFromInline let template: EntryTemplate
    }

    private static let slotCount = 512
    /// An info can be in so many slots one behind the other, from that of its address on. If others have them all, it takes
    /// the first.
    @inlinable @inline(__always)
    static var reach: Int { 8 }
    /// Texts of templates that lost their slot stay until there is this much, and then all begin anew.
    private static let textLimit = 128 << 10

    /// Room for one until a second info comes along, so that who writes one entry pays for no slots.
    @usableFromInline private(set) var slots: [Slot?] = [nil]
    /// What the slots name, so that no other object can come to be at its address.
    private var held: [(TableIdentity, RouteInfo)?] = [nil]
    /// Of all templates.
    @usableFromInline private(set) var text: [UInt8] = []
    private var scratch: [UInt8] = []

    public init() {}

    public func append(_ table: TableIdentity, _ key: RouteKey, _ info: RouteInfo, to bytes: inout [UInt8]) {
        let template = template(table, info)
        let text = text
        bytes.append(addingCapacity: template.room) { template.write(key, table.family, text.span, to: &$0) }
    }

    func hash(_ table: TableIdentity, _ route: Route) -> EntryHash {
        hash(table, RouteKey(route.prefix, tos: route.tos, metric: route.metric, position: 0), route.info)
    }

    func hash(_ table: TableIdentity, _ key: RouteKey, _ info: RouteInfo) -> EntryHash {
        var bytes: [UInt8] = []
        swap(&bytes, &scratch)
        bytes.removeAll(keepingCapacity: true)
        append(table, key, info, to: &bytes)
        defer { swap(&bytes, &scratch) }
        return EntryHash(of: bytes.span)
    }

    /// What the route's entry has in common with others.
    @usableFromInline
    func template(_ table: TableIdentity, _ info: RouteInfo) -> EntryTemplate {
        known(table, info) ?? make(table, info)
    }

    private func known(_ table: TableIdentity, _ info: RouteInfo) -> EntryTemplate? {
        let slots = slots
        return Self.known(ObjectIdentifier(table), ObjectIdentifier(info), slots.span)
    }

    private func make(_ table: TableIdentity, _ info: RouteInfo) -> EntryTemplate {
        if text.count > Self.textLimit { forget() }
        if slots.count == 1, slots[0] != nil { grow() }
        let places = (0..<Self.reach).map { Self.place(ObjectIdentifier(info), $0, slots.count) }
        let place = places.first { slots[$0] == nil } ?? places[0]
        let template = EntryTemplate(table, info, in: &text)
        slots[place] = Slot(table: ObjectIdentifier(table), info: ObjectIdentifier(info), template: template)
        held[place] = (table, info)
        return template
    }

    @inlinable @inline(__always)
    static func known(_ table: ObjectIdentifier, _ info: ObjectIdentifier, _ slots: Span<Slot?>) -> EntryTemplate? {
        for step in 0..<reach {
            guard let slot = slots[place(info, step, slots.count)] else { return nil }
            if slot.info == info && slot.table == table { return slot.template }
        }
        return nil
    }

    @inlinable @inline(__always)
    static func place(_ info: ObjectIdentifier, _ step: Int, _ count: Int) -> Int {
        // Objects lie at multiples of 16.
        (Int(UInt(bitPattern: info) &>> 4) &+ step) & (count &- 1)
    }

    private func grow() {
        slots = Array(repeating: nil, count: Self.slotCount)
        held = Array(repeating: nil, count: Self.slotCount)
    }

    private func forget() {
        grow()
        text.removeAll(keepingCapacity: true)
    }
}

extension EntryWriter {
    /// Appends one row in the given form.
    @inlinable
    public func append(
        _ table: TableIdentity, _ key: RouteKey, _ route: StoredRoute, as form: some EntryForm, to bytes: inout [UInt8]
    ) {
        let template = template(table, route.info)
        let text = text
        bytes.append(addingCapacity: Self.room(template, form)) { output in
            form.write(EntryRow(template, table.family, key, route), text.span, to: &output)
        }
    }

    /// Appends a row for each route of the run.
    @inlinable
    public func append(
        _ table: TableIdentity, _ run: ImageRun<RouteKey, StoredRoute>, as form: some EntryForm,
        to bytes: inout [UInt8]
    ) {
        var place = 0
        while place < run.count {
            // Makes the template, where it isn't known.
            let room = Self.room(template(table, run.value(place).info), form)
            bytes.append(addingCapacity: max(room, min(room * (run.count - place), 16 << 10))) { output in
                place = writeKnown(table, run, from: place, as: form, to: &output)
            }
        }
    }

    /// Writes rows up to the first whose template isn't known, or for which there is no room; the place of that one.
    ///
    /// No references are counted for a row, which would take a third of the time.
    @inlinable @inline(__always)
    func writeKnown<Form: EntryForm>(
        _ table: TableIdentity, _ run: ImageRun<RouteKey, StoredRoute>, from start: Int, as form: Form,
        to output: inout OutputSpan<UInt8>
    ) -> Int {
        let (slots, text, family, name) = (slots, text, table.family, ObjectIdentifier(table))
        return run.withEntries { keys, routes in
            for place in start..<keys.count {
                guard let template = Self.known(name, ObjectIdentifier(routes[place].info), slots.span),
                    output.freeCapacity >= Self.room(template, form)
                else { return place }
                form.write(EntryRow(template, family, keys[place], routes[place]), text.span, to: &output)
            }
            return keys.count
        }
    }

    @inlinable @inline(__always)
    static func room<Form: EntryForm>(_ template: EntryTemplate, _: Form) -> Int { template.room &+ Form.room }
}
