internal import Addressing
internal import ChangeLog
internal import ControlPlane
internal import Routing

/// Putting into the pipeline what comes, and taking it out.
extension SwitchModel {
    mutating func take(_ event: RouteEvent, _ sequence: ChangeSequence, _ now: UInt64) {
        let route: StoredRoute?
        let kind: SwitchJob.Kind
        switch event.operation {
        case .replace: (kind, route) = (.program, event.route)
        case .append: (kind, route) = (.reprogram, event.route)
        case .delete:
            kind = event.remainder == nil ? .delete : .reprogram
            route = event.remainder
        }
        // What fails in the kernel's simulator takes its time first (R3-30).
        let isInstant = kind != .program && !(event.operation == .append && settings.faults.failsRouteOffload)
        var job = SwitchJob(kind, due: dueTime(now, isInstant: isInstant), ticket: window.open(sequence))
        // Who moves up because another one is deleted has not been counted (R2-55).
        job.isCounted = sequence == .zero || event.route.version == sequence
        job.isDeletion = event.operation == .delete
        job.key = event.key
        job.table = tables.retain(event.table)
        if let route {
            job.version = route.version.rawValue
            job.group = groups.retain(route.info, in: event.table.namespace, known, settings.profile)
        }
        queue.append(job)
    }

    mutating func learn(_ fact: ForwardingFacts.Fact, _ sequence: ChangeSequence, _ now: UInt64) {
        facts.append(fact)
        // What was so before it began is nothing that it has to act on.
        queue.append(
            SwitchJob(.learn, due: sequence == .zero ? dueAtOnce(now) : dueTime(now), ticket: window.open(sequence)))
    }

    mutating func run(_ job: SwitchJob, _ now: UInt64) {
        switch job.kind {
        case .program: program(job, now)
        case .reprogram: if isDeletionRefused(job) { refuseDeletion(job, now) } else { reprogram(job, now) }
        case .delete: delete(job, now)
        case .retry: retry(job, now)
        case .learn:
            guard let fact = facts.removeFirst() else { preconditionFailure("a job that tells nothing") }
            let concerned = concerned(by: fact)
            known.learn(fact)
            if case .nextHop = fact { relink(concerned) }
            judge(again: concerned)
            sweep.tickets.append(job.ticket)
            if !sweep.isUnderWay { endSweep() }
        }
        if job.kind != .learn { tables.release(job.table) }
    }

    /// Groups that may come to something else by it.
    private func concerned(by fact: ForwardingFacts.Fact) -> Set<UInt32> {
        switch fact {
        case .namespace(let name, _): groups.groups { $0.namespace == name }
        case .link(let link, _): groups.groups { $0.namespace == link.namespace && $0.device == link.name }
        case .neighbour(let leg, _): groups.groups(over: leg)
        case .nextHop(let name, let object):
            groups.groups(
                of: [name.id] + (object?.isGroup ?? false ? [] : known.groups(with: name)), in: name.namespace)
        }
    }

    /// In hardware they change where they are: who leads there has nothing to do with it.
    private mutating func relink(_ concerned: Set<UInt32>) {
        for number in concerned.sorted() {
            let names = known.legs(groups[number].info, in: groups[number].namespace)
            if !groups.relink(number, names, limit: limit(.nexthops)) { crowded = (.max, 0) }
        }
    }

    /// Whether there is more room than when groups that lead elsewhere in hardware last asked for it.
    var mayRelink: Bool {
        !groups.outdated.isEmpty && (groups.programmedLegs < crowded.legs || limit(.nexthops) > crowded.limit)
    }

    mutating func retryOutdated() {
        let before = groups.outdated
        relink(before)
        crowded = (groups.programmedLegs, limit(.nexthops))
        judge(again: before.subtracting(groups.outdated))
    }

    private mutating func judge(again concerned: Set<UInt32>) {
        for number in concerned {
            let group = groups[number]
            let answer =
                groups.outdated.contains(number)
                ? NextHopGroup.Answer(state: .failed, reason: fullness(.nexthops))
                : known.judge(group.info, in: group.namespace, groups.legNames(number), settings.profile)
            if groups.answer(answer, number), groups[number].uses > 0 { sweep.begin(entries.end) }
        }
    }
}
