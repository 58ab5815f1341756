internal import ChangeLog
internal import ControlPlane

/// What a client asked of `GET /v1/events`, checked.
struct EventRequest: Sendable {
    var filter = EventFilter()
    var wire = EventWire()
    /// Absent: no cursor was given.
    var cursorText: String?
    var replays = true
    /// `replay=full` was asked for, not only the default.
    var insistsOnReplay = false
    var endsAtSync = false
    var onOverflow = ListenerSettings.Overflow.reset
    var heartbeatSeconds = 15
    /// Errors are told as events of the stream, since an `EventSource` gives up for good on any status but 200.
    var errorsInBand = true
}

/// How a stream begins, decided from the request and the history.
enum StreamStart: Sendable {
    case replay(reason: String?)
    case resume(ChangeSequence)
    case live

    init(_ request: EventRequest, epoch: String, filterDigits: String, _ mark: Log<Change>.Mark) {
        guard let text = request.cursorText else {
            self = request.replays ? .replay(reason: nil) : .live
            return
        }
        do {
            let cursor = try EventCursor(parsing: text)
            try cursor.check(epoch: epoch, filterDigits: filterDigits, mark)
            self = .resume(min(cursor.sequence, mark.head))
        } catch {
            self = .replay(reason: error.rawValue)
        }
    }
}
