"""what a subscriber loses that reads a tenth of the changes, whether it is told, and what that costs ten quick ones

Changes come as fast as the quick ones take them, so the slow one falls behind until the server has to choose. 8 MB may wait
for it: in fibd's log, in Redis' output buffer, in netlink's receive buffer. nchan and etcd have no such limit; `etcd
compacted` is told to forget its history before the slow one has come to its end. Plain C keeps nothing, and closes a
connection whose socket is full. What is lost is a share of the changes that were made, as those who make few in the time
would seem to lose few.
"""
from bench.lab import Missing, alternate
from bench.peers import etcd, nchan, redis
from bench.report import Fault, Figure, Goal, Percentiles, Skipped
from bench.routers import netlink

KEPT = 8 << 20
STARTS = {"fibd": lambda lab: lab.fibd("--log-bytes", KEPT), "plain C": lambda lab: lab.limit("fanout-limit", 0, "close"),
          "nchan": nchan, "redis": lambda lab: redis(lab, f"{KEPT} {KEPT} 60"), "netlink": netlink, "etcd": etcd,
          "etcd compacted": etcd, "fibd, default log": lambda lab: lab.fibd()}
# etcd makes so few changes in the time that sockets could hold all of them, were they not longer.
OPTIONS = {"etcd": ["--payload", 4000], "etcd compacted": ["--payload", 4000, "--forget", "--seconds", 12]}
WORDS = {"fibd": "reset", "fibd, default log": "reset", "netlink": "ENOBUFS", "etcd compacted": "watch cancelled",
         "etcd": "watch cancelled"}


def run(lab, name, *options):
    """With a server of its own, so that all that a slow one is told of is of this run."""
    peer = "fibd" if name in ("plain C", "fibd, default log") else name.split()[0]
    with STARTS[name](lab) as server:
        return lab.client("overload", server.address, "--peer", peer, "--changes", 100_000, "--seconds", 6,
                          *OPTIONS.get(name, []), *options, prefix=getattr(server, "prefix", ()))


def beside_and_alone(lab, name):
    if name in ("fibd, default log", "etcd compacted"):
        return {"beside": run(lab, name), "alone": None}
    # Without a slow one there is nothing to forget.
    return {"alone": run(lab, name, "--slow", 0), "beside": run(lab, name)}


def share(results, lost):
    """Of the changes that were made, in percent."""
    return {name: [100 * lost(result["beside"]) / result["beside"]["changes"] for result in rounds]
            for name, rounds in results.items()}


def told(name, rounds):
    """How the slow one was told, in the round that lost most; and how often it wasn't."""
    results = [result["beside"] for result in rounds]
    most = max(results, key=lambda result: result["told"] * result["lost"])
    if not any(result["lost"] for result in results):
        return "nothing lost"
    words = []
    if most["told"]:
        words.append(f"{most['told']} × {WORDS.get(name, 'connection ended')}")
    if most["replayed"]:
        words.append(f"then {most['replayed']:,} routes anew")
    silent = sum(result["untold"] > 0 for result in results)
    if silent:
        words.append(f"not told in {silent} of {len(results)} rounds")
    return ", ".join(words)


def measure(lab):
    names = []
    for name, start in STARTS.items():
        try:
            with start(lab):
                names.append(name)
        except Missing as reason:
            yield Skipped(name, reason)
    results = alternate(3, **{name: (lambda name=name: beside_and_alone(lab, name)) for name in names})
    yield from figures(results)
    yield from faults(results)


def figures(results):
    both = {name: rounds for name, rounds in results.items() if rounds[0]["alone"]}
    slow, unit = "one that reads a tenth", "% of the changes"
    yield Figure(f"{slow}: changes lost", unit, share(results, lambda result: result["lost"]))
    yield Figure(f"{slow}: lost without being told", unit, share(results, lambda result: result["untold"]), Goal(at_most=0))
    yield Figure(f"{slow}: unknown to it in the end", unit,
                 share(results, lambda result: result["lost"] - result["replayed"]), Goal(at_most=0))
    yield Figure(f"{slow}: how it is told", "", {}, texts={name: told(name, rounds) for name, rounds in results.items()})
    yield Figure("ten quick subscribers beside it: changes", "changes/s",
                 {name: [result["beside"]["changes_per_s"] for result in rounds] for name, rounds in results.items()})
    yield Figure("ten quick subscribers beside it: of their changes without it", "times",
                 {name: [result["beside"]["changes_per_s"] / result["alone"]["changes_per_s"] for result in rounds]
                  for name, rounds in both.items()})
    for case, which in (("beside it", "beside"), ("without it", "alone")):
        yield Percentiles(f"ten quick subscribers {case}: until all have a change",
                          {name: [result[which] for result in rounds] for name, rounds in both.items()}, prefix="all_")


def faults(results):
    for name in ("fibd", "fibd, default log"):
        for result in results[name]:
            for kind in filter(None, (result["beside"], result["alone"])):
                if kind["missing"] or kind["gaps"] or kind["slow_gaps"] or kind["untold"] or kind["dismissed"]:
                    yield Fault(f"{name}: {kind}")
                elif kind["lost"] > kind["replayed"]:
                    yield Fault(f"{name}: a replay after a reset wasn't complete: {kind}")
