internal import ControlPlane
internal import Routing
internal import Threads

/// What requests about one route share with those before them: tables have few infos for many routes, and most of an
/// entry's text is made of its info.
///
/// One request at a time uses it; who finds it in use does without, so that no one ever waits for it.
final class RouteMemory: Sendable {
    private let plane: ControlPlane
    // Before the gate: while it is held, the namespace is asked for a table. No body is read and nothing is committed.
    private let builder: Locked<RouteBuilder>

    init(_ plane: ControlPlane) {
        self.plane = plane
        builder = Locked(
            RouteBuilder(plane, RouteDefaults(), keepsTables: false), rank: LockRank(6, "route memory"))
    }

    func write(
        _ input: RouteInput, _ defaults: RouteDefaults, _ condition: WriteCondition
    ) throws(FIBError) -> RouteWrite {
        let write = try builder.withLockIfAvailable { (builder) throws(FIBError) in
            builder.begin(defaults)
            return try builder.write(input, condition)
        }
        if let write { return write }
        var builder = RouteBuilder(plane, defaults)
        return try builder.write(input, condition)
    }

    func appendRow(_ table: TableIdentity, _ route: PlacedRoute, to bytes: inout [UInt8]) {
        let context = plane.presentContext
        let written: Void? = builder.withLockIfAvailable { builder in
            builder.writer.use(context)
            builder.writer.append(table, route.key, route.value, as: ListedForm(), to: &bytes)
        }
        if written == nil { RouteEntry.appendRow(table, route, context, to: &bytes) }
    }
}
