internal import Addressing
public import Routing

/// Which packets a filter of flower is for.
///
/// Source: kernel net/sched/cls_flower.c `fl_set_key`; rules R4-92, R4-93.
public struct FlowMatch: Hashable, Sendable {
    /// What packets must have in the bits of the mask; zero elsewhere.
    public private(set) var key = FlowBits()
    public private(set) var mask = FlowBits()
    public private(set) var dstPorts: ClosedRange<UInt16>?
    public private(set) var srcPorts: ClosedRange<UInt16>?
    /// Of the tunnel that packets come out of; nil if they don't count.
    public private(set) var options: TunnelOptionsMatch?
    /// Names of what was given and doesn't count, since packets that agree with the rest have no such field (R4-92).
    public internal(set) var ignored: [String] = []

    /// All packets of a protocol.
    ///
    /// - Parameter values: what `tc -json` has under `options.keys`.
    ///
    /// Throws EINVAL for names and values that mean nothing.
    public init(_ values: FlowMembers, protocol: EtherType) throws(FIBError) {
        var given: [(place: Int, value: FlowValue)] = []
        given.reserveCapacity(values.count)
        var masks: [Int: FlowValue] = [:]
        var options: [TunnelOptionsKey: FlowValue] = [:]
        var (hasLabels, hasCFM) = (false, false)
        for member in values {
            switch FlowKey.meanings[member.name] {
            case .key(let place): given.append((place, member.value))
            case .mask(let place): masks[place] = member.value
            case .options(let key): options[key] = member.value
            case .type: break
            case .labels: hasLabels = true
            case .cfm: hasCFM = true
            case nil: throw Self.invalid("flower has no key '\(member.name)'")
            }
        }
        try readTypes(values, `protocol`)
        for (place, value) in given.sorted(by: { $0.place < $1.place }) {
            try read(FlowKey.all[place], value, mask: masks.isEmpty ? nil : masks.removeValue(forKey: place))
        }
        if let place = masks.keys.min() {
            throw Self.invalid("\(FlowKey.all[place].name)_mask is given without \(FlowKey.all[place].name)")
        }
        if !options.isEmpty { self.options = try TunnelOptionsMatch(options) }
        if hasLabels { try readLabels(values) }
        if hasCFM { try readCFM(values) }
        try check()
        if !ignored.isEmpty { ignored.sort() }
    }

    init(
        _ key: FlowBits, _ mask: FlowBits, _ dstPorts: ClosedRange<UInt16>?, _ srcPorts: ClosedRange<UInt16>?,
        _ options: TunnelOptionsMatch?
    ) {
        self.key = key
        self.mask = mask
        self.dstPorts = dstPorts
        self.srcPorts = srcPorts
        self.options = options
    }

    /// Whether it compares nothing that the other doesn't (R4-17).
    func isWithin(_ other: FlowMatch) -> Bool {
        guard mask.isWithin(other.mask) else { return false }
        if dstPorts != nil, other.dstPorts == nil { return false }
        if srcPorts != nil, other.srcPorts == nil { return false }
        guard let options else { return true }
        return other.options.map { options.mask.isWithin($0.mask) } ?? false
    }

    // MARK: What a filter is known by

    public static func == (a: Self, b: Self) -> Bool {
        a.key == b.key && a.mask == b.mask && a.dstPorts == b.dstPorts && a.srcPorts == b.srcPorts
            && a.options == b.options
    }

    public func hash(into hasher: inout Hasher) {
        hasher.combine(key)
        hasher.combine(mask)
        hasher.combine(dstPorts)
        hasher.combine(srcPorts)
        hasher.combine(options)
    }

    // MARK: Reading

    static func invalid(_ message: String, rule: String? = nil) -> FIBError {
        FIBError(.einval, .filterInvalid, message, rule: rule)
    }

    mutating func set(_ field: FlowField, _ part: FlowPart) {
        key[field] = part.value
        mask[field] = part.mask
    }

    mutating func set(_ field: FlowField, _ value: some BinaryInteger) {
        set(field, FlowPart(UInt128(value), mask: FlowBits.all(field)))
    }

    /// The type of the frame, of its tags, and of what is in them.
    private mutating func readTypes(_ values: FlowMembers, _ protocol: EtherType) throws(FIBError) {
        func type(_ name: String, _ form: FlowKeyForm) throws(FIBError) -> EtherType? {
            guard let value = values[name] else { return nil }
            guard let part = form.part(value, .etherType) else {
                throw Self.invalid("\(name) is not the type of a frame")
            }
            return EtherType(rawValue: UInt16(truncatingIfNeeded: part.value))
        }
        let given = try type("eth_type", .innerType)
        let tags = values["num_of_vlans"]?.number ?? 0
        let outer = `protocol` == .all ? nil : `protocol`
        var inner = outer
        if tags > 0 || outer?.isVLAN ?? false {
            if let outer { set(.vlanTPID, outer.rawValue) }
            inner = try type("vlan_ethtype", .etherType)
            if tags > 1 || inner?.isVLAN ?? false {
                if let inner { set(.cvlanTPID, inner.rawValue) }
                inner = try type("cvlan_ethtype", .etherType)
            }
        }
        let frame = inner
        if inner == .pppSession {
            set(.pppoeType, EtherType.pppSession.rawValue)
            inner = values["ppp_proto"].flatMap(Self.typeInPPP)
        }
        if `protocol` == .all, frame == nil { inner = given }
        if let inner { set(.etherType, inner.rawValue) }
        guard let given, given != inner, given != frame else { return }
        throw Self.invalid("eth_type is \(given.name), but the filter is for \(inner?.name ?? `protocol`.name)")
    }

    /// The type of frames that have the same in them; nil if there is none, or it isn't known.
    private static func typeInPPP(_ value: FlowValue) -> EtherType? {
        switch FlowKeyForm.pppProtocol.part(value, .pppProtocol)?.value {
        case 0x0021: .ip
        case 0x0057: .ipv6
        case 0x0281: .mplsUnicast
        case 0x0283: .mplsMulticast
        default: nil
        }
    }

    private mutating func read(_ known: FlowKey, _ value: FlowValue, mask ownMask: FlowValue?) throws(FIBError) {
        if case .object(let ends) = value, known.field == .dstPort || known.field == .srcPort {
            guard ownMask == nil else { throw Self.invalid("\(known.name) is a range, which has no mask") }
            let range = try Self.range(known.name, ends)
            guard known.isFit(key) else { return ignored.append(known.name) }
            if known.field == .dstPort { dstPorts = range } else { srcPorts = range }
            return
        }
        guard let part = known.form.part(value, known.field, mask: ownMask) else {
            throw Self.invalid("\(known.name) does not have that value")
        }
        guard known.isFit(key) else { return ignored.append(known.name) }
        set(known.field, part)
        if case .address(nil) = known.form { try setFamily(known, value) }
    }

    /// R4-93.
    private static func range(_ name: String, _ ends: FlowMembers) throws(FIBError) -> ClosedRange<UInt16> {
        let numbers = ["start", "end"].map { ends[$0]?.number.flatMap { UInt16(exactly: $0) } }
        guard ends.count == 2, let start = numbers[0], let end = numbers[1] else {
            throw invalid("\(name) is a port, or has start and end", rule: "R4-93")
        }
        guard start > 0, start < end else {
            throw invalid("\(name) must begin below its end, and not at 0", rule: "R4-93")
        }
        return start...end
    }

    /// The addresses of a packet are of one family, which goes with its type.
    private mutating func setFamily(_ known: FlowKey, _ value: FlowValue) throws(FIBError) {
        let isInet6 = value.text?.utf8.contains(UInt8(ascii: ":")) ?? false
        let type = isInet6 ? FlowAddressType.inet6 : FlowAddressType.inet
        let isTunnel = known.field == .encDstIP || known.field == .encSrcIP
        let field: FlowField = isTunnel ? .encAddressType : .addressType
        if mask[field] != 0, key[field] != type { throw Self.invalid("addresses of a packet are of one family") }
        if !isTunnel, mask[.etherType] != 0, key.innerType != (isInet6 ? .ipv6 : .ip) {
            throw Self.invalid("\(known.name) is of another family than the filter's protocol, \(key.innerType.name)")
        }
        set(field, type)
    }

    private func check() throws(FIBError) {
        if mask[.spi] != 0, ![50, 51].contains(key[.ipProtocol]) {
            throw Self.invalid("spi is of packets whose ip_proto is 32 (ESP) or 33 (AH), in hexadecimal")
        }
        let states = key[.ctState]
        let others = states & ~(8 | 16)
        if states != 0, states & 8 == 0 { throw Self.invalid("ct_state without +trk can have no other state") }
        if states & 16 != 0, others != 0 { throw Self.invalid("ct_state +inv goes with +trk only") }
        if states & 1 != 0, states & (2 | 32) != 0 { throw Self.invalid("ct_state +new excludes +est and +rpl") }
    }
}
