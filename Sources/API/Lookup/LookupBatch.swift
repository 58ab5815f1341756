internal import Addressing
internal import ControlPlane
internal import Routing

/// The answers of one request for many, all from one state.
struct LookupBatch {
    private let handlers: LookupHandlers
    private let options: LookupHandlers.Options
    private let view: Forwarding
    private let entries = EntryWriter()
    private var inet: Shared
    private var inet6: Shared
    /// What so many will look at is being loaded meanwhile.
    private static var ahead: Int { 8 }

    /// What the answers of one family share. `view` holds all that they name.
    private struct Shared {
        let tables: PlainTables
        var templates = LookupTemplates()
    }

    init(_ handlers: LookupHandlers, _ options: LookupHandlers.Options, _ view: Forwarding) {
        self.handlers = handlers
        self.options = options
        self.view = view
        inet = Shared(tables: view.plainTables(.inet))
        inet6 = Shared(tables: view.plainTables(.inet6))
    }

    mutating func append(_ destinations: [IPAddress], to bytes: inout [UInt8]) throws(Problem) {
        bytes.reserveCapacity(bytes.count + 256 * destinations.count)
        for (index, destination) in destinations.enumerated() {
            if index + Self.ahead < destinations.count { prefetch(destinations[index + Self.ahead]) }
            if index > 0 { bytes.append(UInt8(ascii: ",")) }
            if options.wantsRoute || options.explains {
                handlers.append(try options.query(destination), options, view, entries, to: &bytes)
            } else if destination.family == .inet {
                try Self.append(destination, options, view, &inet, to: &bytes)
            } else {
                try Self.append(destination, options, view, &inet6, to: &bytes)
            }
        }
    }

    private func prefetch(_ destination: IPAddress) {
        if destination.family == .inet { inet.tables.prefetch(destination) } else { inet6.tables.prefetch(destination) }
    }

    private static func append(
        _ destination: IPAddress, _ options: LookupHandlers.Options, _ view: Forwarding, _ shared: inout Shared,
        to bytes: inout [UInt8]
    ) throws(Problem) {
        // Of which something is known there is no other answer like it.
        let isKnown = view.hasPeers(destination.family) && view.peer(destination) != nil
        let find = isKnown ? nil : shared.tables.first(destination)
        if let find, shared.templates.append(find, to: destination, &bytes) { return }
        let query = try options.query(destination)
        let answer = LookupAnswer(view, query)
        var gaps = LookupAnswer.Gaps()
        let start = bytes.count
        answer.append(to: &bytes, &gaps)
        if let find, answer.isCommon(to: find) { shared.templates.add(find, bytes, from: start, gaps) }
    }
}
