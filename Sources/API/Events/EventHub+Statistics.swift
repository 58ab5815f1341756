internal import ChangeLog
internal import ControlPlane
internal import Threads

/// How it goes with streams.
struct StreamStatistics: Sendable {
    /// Those that are sent a replay, or wait for it.
    var replaying = 0
    /// Those that are told of changes as they come.
    var live = 0
    /// Filters that classes are kept for.
    var filters = 0
    /// Of the stream that is furthest behind: changes of the log that it hasn't been sent, and what they take there.
    var lag = (changes: 0, bytes: 0)
    /// `reset` events since the start, for whatever reason.
    var resets: UInt64 = 0
    /// What replays keep for others, in bytes, and how much it may be.
    var cache = (bytes: 0, limit: 0)
}

extension EventHub {
    func statistics() -> StreamStatistics {
        var (result, furthest) = (StreamStatistics(), ChangeSequence.max)
        state.withLock { state in
            for feed in state.feeds.values {
                guard let position = feed.position else {
                    result.replaying += 1
                    continue
                }
                result.live += 1
                furthest = min(furthest, position)
            }
            result.filters = state.classes.count
            result.resets = state.reader.resets
            result.cache = (cache.bytes, cache.limit)
        }
        if furthest < .max {
            let behind = plane.log.retained(after: furthest)
            result.lag = (behind.records, behind.bytes)
        }
        return result
    }
}
