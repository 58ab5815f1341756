/// The members of an object of `tc -json`, in the order of their names, none twice.
///
/// There are a handful, so they lie side by side: nothing is hashed, and they are written as they lie.
public struct FlowMembers: Hashable, Sendable, ExpressibleByDictionaryLiteral {
    public struct Member: Hashable, Sendable {
        public let name: String
        public var value: FlowValue
    }

    private var members: [Member] = []

    public init() {}

    /// Of two with the same name the last one counts.
    public init(_ members: some Sequence<(String, FlowValue)>) {
        for (name, value) in members { self[name] = value }
    }

    public init(dictionaryLiteral elements: (String, FlowValue)...) { self.init(elements) }

    public var names: [String] { members.map(\.name) }

    /// O(members). Nil for one that isn't there; to set nil removes it.
    public subscript(name: String) -> FlowValue? {
        get { members.first { $0.name == name }?.value }
        set {
            guard let newValue else { return members.removeAll { $0.name == name } }
            // Mostly they come in order.
            guard let last = members.last, last.name >= name else {
                return members.append(Member(name: name, value: newValue))
            }
            let place = members.firstIndex { $0.name >= name } ?? members.count
            if members[place].name == name {
                members[place].value = newValue
            } else {
                members.insert(Member(name: name, value: newValue), at: place)
            }
        }
    }

    /// With all members of another, which count where both have one.
    public func adding(_ others: FlowMembers) -> FlowMembers {
        var members = self
        for other in others { members[other.name] = other.value }
        return members
    }
}

extension FlowMembers: RandomAccessCollection {
    public var startIndex: Int { 0 }
    public var endIndex: Int { members.count }
    public subscript(place: Int) -> Member { members[place] }
}
