internal import Routing

/// One copy of each distinct route info of a namespace (R1-22). The references are counted by Swift; infos that no
/// route, log record or snapshot holds any more are swept out when half as many have come, or routes gone, as there were
/// after the last sweep: so a sweep costs each change a constant, and little is left of a table that is gone.
///
/// Guarded by the namespace's lock, so drafts, which hold none, leave it alone; a reference, so that copying a namespace's
/// state for a draft doesn't copy it.
final class SharedInfos {
    private var infos: Set<RouteInfo> = []
    /// How many more may come, or routes go, before the next sweep.
    private var patience = leastPatience
    private static let leastPatience = 1_024
    /// What came in lately, and what is kept for it, each in the one place that its address gives it: rows of an import
    /// bring the same few objects again and again.
    private var latest: [(given: RouteInfo, kept: RouteInfo)?] = Array(repeating: nil, count: latestCount)
    private static let latestCount = 256

    func shared(_ info: RouteInfo) -> RouteInfo {
        // Objects lie at multiples of 16.
        let place = Int(UInt(bitPattern: ObjectIdentifier(info)) &>> 4) & (Self.latestCount - 1)
        if let latest = latest[place], latest.given === info { return latest.kept }
        let kept = keep(info)
        latest[place] = (info, kept)
        return kept
    }

    private func keep(_ info: RouteInfo) -> RouteInfo {
        if let index = infos.firstIndex(of: info) { return infos[index] }
        // An object of its own, for the reason that `TableIdentity.copy` gives.
        let kept = RouteInfo(info.fields)
        infos.insert(kept)
        spend(1)
        return kept
    }

    /// Routes have gone, or others have taken their places.
    func released(_ count: Int) { spend(count) }

    private func spend(_ count: Int) {
        patience -= count
        if patience < 0 { sweep() }
    }

    var count: Int { infos.count }

    /// Whether one is so; perhaps of one that no route has any more. O(infos).
    func contains(where isMeant: (RouteInfo) -> Bool) -> Bool { infos.contains(where: isMeant) }

    private func sweep() {
        latest = Array(repeating: nil, count: Self.latestCount)
        var candidates = Array(infos)
        infos = []
        for index in candidates.indices.reversed() {
            // Unique means: only this array still refers to it.
            if isKnownUniquelyReferenced(&candidates[index]) {
                candidates.swapAt(index, candidates.count - 1); candidates.removeLast()
            }
        }
        infos = Set(candidates)
        patience = max(Self.leastPatience, infos.count / 2)
    }
}
