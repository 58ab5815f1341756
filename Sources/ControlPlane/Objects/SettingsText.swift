internal import Addressing
internal import JSON
internal import PathAttributes
internal import Routing

/// Settings of a namespace, under the kernel's names; all but `fib_notify_on_flag_change` are left out at their defaults.
extension NamespaceSettings {
    func members(_ family: AddressFamily) -> JSONMembers {
        var members = JSONMembers()
        let policy = hashPolicy(family)
        if policy != .addresses { members.add("fib_multipath_hash_policy", number: UInt64(policy.rawValue)) }
        if family == .inet, usesNeighbours { members.add("fib_multipath_use_neigh", number: 1) }
        let notify = family == .inet ? notifyOnFlagChangeIPv4 : notifyOnFlagChangeIPv6
        members.add("fib_notify_on_flag_change", number: UInt64(notify))
        paths[family].add(to: &members, besides: PathSettings(family))
        return members
    }
}

extension PathSettings {
    fileprivate func add(to members: inout JSONMembers, besides defaults: PathSettings) {
        let flags: [(String, KeyPath<PathSettings, Bool>)] = [
            ("accept_redirects", \.acceptsRedirects), ("forwarding", \.isForwarding),
            ("secure_redirects", \.hasSecureRedirects), ("shared_media", \.hasSharedMedia),
        ]
        for (name, path) in flags where self[keyPath: path] != defaults[keyPath: path] {
            members.add(name, number: self[keyPath: path] ? 1 : 0)
        }
        let numbers: [(String, KeyPath<PathSettings, UInt32>)] = [
            ("min_pmtu", \.leastMTU), ("mtu_expires", \.mtuLifetime), ("redirect_expires", \.redirectLifetime),
        ]
        for (name, path) in numbers where self[keyPath: path] != defaults[keyPath: path] {
            members.add(name, number: UInt64(self[keyPath: path]))
        }
        if discovery != defaults.discovery { members.add("ip_no_pmtu_disc", number: UInt64(discovery.rawValue)) }
    }
}

extension PathConfiguration {
    func add(to members: inout JSONMembers) {
        let defaults = PeerLimits()
        if limits.threshold != defaults.threshold {
            members.add("inet_peer_threshold", number: UInt64(limits.threshold))
        }
        if limits.minimumIdle != defaults.minimumIdle {
            members.add("inet_peer_minttl", number: UInt64(limits.minimumIdle))
        }
        if limits.maximumIdle != defaults.maximumIdle {
            members.add("inet_peer_maxttl", number: UInt64(limits.maximumIdle))
        }
        if guards != PathGuards() { members.add("path_guards") { guards.members.append(to: &$0) } }
    }
}

extension PathGuards {
    fileprivate var members: JSONMembers {
        var members = JSONMembers()
        if messagesPerSecond != 0 { members.add("events_per_second", number: UInt64(messagesPerSecond)) }
        if !ignoredDestinations.isEmpty {
            members.add("ignore_destinations") { $0.appendList(ignoredDestinations.map(\.description)) }
        }
        if !ignoredSources.isEmpty {
            members.add("ignore_sources") { $0.appendList(ignoredSources.map(\.description)) }
        }
        if !floors.isEmpty {
            members.add("min_pmtu") { bytes in
                for (index, floor) in floors.enumerated() {
                    bytes.appendASCII(index == 0 ? "[" : ",")
                    var members = JSONMembers()
                    members.add("mtu", number: UInt64(floor.mtu))
                    members.add("prefix", text: "\(floor.prefix)")
                    members.append(to: &bytes)
                }
                bytes.appendASCII("]")
            }
        }
        if peersPerSource != 0 { members.add("peers_per_source", number: UInt64(peersPerSource)) }
        return members
    }
}
