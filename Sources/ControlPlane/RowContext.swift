internal import ChangeLog
public import Routing

/// What rows of routes say besides the entries follows from, as of one number.
public struct RowContext: Hashable, Sendable {
    public internal(set) var devices: Devices
    /// Links with which something is wrong, by namespace and name. Namespaces in which there are none are left out.
    public internal(set) var impairments: [String: [String: LinkImpairment]]

    public init() { self.init(devices: Devices(), impairments: [:]) }

    init(devices: Devices, impairments: [String: [String: LinkImpairment]]) {
        self.devices = devices
        self.impairments = impairments
    }

    /// Goes on to where this change was made; whether that made a difference.
    public mutating func follow(_ change: Change) -> Bool {
        switch change.object {
        case .device(let device): devices = device.devices
        case .object(let object) where object.object.kind == .link: follow(object)
        default: return false
        }
        return true
    }

    private mutating func follow(_ change: ObjectChange) {
        guard let name = change.object.link?.name else { return }
        let impairment = change.new.flatMap { new in
            new.link.map { LinkImpairment($0, hasCarrier: new.status.hasCarrier) }
        }
        var links = impairments[change.object.namespace] ?? [:]
        links[name] = impairment == LinkImpairment.none ? nil : impairment
        impairments[change.object.namespace] = links.isEmpty ? nil : links
    }
}
