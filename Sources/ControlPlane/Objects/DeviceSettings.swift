internal import ChangeLog

/// What a device is set to, as an object that is kept. What it means is known to those who make the device.
public struct DeviceSettings: Hashable, Sendable {
    public let name: String
    /// The entry, its name among it, as RFC 8785 has it: sorted, no white space.
    public let entry: String

    public init(name: String, entry: String) {
        self.name = name
        self.entry = entry
    }
}

/// The settings of devices that are kept. They belong to no namespace, there are few of them, and their names have more bytes
/// than keys of images have room for.
public struct DeviceObjects: Sendable {
    /// By name.
    public private(set) var all: [StoredObject] = []
    /// Whether there ever was one in this history.
    public private(set) var hasHadAny: Bool

    init(hasHadAny: Bool = false) { self.hasHadAny = hasHadAny }

    public subscript(name: String) -> StoredObject? { all.first { $0.device?.name == name } }

    /// Count and digest.
    var summary: Summary { all.reduce(into: Summary()) { $0.add($1.hash) } }

    /// Puts an object in its place.
    mutating func set(_ object: StoredObject) {
        guard let name = object.device?.name else { preconditionFailure("a \(object.kind) among the devices") }
        remove(name)
        all.insert(object, at: all.firstIndex { $0.device.map { $0.name > name } ?? false } ?? all.endIndex)
        hasHadAny = true
    }

    mutating func remove(_ name: String) { all.removeAll { $0.device?.name == name } }

    mutating func apply(_ change: ObjectChange) {
        if let new = change.new {
            set(new)
        } else if let name = change.old?.device?.name {
            remove(name)
            hasHadAny = true
        }
    }
}
