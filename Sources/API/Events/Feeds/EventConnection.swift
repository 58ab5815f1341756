internal import HTTPServer
internal import Threads

/// A feed as the server sees it.
final class EventConnection: EventSource {
    private let hub: EventHub
    let feed: EventFeed

    init(hub: EventHub, feed: EventFeed) {
        self.hub = hub
        self.feed = feed
    }

    // Also for a connection that was gone before its stream was opened.
    deinit { hub.close(feed) }

    func opened(_ stream: EventStream) { hub.state.withLock { _ in feed.stream = stream } }
    func fill(_ output: inout StreamOutput, now: UInt64) -> FillResult { hub.fill(feed, &output, now) }
    func closed() { hub.close(feed) }
}
