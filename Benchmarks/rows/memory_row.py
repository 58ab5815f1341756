"""resident memory of a route, also by its legs, and of an idle subscriber, beside BIRD and nchan

The log is kept at its smallest, as it is what --log-bytes says and no matter of routes.
"""
import json
import pathlib
import time

from bench.lab import Missing, resident_bytes, wait_for
from bench.peers import nchan
from bench.report import Figure, Goal, Skipped
from bench.routers import bird

SUBSCRIBERS = 1000
LEGS = (1, 2, 16)
# Routes whose nexthops are their own.
OWN = 100_000


def measure(lab):
    table = lab.table("--family=inet", "--shuffle")
    with lab.fibd("--log-bytes", "1048576") as server:
        empty = resident_bytes(server)
        count = lab.load(server, table)["answer"]["accepted"]
        rounds = {"fibd": [(resident_bytes(server) - empty) / count]}
    try:
        with bird(lab, table) as program:
            rounds["BIRD"] = [resident_bytes(program) / count]
    except Missing as reason:
        yield Skipped("BIRD", reason)
    yield Figure("a route of the full IPv4 table", "bytes", rounds, Goal(at_most=267), Goal("BIRD", at_most=1))

    for legs in LEGS:
        yield Figure(f"a route with {legs} leg{'s' if legs > 1 else ''} of its own, of {OWN:,}", "bytes",
                     {"fibd": [leg_bytes(lab, legs)]})

    with lab.fibd() as server:
        rounds = {"fibd": [idle_bytes(lab, server, server.pid, "/v1/events?replay=none&heartbeat=60")]}
    try:
        with nchan(lab) as server:
            children = pathlib.Path(f"/proc/{server.pid}/task/{server.pid}/children")
            worker = wait_for("a worker of nginx", lambda: children.read_text().split())
            rounds["nchan"] = [idle_bytes(lab, server, worker[0], "/sub")]
    except Missing as reason:
        yield Skipped("nchan", reason)
    yield Figure(f"an idle subscriber, of {SUBSCRIBERS}", "bytes", rounds, Goal(at_most=5000), Goal("nchan", at_most=0.5))


def leg_bytes(lab, legs):
    """Of routes no two of which have the same nexthops, so that none shares anything with another."""
    rows = lab.directory / f"legs{legs}.ndjson"
    with open(rows, "w", encoding="ascii") as file:
        for n in range(OWN):
            hops = [{"gateway": f"172.{16 + leg}.{n >> 8 & 255}.{n & 255}", "dev": f"eth{n >> 16}"} for leg in range(legs)]
            file.write(json.dumps({"dst": f"10.{n >> 16}.{n >> 8 & 255}.{n & 255}/32", "nexthops": hops}) + "\n")
    with lab.fibd("--log-bytes", "1048576") as server:
        empty = resident_bytes(server)
        count = lab.load(server, rows)["answer"]["accepted"]
        return (resident_bytes(server) - empty) / count


def idle_bytes(lab, server, pid, path):
    before = resident_bytes(pid)
    with lab.beside("sse-client", server.address, path, "--connections", SUBSCRIBERS, "--seconds", 3) as readers:
        time.sleep(2)
        after = resident_bytes(pid)
        result = readers.result()
    if result["ended"]:
        raise RuntimeError(f"{result['ended']} idle subscribers were sent away")
    return (after - before) / SUBSCRIBERS
