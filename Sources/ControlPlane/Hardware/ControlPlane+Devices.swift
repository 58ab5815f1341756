public import ChangeLog
public import Routing
internal import Synchronization
internal import Threads
public import TrafficControl

extension ControlPlane {
    /// A device begins: from now on, routes that become the first of their prefix are for it to program, if they agree. Those
    /// that are there already are as they were until it answers for them.
    ///
    /// One of that name that is still there goes first: to followers, a device is its name.
    ///
    /// - Parameter filters: what of it takes filters, if anything does.
    public func addDevice(
        _ name: String, _ selection: RouteSelection, filters: (any FilterDevice)? = nil
    ) -> Device {
        let device = gate.withExclusive {
            if let former = presentDevices.all.first(where: { $0.name == name }) {
                change(former) { $0.remove(former.line) }
                if let filters = filterDevices.withLock({ $0.removeValue(forKey: former.line) }) {
                    for namespace in namespaces.withLock({ $0 }) { namespace.traffic.remove(filters) }
                }
            }
            let begin = log.upcoming
            let device = Device(name: name, line: begin, generation: begin, selection: selection)
            change(device) { $0.set(device) }
            if let filters {
                filterDevices.withLock { $0[device.line] = filters }
                for namespace in namespaces.withLock({ $0 }) { namespace.traffic.add(filters) }
            }
            return device
        }
        committed()
        return device
    }

    /// A device from before a restart of the server is told to be gone: what it said then is not known any more, and who goes on
    /// after a cursor of then must not believe it. At the start, before anyone is told of anything.
    public func forgetDevice(_ name: String) {
        _ = gate.withExclusive {
            change(Device(name: name, line: .zero, generation: .zero, selection: RouteSelection())) { _ in }
        }
        committed()
    }

    /// It begins anew: what it said before counts as pending, without a change for each route. Nil if it is gone.
    public func restartDevice(_ line: ChangeSequence) -> Device? {
        let device: Device? = gate.withExclusive {
            guard var device = devices.withLock({ $0.device(line) }) else { return nil }
            device.generation = log.upcoming
            let renewed = device
            change(renewed) { $0.set(renewed) }
            if let filters = filterDevices.withLock({ $0[line] }) {
                for namespace in namespaces.withLock({ $0 }) {
                    namespace.traffic.remove(filters)
                    namespace.traffic.add(filters)
                }
            }
            return renewed
        }
        if device != nil { committed() }
        return device
    }

    /// It is gone, and what it said with it. The number of the change; nil if it is gone already.
    @discardableResult
    public func removeDevice(_ line: ChangeSequence) -> ChangeSequence? {
        let end: ChangeSequence? = gate.withExclusive {
            guard let device = devices.withLock({ $0.device(line) }) else { return nil }
            progress.withLock { $0[line] = nil }
            if let filters = filterDevices.withLock({ $0.removeValue(forKey: line) }) {
                for namespace in namespaces.withLock({ $0 }) { namespace.traffic.remove(filters) }
            }
            return change(device) { $0.remove(line) }
        }
        if end != nil { committed() }
        return end
    }

    /// A device is through with every change up to here: what was deleted is not in it any more.
    public func noteProgress(of line: ChangeSequence, upTo sequence: ChangeSequence) {
        guard presentDevices.device(line) != nil else { return }
        let isNews = progress.withLock { progress in
            if progress[line] ?? .zero >= sequence { return false }
            progress[line] = sequence
            return true
        }
        if isNews { hooks.withLock { $0.progress }() }
    }

    /// Called when a device has got further, with no lock held. It must not block.
    public func whenDevicesProgress(_ action: @escaping @Sendable () -> Void) {
        hooks.withLock { $0.progress = action }
    }

    /// Whether what was deleted up to here is out of the device: it is through with that, has begun anew since, or is gone.
    public func hasRemoved(
        _ line: ChangeSequence, _ generation: ChangeSequence, _ sequence: ChangeSequence
    ) -> Bool {
        guard let device = presentDevices.device(line), device.generation == generation else { return true }
        return progress.withLock { $0[line] ?? .zero } >= sequence
    }

    /// Why no device has anything to do with a route, if none has: in one word.
    public func reasonWithoutHardware(_ table: TableIdentity, _ key: RouteKey, _ info: RouteInfo) -> StaticString {
        if !presentDevices.includes(table, key, info) { return "no-device" }
        let isForHardware = (try? namespace(table.namespace))?.state.withLock { $0.isForHardware(info) } ?? true
        return isForHardware ? "not-first" : "link-not-offloaded"
    }

    /// All devices, as they are now.
    public var presentDevices: Devices { hasDevices.load(ordering: .acquiring) ? devices.withLock { $0 } : Devices() }

    /// What rows say besides entries, as it is now.
    public var presentContext: RowContext {
        let links = hasImpairments.load(ordering: .acquiring) ? impairments.withLock { $0 } : [:]
        return RowContext(devices: presentDevices, impairments: links)
    }

    /// Within the exclusive gate.
    @discardableResult
    private func change(_ device: Device, _ edit: (inout Devices) -> Void) -> ChangeSequence {
        let all = devices.withLock { devices in
            edit(&devices)
            return devices
        }
        hasDevices.store(!all.isEmpty, ordering: .releasing)
        for namespace in namespaces.withLock({ $0 }) { namespace.state.withLock { $0.devices = all } }
        return log.append { sequence in
            Change(sequence: sequence, operation: .restart, object: .device(DeviceChange(device, all)), batch: nil)
        }
    }
}
