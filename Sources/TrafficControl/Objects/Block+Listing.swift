public import ChangeLog
internal import Threads

extension Block {
    /// What is in it, in the order in which it is listed: with each proto its filters.
    public struct Contents: Sendable {
        public let chains: [(chain: StoredChain, protos: [(proto: ProtoIdentity, filters: [StoredFilter])])]
    }

    /// All that others see of it.
    public var contents: Contents {
        Contents(
            chains: chains.map { chain, told in (told, chain.listed.map { ($0.identity, $0.filters) }) })
    }
}

extension Proto {
    /// In order of their handles.
    var filters: [StoredFilter] {
        var cursor = classifier.image.cursor()
        var filters: [StoredFilter] = []
        while let (_, filter) = cursor.next() { filters.append(filter) }
        return filters
    }
}

extension Block {
    /// All that others see of it, for who keeps it: it never changes. With the gate held exclusively.
    public var image: [(chain: StoredChain, protos: [(identity: ProtoIdentity, filters: Image<UInt64, StoredFilter>)])]
    {
        chains.map { chain, told in (told, chain.listed.map { ($0.identity, $0.classifier.image) }) }
    }
}
