"""from sending a change to a subscriber having read it, at a fixed rate, beside nchan, etcd and plain C

Open loop: a change counts from the moment when it was due, so a server that falls behind can't hide it. Publisher and
subscribers are one program with one clock.
"""
import contextlib

from bench.lab import Missing, alternate
from bench.peers import etcd, nchan
from bench.report import Fault, Figure, Goal, Skipped


def measure(lab):
    faults = []
    with contextlib.ExitStack() as stack:
        servers = {"fibd": stack.enter_context(lab.fibd()), "plain C": stack.enter_context(lab.limit("fanout-limit"))}
        for name, start in (("nchan", nchan), ("etcd", etcd)):
            try:
                servers[name] = stack.enter_context(start(lab))
            except Missing as reason:
                yield Skipped(name, reason)

        def percentiles(rate, subscribers, names):
            """p50 and p99 of each server, of the same rounds."""
            p50, p99 = {}, {}

            def one(name):
                peer = "fibd" if name == "plain C" else name
                result = lab.client("fanout", servers[name].address, "--peer", peer, "--rate", rate,
                                    "--subscribers", subscribers, "--seconds", 2)
                if result["missing"] or result["gaps"]:
                    faults.append(f"{name} at {rate}/s to {subscribers}: {result['missing']} missing, {result['gaps']} gaps")
                p50.setdefault(name, []).append(result["p50_us"])
                p99.setdefault(name, []).append(result["p99_us"])

            alternate(3, **{name: (lambda name=name: one(name)) for name in names if name in servers})
            return p50, p99

        p50, p99 = percentiles(1000, 1, ("fibd", "plain C", "nchan", "etcd"))
        yield Figure("1,000/s to 1 subscriber, p50", "µs", p50, Goal(at_most=60))
        yield Figure("1,000/s to 1 subscriber, p99", "µs", p99, Goal(at_most=300))
        p50, p99 = percentiles(300, 100, ("fibd", "plain C", "nchan"))
        yield Figure("300/s to 100 subscribers, p50", "µs", p50)
        yield Figure("300/s to 100 subscribers, p99", "µs", p99, Goal("nchan", at_most=1))
    for fault in faults:
        yield Fault(fault)
