"""the full table to new subscribers, beside plain C that sends the same bytes, and the kernel's own dumps

The first replay after an import, then later ones; then 100 at once while 1,000 changes a second go on, which one more
subscriber follows.
"""
import subprocess

from bench.lab import Missing, alternate
from bench.report import Fault, Figure, Goal, Skipped
from bench.routers import kernel


def replay_rate(lab, server, rows):
    result = lab.client("sse-client", server.address, "/v1/events?until=sync")
    if result["rows"] < rows or result["gaps"] or result["errors"] or not result["ended"]:
        raise RuntimeError(f"that is no replay of {rows} routes: {result}")
    return result["rows"] / result["seconds"]


def kernel_rates(lab):
    with kernel() as fib:
        routes = fib.add(lab.table("--family=inet"))["routes"]
        shown = [routes / fib.show_seconds() for _ in range(2)]
        dumped = [result["routes"] / result["seconds"] for result in (fib.client("dump") for _ in range(3))]
    return {"ip -json": [max(shown)], "kernel dump": [sorted(dumped)[1]]}


def measure(lab):
    table, peers = lab.table("--shuffle"), {}
    try:
        peers = kernel_rates(lab)
    except Missing as reason:
        yield Skipped("the kernel", reason)
    first = []
    for _ in range(2):
        with lab.fibd() as server:
            count = lab.load(server, table)["answer"]["accepted"]
            first.append(replay_rate(lab, server, count))
    with lab.fibd() as server:
        lab.load(server, table)
        first.append(replay_rate(lab, server, count))
        yield Figure(f"first replay of {count:,} routes", "routes/s", {"fibd": first, **peers}, Goal(at_least=3e6),
                     Goal("ip -json", at_least=5), Goal("kernel dump", at_least=1.5))
        recording = lab.directory / "replay"
        subprocess.run(["curl", "-siN", "-o", recording, f"http://{server.address}/v1/events?until=sync"], check=True)
        with lab.limit("replay-limit", recording) as limit:
            rounds = alternate(3, fibd=lambda: replay_rate(lab, server, count),
                               plain_C=lambda: replay_rate(lab, limit, count))
        yield Figure("a later replay", "routes/s", rounds, Goal("plain C", at_least=0.7))
        yield from hundred_replays(lab, server)


def hundred_replays(lab, server):
    def live():
        return lab.client("fanout", server.address, "--rate", 1000, "--seconds", 4)

    alone = live()
    with lab.beside("sse-client", server.address, "/v1/events?until=sync", "--connections", 100, "--seconds", 6) as readers:
        beside = live()
        replays = readers.result()
    if replays["gaps"] or beside["gaps"] or beside["missing"]:
        yield Fault(f"gaps or missing changes beside 100 replays: {replays} {beside}")
    meanwhile = f"meanwhile {replays['rows'] / replays['seconds']:.3g} routes/s were replayed"
    yield Figure("live p99 beside 100 replays, 1,000 changes/s", "µs",
                 {"fibd": [beside["p99_us"]], "alone": [alone["p99_us"]]}, Goal(at_most=50_000), note=meanwhile)
    yield Figure("changes written beside 100 replays", "changes/s",
                 {"fibd": [beside["changes_per_s"]], "alone": [alone["changes_per_s"]]}, Goal("alone", at_least=0.8))
