internal import Atomics
internal import Routing

/// The hardware of one block: which devices take its filters, each at a place of its own among the bits by which filters know who
/// has them. It never changes: membership changes within the exclusive gate, and every request holds that shared.
final class Offload: AtomicReference, Sendable {
    struct Member: Sendable {
        let bit: UInt64
        let device: any FilterDevice
    }

    let members: [Member]
    /// Whether a link gives packets to the block that no hardware looks at (R4-83).
    let lacksSome: Bool

    init(_ members: [Member], lacksSome: Bool) {
        self.members = members
        self.lacksSome = lacksSome
    }

    /// - Parameter unsupported: the first of its actions that no hardware does.
    /// - Returns: the bits of those who took it.
    func offer(_ filter: OfferedFilter, _ unsupported: Action?) throws(FIBError) -> UInt64 {
        let isAlone = filter.content.flags.contains(.skipSW)
        if let action = unsupported {
            if !isAlone { return 0 }
            throw FIBError(
                .eopnotsupp, .unsupported,
                "no hardware does what \(action.kind) \(action.index) does, and skip_sw asks for that",
                rule: "R4-84")
        }
        var taken: UInt64 = 0
        for member in members {
            do throws(FilterVeto) {
                try member.device.admit(filter)
                taken |= member.bit
            } catch {
                // Of one that software does as well, a refusal is no news (R4-82).
                if !isAlone { continue }
                withdraw(filter, from: taken)
                throw FIBError(.enospc, .notAdmitted, "\(member.device.name) refuses: \(error.message)", rule: "R4-83")
            }
        }
        if isAlone, taken == 0 {
            throw FIBError(
                .einval, .filterInvalid, "no hardware takes it, and skip_sw leaves no one else", rule: "R4-83")
        }
        return taken
    }

    func withdraw(_ filter: OfferedFilter, from taken: UInt64) {
        for member in members where taken & member.bit != 0 { member.device.remove(filter) }
    }
}

extension Block {
    /// Whether hardware takes it, and whose (R4-80…R4-83). What it is then, who makes it says with `StoredFilter.setTaken`.
    ///
    /// - Parameter unsupported: the first of its actions that no hardware does (R4-84).
    func offer(
        _ content: FilterContent, _ proto: ProtoIdentity, unsupported: Action?
    ) throws(FIBError) -> UInt64 {
        if content.flags.contains(.skipHW) { return 0 }
        let offload = offload.load(ordering: .acquiring)
        if content.flags.contains(.skipSW), offload?.lacksSome ?? true {
            throw FIBError(
                .eopnotsupp, .unsupported,
                "skip_sw needs hardware behind every link of block \(identity.place); see offload of the links and /v1/devices",
                rule: "R4-83")
        }
        return try offload?.offer(OfferedFilter(proto: proto, content: content), unsupported) ?? 0
    }

    /// It comes to nothing, or is gone.
    func withdraw(_ content: FilterContent, _ proto: ProtoIdentity, from taken: UInt64) {
        guard taken != 0, let offload = offload.load(ordering: .acquiring) else { return }
        offload.withdraw(OfferedFilter(proto: proto, content: content), from: taken)
    }

    func withdraw(_ filter: StoredFilter, _ proto: ProtoIdentity) {
        let taken = filter.taken
        if taken == 0 { return }
        filter.setTaken(0)
        withdraw(filter.content, proto, from: taken)
    }

    /// A chain came with a template, or went (R4-18).
    func hint(_ chain: ChainIdentity, _ template: ChainTemplate?, isGone: Bool) {
        guard let template, let offload = offload.load(ordering: .acquiring) else { return }
        for member in offload.members {
            if isGone { member.device.forget(chain, template) } else { member.device.prepare(chain, template) }
        }
    }
}
