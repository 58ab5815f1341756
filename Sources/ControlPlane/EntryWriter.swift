public import Addressing
internal import Bytes
public import ChangeLog
public import Routing

/// Writes many entries: remembers the common text of the infos that it met last. For one thread at a time.
public final class EntryWriter {
    @usableFromInline
    struct Slot: BitwiseCopyable {
        @usableFromInline let table: ObjectIdentifier
        @usableFromInline let info: ObjectIdentifier
        @usableFromInline let flags: UInt8
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

    @usableFromInline
    struct HardwareSlot: BitwiseCopyable {
        @usableFromInline let status: ObjectIdentifier
        @usableFromInline let slice: HardwareSlice
    }

    /// Of statuses that it met lately, each in the one place that its address gives it.
    @usableFromInline private(set) var hardwareSlots: [HardwareSlot?] = [nil]
    private var heldStatuses: [HardwareStatus?] = [nil]
    private var context = RowContext()
    private var devices: Devices { context.devices }
    /// Set in the flags of templates that say what is wrong with links, as listings do. Zero while nothing is.
    @usableFromInline private(set) var statusFlag: UInt8 = 0
    private static let statusFlag: UInt8 = 0x80

    public init() {}

    /// From now on, this is what rows say of hardware and of links; at first, nothing.
    public func use(_ context: RowContext) {
        if self.context == context { return }
        let hasOtherLinks = self.context.impairments != context.impairments
        self.context = context
        statusFlag = context.impairments.isEmpty ? 0 : Self.statusFlag
        if hasOtherLinks { forget() } else { forgetHardware() }
    }

    /// Whether something is wrong with links of the table's namespace.
    public func hasImpairments(_ table: TableIdentity) -> Bool {
        statusFlag != 0 && context.impairments[table.namespace] != nil
    }

    /// What is wrong with each leg of a route; nil if nothing is.
    public func legs(_ table: TableIdentity, _ info: RouteInfo) -> [LegStatus]? {
        if statusFlag == 0 { return nil }
        return context.impairments[table.namespace].flatMap { info.legStatus(table.family, $0) }
    }

    private func forgetHardware() {
        hardwareSlots = Array(repeating: nil, count: devices.isEmpty ? 1 : 256)
        heldStatuses = Array(repeating: nil, count: hardwareSlots.count)
    }

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
    func template(_ table: TableIdentity, _ info: RouteInfo, flags: UInt8 = 0) -> EntryTemplate {
        known(table, info, flags) ?? make(table, info, flags)
    }

    // By themselves: who holds on to the slots while one is made has them copied.
    private func known(_ table: TableIdentity, _ info: RouteInfo, _ flags: UInt8) -> EntryTemplate? {
        let slots = slots
        return Self.known(ObjectIdentifier(table), ObjectIdentifier(info), flags, slots.span)
    }

    private func known(_ status: HardwareStatus) -> HardwareSlice? {
        let slots = hardwareSlots
        return Self.known(ObjectIdentifier(status), slots.span)
    }

    /// Where the text says what hardware makes of it.
    @usableFromInline
    func slice(_ status: HardwareStatus?) -> HardwareSlice {
        guard let status, !devices.isEmpty else { return absent }
        return known(status) ?? make(status)
    }

    @usableFromInline var absent: HardwareSlice { devices.isEmpty ? .hidden : .none }

    private func make(_ status: HardwareStatus) -> HardwareSlice {
        if text.count > Self.textLimit { forget() }
        let start = UInt32(text.count)
        let counts = HardwareText.append(status, devices, to: &text)
        let end = UInt32(text.count)
        text.append(contentsOf: repeatElement(0, count: OutputSpan<UInt8>.blockSize))
        let slice =
            counts ? HardwareSlice(start, end, devices.state(of: status).flags.together) : absent
        let place = Self.place(ObjectIdentifier(status), hardwareSlots.count)
        hardwareSlots[place] = HardwareSlot(status: ObjectIdentifier(status), slice: slice)
        heldStatuses[place] = status
        return slice
    }

    private func make(_ table: TableIdentity, _ info: RouteInfo, _ flags: UInt8) -> EntryTemplate {
        if text.count > Self.textLimit { forget() }
        if slots.count == 1, slots[0] != nil { grow() }
        let places = (0..<Self.reach).map { Self.place(ObjectIdentifier(info), $0, slots.count) }
        let place = places.first { slots[$0] == nil } ?? places[0]
        let legs = flags & Self.statusFlag == 0 ? nil : legs(table, info)
        let hardware = HardwareFlags(together: flags & ~Self.statusFlag)
        let template = EntryTemplate(table, info, hardware, legs, in: &text)
        slots[place] = Slot(
            table: ObjectIdentifier(table), info: ObjectIdentifier(info), flags: flags, template: template)
        held[place] = (table, info)
        return template
    }

    @inlinable @inline(__always)
    static func known(
        _ table: ObjectIdentifier, _ info: ObjectIdentifier, _ flags: UInt8, _ slots: Span<Slot?>
    ) -> EntryTemplate? {
        for step in 0..<reach {
            guard let slot = slots[place(info, step, slots.count)] else { return nil }
            if slot.info == info && slot.table == table && slot.flags == flags { return slot.template }
        }
        return nil
    }

    @inlinable @inline(__always)
    static func known(_ status: ObjectIdentifier, _ slots: Span<HardwareSlot?>) -> HardwareSlice? {
        guard let slot = slots[place(status, slots.count)], slot.status == status else { return nil }
        return slot.slice
    }

    @inlinable @inline(__always)
    static func place(_ status: ObjectIdentifier, _ count: Int) -> Int {
        Int(UInt(bitPattern: status) &>> 4) & (count &- 1)
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
        forgetHardware()
        text.removeAll(keepingCapacity: true)
    }
}

extension EntryWriter {
    /// Appends `,"hw":{…}`.
    public func appendHardware(_ route: StoredRoute, to bytes: inout [UInt8]) {
        let slice = slice(route.hardware)
        let text = text
        bytes.append(addingCapacity: slice.room) { slice.write(route.version, text.span, to: &$0) }
    }

    /// Appends one row in the given form.
    @inlinable
    public func append(
        _ table: TableIdentity, _ key: RouteKey, _ route: StoredRoute, as form: some EntryForm, to bytes: inout [UInt8]
    ) {
        let (template, slice) = parts(table, route, form)
        let text = text
        bytes.append(addingCapacity: Self.room(template, slice, form)) { output in
            form.write(EntryRow(template, table.family, key, route, slice), text.span, to: &output)
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
            // Makes what isn't known.
            let (template, slice) = parts(table, run.value(place), form)
            let room = Self.room(template, slice, form)
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
        let (slots, hardwareSlots, absent, statusFlag) = (slots, hardwareSlots, absent, statusFlag)
        let (text, family, name) = (text, table.family, ObjectIdentifier(table))
        return run.withEntries { keys, routes in
            for place in start..<keys.count {
                var slice = absent
                // Without devices nothing is known of a status, and nothing is to be said of it.
                if !absent.isHidden, let status = routes[place].hardware {
                    guard let known = Self.known(ObjectIdentifier(status), hardwareSlots.span) else { return place }
                    slice = known
                }
                let flags = Form.showsStatusFlags ? slice.flags | statusFlag : 0
                guard let template = Self.known(name, ObjectIdentifier(routes[place].info), flags, slots.span),
                    output.freeCapacity >= Self.room(template, slice, form)
                else { return place }
                form.write(EntryRow(template, family, keys[place], routes[place], slice), text.span, to: &output)
            }
            return keys.count
        }
    }

    @inlinable
    func parts<Form: EntryForm>(
        _ table: TableIdentity, _ route: StoredRoute, _: Form
    ) -> (EntryTemplate, HardwareSlice) {
        // First, since making it may forget all templates.
        let slice = slice(route.hardware)
        let template = template(table, route.info, flags: Form.showsStatusFlags ? slice.flags | statusFlag : 0)
        // Making the template may have forgotten the slice.
        return (template, self.slice(route.hardware))
    }

    @inlinable @inline(__always)
    static func room<Form: EntryForm>(_ template: EntryTemplate, _ hardware: HardwareSlice, _: Form) -> Int {
        template.room &+ Form.room &+ hardware.room
    }
}
