"""changes delivered to many subscribers, beside nchan, Redis and plain C

Closed loop: `fanout` sends the next change when all subscribers have read the last one (or, with 16 outstanding, one of the
last 16), so the figure is what server and client reach together. Messages of the others are as long as fibd's frames.
"""
import contextlib

from bench.lab import Missing, alternate
from bench.peers import nchan, redis
from bench.report import Fault, Figure, Goal, Skipped

# The data of fibd's frame: what is left of its 347 bytes without the fields that others have in their own way.
PAYLOAD = 300
ALONE = {1: [Goal("plain C", at_least=0.9)], 100: [Goal("nchan", at_least=1.4), Goal("plain C", at_least=0.9)],
         1000: [Goal("nchan", at_least=2), Goal("plain C", at_least=0.9)], 5000: [Goal("plain C", at_least=0.9)]}


def audience(subscribers):
    return f"{subscribers:,} subscriber{'s' if subscribers > 1 else ''}"


def deliveries(lab, faults, server, peer, subscribers, *options):
    result = lab.client("fanout", server.address, "--peer", peer, "--subscribers", subscribers, "--payload", PAYLOAD,
                        "--seconds", 1 if subscribers <= 1000 else 2, *options)
    if result["missing"] or result["gaps"] or result["unexpected"]:
        faults.append(f"{peer}, {audience(subscribers)} {' '.join(map(str, options))}: {result['missing']} "
                          f"deliveries missing, {result['gaps']} gaps, {result['unexpected']} twice or late")
    return result["deliveries_per_s"]


def measure(lab):
    faults = []
    with contextlib.ExitStack() as stack:
        servers = {"fibd": stack.enter_context(lab.fibd()), "plain C": stack.enter_context(lab.limit("fanout-limit"))}
        for name, start in (("nchan", nchan), ("redis", redis)):
            try:
                servers[name] = stack.enter_context(start(lab))
            except Missing as reason:
                yield Skipped(name, reason)

        def compare(subscribers, *options, rounds=3, leave_out=()):
            def one(name):
                peer = "fibd" if name == "plain C" else name
                return lambda: deliveries(lab, faults, servers[name], peer, subscribers, *options)
            return alternate(rounds, **{name: one(name) for name in servers if name not in leave_out})

        for subscribers, goals in ALONE.items():
            yield Figure(f"{audience(subscribers)}, one change at a time", "deliveries/s", compare(subscribers), *goals)
        for subscribers in (100, 1000):
            yield Figure(f"{audience(subscribers)}, 16 changes outstanding", "deliveries/s",
                         compare(subscribers, "--outstanding", 16),
                         *([Goal("redis", at_least=1), Goal("nchan", at_least=10)] if subscribers == 100 else []))
        for batch in (10, 64, 100):
            yield Figure(f"1,000 subscribers, {batch} changes in one request", "deliveries/s",
                         compare(1000, "--batch", batch, leave_out=("nchan", "redis")), Goal("plain C", at_least=0.9))
    for fault in faults:
        yield Fault(fault)
