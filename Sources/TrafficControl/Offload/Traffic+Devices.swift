internal import Atomics
internal import ChangeLog
public import Routing
internal import Synchronization
internal import Threads

/// Which hardware takes the filters of which blocks. All of this within the exclusive gate, which is what the kernel's lock of the
/// callback list is (L1): no request is under way.
extension Traffic {
    struct Hardware {
        /// By the bits that they have.
        var devices: [UInt64: any FilterDevice] = [:]
        /// Links that no hardware looks at.
        var unoffloaded: Set<String> = []
    }

    /// Another device takes filters, of all blocks with a link that hardware looks at.
    ///
    /// - Returns: blocks that it has nothing to do with, since it has no room for a filter that is for hardware alone (R4-86).
    @discardableResult
    public func add(_ device: any FilterDevice) -> [BlockIdentity.Place] {
        hardware.withLock { hardware in
            guard let bit = (0..<64).map({ UInt64(1) << $0 }).first(where: { hardware.devices[$0] == nil }) else {
                return
            }
            hardware.devices[bit] = device
        }
        return allBlocks.compactMap { block in (try? update(block)) == nil ? block.identity.place : nil }
    }

    public func remove(_ device: any FilterDevice) {
        hardware.withLock { hardware in hardware.devices = hardware.devices.filter { $1 !== device } }
        for block in allBlocks { try? update(block) }
    }

    /// Whether hardware looks at the packets of a link.
    public func setOffloaded(_ device: String, _ isOffloaded: Bool) {
        let isNews = hardware.withLock { hardware in
            isOffloaded
                ? hardware.unoffloaded.remove(device) != nil : hardware.unoffloaded.insert(device).inserted
        }
        if isNews { for block in allBlocks where block.isBound(to: device) { try? update(block) } }
    }

    /// R4-85.
    public func checkBinding(of device: String, to place: BlockIdentity.Place) throws(FIBError) {
        guard hardware.withLock({ $0.unoffloaded.contains(device) }), let block = block(place), block.hasOffloaded
        else {
            return
        }
        throw FIBError(
            .eopnotsupp, .unsupported,
            "block \(place) has filters in hardware, which doesn't look at '\(device)': its offload is off",
            rule: "R4-85")
    }

    /// The devices that take the filters of a block, by the links that it is bound to now.
    ///
    /// Throws ENOSPC if one that came has no room for a filter that is for hardware alone; it then has nothing to do with the block.
    public func update(_ block: Block) throws(FIBError) {
        let hardware = hardware.withLock { $0 }
        let bindings = block.state.withLock { $0.bindings }
        let isLookedAt = bindings.contains { !hardware.unoffloaded.contains($0.device) }
        let lacksSome = bindings.contains { hardware.unoffloaded.contains($0.device) } || hardware.devices.isEmpty
        let former = block.offload.load(ordering: .acquiring)?.members ?? []
        let wanted = isLookedAt ? hardware.devices : [:]
        for member in former where wanted[member.bit] !== member.device { block.leave(member) }
        var members = former.filter { wanted[$0.bit] === $0.device }
        var refusal: FIBError?
        for (bit, device) in wanted.sorted(by: { $0.key < $1.key }) where !members.contains(where: { $0.bit == bit }) {
            let member = Offload.Member(bit: bit, device: device)
            do throws(FIBError) {
                try block.join(member)
                members.append(member)
            } catch {
                refusal = error
            }
        }
        let isNone = members.isEmpty && bindings.isEmpty
        block.offload.store(
            isNone ? nil : Offload(members, lacksSome: lacksSome || refusal != nil), ordering: .releasing)
        if let refusal { throw refusal }
    }
}

extension Block {
    fileprivate func isBound(to device: String) -> Bool {
        state.withLock { $0.bindings.contains { $0.device == device } }
    }

    /// O(filters), up to the first that is in hardware.
    fileprivate var hasOffloaded: Bool { walk { _, filter in filter.taken == 0 } == false }

    /// All templates and filters, as they are listed (R4-86). What it took it gives back if it can't take all that it must.
    fileprivate func join(_ member: Offload.Member) throws(FIBError) {
        for (chain, told) in chains {
            if let template = told.template { member.device.prepare(chain.identity, template) }
        }
        var refusal: FIBError?
        let alone = Offload([member], lacksSome: false)
        walk { proto, filter in
            if filter.content.flags.contains(.skipHW) { return true }
            do throws(FIBError) {
                let taken = try alone.offer(
                    OfferedFilter(proto: proto, content: filter.content), filter.content.unsupportedAction)
                filter.setTaken(filter.taken | taken)
                return true
            } catch {
                refusal = error
                return false
            }
        }
        guard let refusal else { return }
        leave(member)
        throw refusal
    }

    fileprivate func leave(_ member: Offload.Member) {
        walk { proto, filter in
            if filter.taken & member.bit != 0 {
                member.device.remove(OfferedFilter(proto: proto, content: filter.content))
                filter.setTaken(filter.taken & ~member.bit)
            }
            return true
        }
        for (chain, told) in chains {
            if let template = told.template { member.device.forget(chain.identity, template) }
        }
    }

    /// All filters, as they are listed, until `body` wants no more; whether it wanted all.
    @discardableResult
    private func walk(_ body: (ProtoIdentity, StoredFilter) -> Bool) -> Bool {
        for (chain, _) in chains {
            for proto in chain.listed {
                var cursor = proto.classifier.image.cursor()
                while let (_, filter) = cursor.next() { guard body(proto.identity, filter) else { return false } }
            }
        }
        return true
    }
}
