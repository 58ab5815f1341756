internal import ChangeLog
internal import ControlPlane
internal import Threads

extension EventHub {
    /// Finds out, on a thread for such things, what hardware makes of all routes of a class.
    func walk(_ group: EventClass) {
        let filter = group.filter
        let isTaken = walkers.submit {
            var snapshot: Snapshot
            // A class that is another one by now is as good.
            repeat {
                snapshot = self.plane.snapshot()
            } while !self.state.withLock { $0.classes[filter]?.beginWalk(at: snapshot.sequence) ?? true }
            let sum = HardwareDigest.walk(snapshot, filter)
            self.state.withLock { $0.classes[filter]?.endWalk(at: snapshot.sequence, sum) }
        }
        // If there are many such classes, a later sync asks again.
        group.isBeingWalked = isTaken
    }
}
