"""changes delivered to many subscribers, and how long it takes, beside nchan, Redis, etcd, netlink and plain C

Closed loop: `fanout` sends the next change when all subscribers have read the last one (or, with 16 outstanding, one of the
last 16), so the figure is what server and client reach together. Messages of nchan, Redis and etcd carry as many bytes as
fibd's frames; those of netlink are what they are, 60 bytes. The times are those of the same rounds.
"""
import contextlib

from bench.lab import Missing, alternate
from bench.peers import etcd, nchan, redis
from bench.report import Fault, Figure, Goal, Percentiles, Skipped
from bench.routers import netlink

# The data of fibd's frame: what is left of its 347 bytes without the fields that others have in their own way.
PAYLOAD = 300
ALONE = {1: [Goal("plain C", at_least=0.9)], 100: [Goal("nchan", at_least=1.4), Goal("plain C", at_least=0.9)],
         1000: [Goal("nchan", at_least=2), Goal("plain C", at_least=0.9)], 5000: [Goal("plain C", at_least=0.9)]}
OUTSTANDING = {1: [], 100: [Goal("redis", at_least=1), Goal("nchan", at_least=10)], 1000: [], 5000: []}
# They run as long as the row does.
STAY = {"fibd": lambda lab: lab.fibd(), "plain C": lambda lab: lab.limit("fanout-limit"), "nchan": nchan, "redis": redis,
        "netlink": netlink}


def audience(subscribers):
    return f"{subscribers:,} subscriber{'s' if subscribers > 1 else ''}"


class Row:
    """The servers, and what went wrong with them."""

    def __init__(self, lab, stack):
        self.lab, self.stack, self.servers, self.remarks = lab, stack, {}, []

    def start(self):
        for name, start in STAY.items():
            try:
                self.servers[name] = self.stack.enter_context(start(self.lab))
            except Missing as reason:
                yield Skipped(name, reason)
        try:
            with etcd(self.lab):
                self.servers["etcd"] = None
        except Missing as reason:
            yield Skipped("etcd", reason)

    def run(self, name, subscribers, *options):
        if name != "etcd":
            return self.run_at(self.servers[name], name, subscribers, *options)
        # One anew each time, as thousands of watches that end keep it busy for seconds, at the cost of who comes next.
        with etcd(self.lab) as server:
            return self.run_at(server, name, subscribers, *options)

    def run_at(self, server, name, subscribers, *options):
        result = self.lab.client("fanout", server.address, "--peer", "fibd" if name == "plain C" else name,
                                 "--subscribers", subscribers, "--payload", PAYLOAD,
                                 "--seconds", 1 if subscribers <= 1000 else 2, "--drain", 60, *options,
                                 prefix=getattr(server, "prefix", ()))
        if result["missing"] or result["gaps"] or result["unexpected"]:
            case = f"{name}, {audience(subscribers)} {' '.join(map(str, options))}"
            what = f"{result['missing']} deliveries missing, {result['gaps']} gaps, {result['unexpected']} twice or late"
            self.remarks.append(Fault(f"{case}: {what}") if name == "fibd" else Skipped(f"part of {case}", what))
        return result

    def compare(self, names, subscribers, *options):
        """What `fanout` reports of each, a report a round. etcd takes up to half a minute for one with 5,000 subscribers, so
        there it has one."""
        def one(name):
            return lambda: self.run(name, subscribers, *options)
        once = [name for name in names if name == "etcd" and subscribers >= 5000]
        return {**alternate(3, **{name: one(name) for name in names if name not in once}),
                **alternate(1, **{name: one(name) for name in once})}


def rates(results):
    return {name: [result["deliveries_per_s"] for result in rounds] for name, rounds in results.items()}


def measure(lab):
    with contextlib.ExitStack() as stack:
        row = Row(lab, stack)
        yield from row.start()
        for outstanding, audiences in ((1, ALONE), (16, OUTSTANDING)):
            for subscribers, goals in audiences.items():
                results = row.compare(row.servers, subscribers, "--outstanding", outstanding)
                case = f"{audience(subscribers)}, " + ("one change at a time" if outstanding == 1 else
                                                       f"{outstanding} changes outstanding")
                at = {"subscribers": subscribers, "outstanding": outstanding}
                yield Figure(case, "deliveries/s", rates(results), *goals, at=at)
                if subscribers > 1:
                    yield Percentiles(f"{case}: until each has it", results)
                yield Percentiles(f"{case}: until all have it", results, prefix="all_", at=at)
        for batch in (10, 64, 100):
            yield Figure(f"1,000 subscribers, {batch} changes in one request", "deliveries/s",
                         rates(row.compare(("fibd", "plain C"), 1000, "--batch", batch)), Goal("plain C", at_least=0.9))
    yield from row.remarks
