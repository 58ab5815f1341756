/// First in, first out. Streams join at the end and leave at the front.
struct StreamQueue {
    private var items: [EventStream?] = []
    private var head = 0

    var count: Int { items.count - head }
    var isEmpty: Bool { head == items.count }

    mutating func append(_ stream: EventStream) { items.append(stream) }

    mutating func popFirst() -> EventStream? {
        guard head < items.count else { return nil }
        let stream = items[head]
        items[head] = nil
        head += 1
        if head == items.count || head > 1_024 {
            items.removeSubrange(..<head)
            head = 0
        }
        return stream
    }
}
