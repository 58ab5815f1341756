import Addressing
import ChangeLog
import Routing

/// A table to try rules on: verbs as `ip route` has them, routes by a word or two.
struct RouteLab {
    var table: RouteTable
    private var sequence = ChangeSequence.zero

    init(_ family: AddressFamily) { table = RouteTable(family: family) }

    /// What a verb came to, in the words of change events; an errno if it was refused.
    enum Outcome: Equatable, CustomStringConvertible {
        case did(ChangeOperation)
        case unchanged
        case refused(FIBError.Errno, rule: String?)

        var description: String {
            switch self {
            case .did(let operation): "\(operation)"
            case .unchanged: "unchanged"
            case .refused(let errno, let rule): "\(errno.rawValue) \(rule ?? "")"
            }
        }
    }

    mutating func run(
        _ verb: RouteVerb, _ prefix: String, metric: UInt32? = nil, tos: UInt8 = 0, dev: String? = nil,
        via: [String] = [], type: RouteType = .unicast, protocol: RouteProtocol = .boot
    ) -> Outcome {
        do {
            var fields = RouteInfo.Fields()
            fields.type = type
            fields.protocol = `protocol`
            fields.scope = table.family == .inet ? type.minimumScope : .global
            fields.nextHops = try via.map { NextHop(gateway: try IPAddress($0), device: dev ?? "") }
            if via.isEmpty, let dev { fields.nextHops = [NextHop(device: dev)] }
            return run(
                verb, try Route.validated(prefix: try Prefix(prefix), tos: tos, metric: metric, fields: fields))
        } catch let error as FIBError {
            return .refused(error.errno, rule: error.rule)
        } catch {
            return .refused(.einval, rule: nil)
        }
    }

    mutating func run(_ verb: RouteVerb, _ route: Route) -> Outcome {
        do throws(FIBError) {
            switch try table.decide(verb, route) {
            case .unchanged: return .unchanged
            case .edit(let edit):
                apply(edit)
                return .did(edit.operation)
            }
        } catch {
            return .refused(error.errno, rule: error.rule)
        }
    }

    mutating func delete(
        _ prefix: String, metric: UInt32? = nil, tos: UInt8 = 0, dev: String? = nil, via: [String] = [],
        type: RouteType? = nil
    ) -> Outcome {
        do {
            var selector = RouteSelector(prefix: try Prefix(prefix))
            selector.metric = metric
            selector.tos = tos
            selector.type = type
            selector.nextHops = try via.map { NextHop(gateway: try IPAddress($0), device: dev ?? "") }
            if via.isEmpty, let dev { selector.nextHops = [NextHop(device: dev)] }
            return delete(selector)
        } catch {
            return .refused(.einval, rule: nil)
        }
    }

    mutating func delete(_ selector: RouteSelector) -> Outcome {
        do throws(FIBError) {
            let edit = try table.decideDelete(selector)
            apply(edit)
            return .did(edit.operation)
        } catch {
            return .refused(error.errno, rule: error.rule)
        }
    }

    private mutating func apply(_ edit: RouteEdit) {
        sequence = sequence.next
        let info = edit.info
        let hash = EntryHash(high: UInt64(bitPattern: Int64(info?.hashValue ?? 0)), low: sequence.rawValue)
        table.apply(edit, version: sequence, hash: hash)
        table._checkInvariants()
    }

    /// The routes of a prefix in order, each as its metric, tos and ways out.
    func routes(_ prefix: String) -> [String] {
        guard let prefix = try? Prefix(prefix) else { return [] }
        return table.routes(of: prefix).map { route in
            let hops = route.value.info.nextHops.map { hop in
                (hop.gateway.map { "\($0)" } ?? "") + (hop.device.isEmpty ? "" : "%\(hop.device)")
            }
            let tos = route.key.tos == 0 ? "" : "tos \(route.key.tos) "
            return "\(tos)m\(route.key.metric) \(hops.joined(separator: "+"))"
        }
    }
}
