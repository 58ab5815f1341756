internal import Atomics
internal import ChangeLog
public import Routing
internal import Synchronization
internal import Threads

/// Which links there are, and which hardware takes the filters of which blocks. All of this within the exclusive gate, which is what
/// the kernel's lock of the callback list is (L1): no request is under way.
extension Traffic {
    struct Surroundings {
        /// By the bits that they have.
        var devices: [UInt64: any FilterDevice] = [:]
        /// Whether hardware looks at it, by the name of a link.
        var links: [String: Bool] = [:]

        /// One that is gone is as it is by default.
        func isOffloaded(_ link: String) -> Bool { links[link] ?? true }
    }

    /// Another device takes filters, of all blocks with a link that hardware looks at.
    ///
    /// - Returns: blocks that it has nothing to do with, since it has no room for a filter that is for hardware alone (R4-86).
    @discardableResult
    public func add(_ device: any FilterDevice) -> [BlockIdentity.Place] {
        surroundings.withLock { surroundings in
            let bits = (0..<64).map { UInt64(1) << $0 }
            guard let bit = bits.first(where: { surroundings.devices[$0] == nil }) else { return }
            surroundings.devices[bit] = device
        }
        return allBlocks.compactMap { block in (try? update(block)) == nil ? block.identity.place : nil }
    }

    public func remove(_ device: any FilterDevice) {
        surroundings.withLock { $0.devices = $0.devices.filter { $1 !== device } }
        for block in allBlocks { try? update(block) }
    }

    /// A link is there.
    ///
    /// - Parameter isOffloaded: whether hardware looks at its packets; nil if the link is gone.
    public func setLink(_ name: String, isOffloaded: Bool?) {
        let isNews = surroundings.withLock { surroundings in
            let before = surroundings.isOffloaded(name)
            surroundings.links[name] = isOffloaded
            return surroundings.isOffloaded(name) != before
        }
        if isNews { for block in allBlocks where block.isBound(to: name) { try? update(block) } }
    }

    /// Throws ENODEV if there is no such link. What a request finds within the gate is so until it is done.
    func checkLink(_ name: String, rule: String) throws(FIBError) {
        if surroundings.withLock({ $0.links[name] != nil }) { return }
        throw FIBError(.enodev, .linkNotFound, "there is no link '\(name)'", rule: rule)
    }

    /// R4-85.
    public func checkBinding(of device: String, to place: BlockIdentity.Place) throws(FIBError) {
        if surroundings.withLock({ $0.isOffloaded(device) }) { return }
        guard let block = block(place), block.hasOffloaded else { return }
        throw FIBError(
            .eopnotsupp, .unsupported,
            "block \(place) has filters in hardware, which doesn't look at '\(device)': its offload is off",
            rule: "R4-85")
    }

    /// The devices that take the filters of a block, by the links that it is bound to now.
    ///
    /// Throws ENOSPC if one that came has no room for a filter that is for hardware alone; it then has nothing to do with the block.
    public func update(_ block: Block) throws(FIBError) {
        let surroundings = surroundings.withLock { $0 }
        let bindings = block.state.withLock { $0.bindings }
        let isLookedAt = bindings.contains { surroundings.isOffloaded($0.device) }
        let lacksSome = bindings.contains { !surroundings.isOffloaded($0.device) } || surroundings.devices.isEmpty
        let former = block.offload.load(ordering: .acquiring)?.members ?? []
        let wanted = isLookedAt ? surroundings.devices : [:]
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
