import Addressing
import ChangeLog
import Routing
import TestSupport
import Testing
import Threads

@testable import ControlPlane

/// Steps on a few routes, and what a member of the chain hears at each of them.
struct ChainScenario {
    let plane = ControlPlane(limits: ControlPlane.Limits(logBytes: 4 << 20))
    let member: RecordingMember
    private var steps: [ChangeSequence] = []

    init(_ member: RecordingMember = RecordingMember()) throws {
        self.member = member
        try plane.register(member, scope: .all)
    }

    mutating func add(_ text: String, metric: UInt32 = 1_024, tos: UInt8 = 0, _ hops: String...) throws {
        try write(.add, text, metric, tos, hops)
    }

    mutating func append(_ text: String, metric: UInt32 = 1_024, _ hops: String...) throws {
        try write(.append, text, metric, 0, hops)
    }

    mutating func prepend(_ text: String, metric: UInt32 = 1_024, _ hops: String...) throws {
        try write(.prepend, text, metric, 0, hops)
    }

    mutating func replace(_ text: String, metric: UInt32 = 1_024, _ hops: String...) throws {
        try write(.replace, text, metric, 0, hops)
    }

    private mutating func write(
        _ verb: RouteVerb, _ text: String, _ metric: UInt32, _ tos: UInt8, _ hops: [String]
    ) throws {
        let write = try routeWrite(plane, text, metric: metric, tos: tos, hops)
        steps.append(try #require(try plane.write(verb, write)).sequence)
    }

    mutating func delete(_ text: String, metric: UInt32? = nil, tos: UInt8 = 0, _ hops: String...) throws {
        let prefix = try Prefix(text)
        var selector = RouteSelector(prefix: prefix)
        selector.metric = metric
        selector.tos = tos
        selector.nextHops = hops.map(nextHop)
        steps.append(try #require(try plane.delete("default", .main, selector)).sequence)
    }

    /// All routes of the device go, as they do when its link does.
    mutating func lose(_ device: String) throws {
        steps.append(try set(device, isUp: false))
    }

    /// The link is there from then on.
    @discardableResult
    mutating func set(_ device: String, isUp: Bool) throws -> ChangeSequence {
        var edit = LinkEdit(name: device)
        edit.isUp = isUp
        return try plane.change(ObjectOperation("default", .putLink(edit))).sequence
    }

    /// Of each step, what the member has heard of it; a dash where that was nothing.
    func heard() throws -> [String] {
        settle()
        let heard = member.now.heard
        return steps.map { step in
            let texts = heard.filter { $0.sequence == step }.map(\.text)
            return texts.isEmpty ? "–" : texts.joined(separator: " ")
        }
    }

    /// Waits until the member has heard everything.
    func settle() { settleChain(plane, member) }

    var calls: UInt64 { (try? plane.namespace("default").state.withLock { $0.chain.calls.sum }) ?? 0 }

    var routes: Int { plane.snapshot().summary(of: RouteSelection()).count }
}

/// Makes one more change, takes it back, and waits until the member has heard of that.
func settleChain(_ plane: ControlPlane, _ member: RecordingMember) {
    do {
        let last = try routeWrite(plane, "203.0.113.255/32", metric: 7, ["last"])
        var selector = RouteSelector(prefix: last.route.prefix)
        selector.metric = 7
        _ = try plane.write(.add, last)
        let sequence = try #require(try plane.delete("default", .main, selector)).sequence
        #expect(eventually { member.now.heard.last?.sequence == sequence })
    } catch {
        Issue.record("\(error)")
    }
}

func routeWrite(
    _ plane: ControlPlane, _ text: String, _ namespace: String = "default", metric: UInt32 = 1_024, tos: UInt8 = 0,
    _ hops: [String]
) throws -> RouteWrite {
    let prefix = try Prefix(text)
    var fields = RouteInfo.Fields()
    fields.nextHops = hops.map(nextHop)
    let route = try Route.validated(prefix: prefix, tos: tos, metric: metric, fields: fields)
    return RouteWrite(try plane.table(namespace, prefix.family, .main), route, EntryWriter())
}

/// An address, or else a device.
private func nextHop(_ text: String) -> NextHop {
    (try? IPAddress(text)).map { NextHop(gateway: $0) } ?? NextHop(device: text)
}
