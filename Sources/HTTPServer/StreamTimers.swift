/// When streams want to be looked at: a binary heap of times, at most a few entries a stream.
struct StreamTimers {
    private var heap: [(time: UInt64, stream: EventStream)] = []

    var next: UInt64 { heap.first?.time ?? .max }

    /// Sees to it that `due` reports the stream at `time` or soon after. Only an earlier time than the one already set
    /// costs an entry: a deadline that moves on, as heartbeats do, is found out when the old time comes.
    mutating func set(_ time: UInt64, for stream: EventStream) {
        stream.deadline = time
        guard time < stream.timer else { return }
        stream.timer = time
        heap.append((time, stream))
        var child = heap.count - 1
        while child > 0, heap[child].time < heap[(child - 1) / 2].time {
            heap.swapAt(child, (child - 1) / 2)
            child = (child - 1) / 2
        }
    }

    /// The next stream whose deadline has passed; nil when there is none.
    mutating func popDue(now: UInt64) -> EventStream? {
        while let first = heap.first, first.time <= now {
            removeFirst()
            let stream = first.stream
            guard stream.timer == first.time, stream.stage != .closed else { continue }
            stream.timer = .max
            if stream.deadline <= now {
                stream.deadline = .max
                return stream
            }
            if stream.deadline != .max { set(stream.deadline, for: stream) }
        }
        return nil
    }

    private mutating func removeFirst() {
        heap.swapAt(0, heap.count - 1)
        heap.removeLast()
        var parent = 0
        while true {
            var least = parent
            for child in 2 * parent + 1...2 * parent + 2 where child < heap.count {
                if heap[child].time < heap[least].time { least = child }
            }
            guard least != parent else { return }
            heap.swapAt(parent, least)
            parent = least
        }
    }
}
