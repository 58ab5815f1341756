internal import Addressing
internal import ControlPlane
internal import HTTPServer
internal import Routing

/// Where a page of a list of objects ends: the names of its last row, which need not be there any more when the next page is
/// asked for.
struct ObjectCursor: Comparable {
    private let namespace: String
    /// Of a link or a neighbour.
    private let device: String?
    /// Of a neighbour.
    private let address: IPAddress?

    init(_ object: StoredObject) {
        namespace = object.namespace
        device = object.link?.name ?? object.neighbour?.device
        address = object.neighbour?.address
    }

    init(_ text: String) throws(Problem) {
        let parts = text.split(separator: "/", omittingEmptySubsequences: false).map(String.init)
        let address = parts.count == 3 ? try? IPAddress(parts[2]) : nil
        guard (1...3).contains(parts.count), ControlPlane.isValidNamespaceName(parts[0]),
            parts.count < 2 || isDeviceName(parts[1]), parts.count < 3 || address != nil
        else {
            throw .badParameter("after", "'\(text)' is not a cursor of a Link field")
        }
        namespace = parts[0]
        device = parts.count > 1 ? parts[1] : nil
        self.address = address
    }

    var text: String { [namespace, device, address.map { "\($0)" }].compactMap(\.self).joined(separator: "/") }

    private var key: ObjectKey {
        guard let device else { return .namespace }
        return address.map { .neighbour(device, $0) } ?? .link(device)
    }

    static func < (a: Self, b: Self) -> Bool {
        a.namespace != b.namespace ? a.namespace < b.namespace : a.key < b.key
    }
}
