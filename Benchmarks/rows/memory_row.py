"""resident memory of a route and of an idle subscriber, beside BIRD and nchan

The log is kept at its smallest, as it is what --log-bytes says and no matter of routes.
"""
import pathlib
import time

from bench.lab import Missing, resident_bytes, wait_for
from bench.peers import nchan
from bench.report import Figure, Goal, Skipped
from bench.routers import bird

SUBSCRIBERS = 1000


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


def idle_bytes(lab, server, pid, path):
    before = resident_bytes(pid)
    with lab.beside("sse-client", server.address, path, "--connections", SUBSCRIBERS, "--seconds", 3) as readers:
        time.sleep(2)
        after = resident_bytes(pid)
        result = readers.result()
    if result["ended"]:
        raise RuntimeError(f"{result['ended']} idle subscribers were sent away")
    return (after - before) / SUBSCRIBERS
