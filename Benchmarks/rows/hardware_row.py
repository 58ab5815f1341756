"""a driver that reports what it has programmed: what that costs writers and followers, and how soon a listener is in sync

The driver follows a stream of its own and reports `offload` of every route that it is told of, at most 1,000 in a request.
Each measurement of PUTs has a server of its own, so that all of them make routes. Then a driver comes to a table that is
there already, with one follower who is told of every flag; and a listener is registered on the full table, of which a
thousand routes change in the meantime, or none.
"""
import contextlib
import itertools
import json
import signal
import time
import urllib.request

from bench.lab import alternate, wait_for
from bench.report import Fault, Figure, Goal
from rows.growth_row import part
from rows.writes_row import put_routes

FOLLOWERS = 10
PROGRAMMED = 250_000


def listeners(server, body=None):
    """All of them, or a new one."""
    request = urllib.request.Request(f"http://{server.address}/v1/listeners", json.dumps(body).encode() if body else None,
                                     {"Content-Type": "application/json"})
    with urllib.request.urlopen(request, timeout=10) as answer:
        return json.load(answer)


@contextlib.contextmanager
def driver(lab, server, *arguments):
    with lab.beside("driver", server.address, *arguments) as program:
        wait_for("the driver to be connected", lambda: any(listener["connected"] for listener in listeners(server)))
        yield program


def end(program):
    program.send_signal(signal.SIGTERM)
    return program.result()


def measure(lab):
    faults = []
    yield from writers(lab, faults)
    yield from followers(lab, faults)
    yield from feedback(lab, faults)
    yield from registration(lab, faults)
    for fault in faults:
        yield Fault(fault)


def writers(lab, faults):
    """64 writers, with no one who programs their routes, or one."""
    notes = []

    def programmed():
        with lab.fibd() as server, driver(lab, server) as program:
            rate = put_routes(lab, server, 64, seconds=2)["per_s"]
            notes.append(told(end(program), rate, faults))
        return rate

    def alone():
        with lab.fibd() as server:
            return put_routes(lab, server, 64, seconds=2)["per_s"]

    yield Figure("PUT of one route, 64 connections, beside a driver", "requests/s",
                 alternate(3, fibd=programmed, no_driver=alone), note=f"reports/s: {', '.join(notes)}")


def told(result, rate, faults):
    """A driver's reports a second."""
    if result["rejected"] > result["stale"] or result["unchanged"]:
        faults.append(f"a driver beside {rate:.0f} PUTs/s was refused: {result}")
    resets = f" and {result['resets']} resets" if result["resets"] else ""
    return f"{result['reports_per_s']:.0f}{resets}"


def followers(lab, faults):
    """The same, with ten who are told what hardware makes of the routes, or not."""
    notes = []

    def rate(flags):
        with lab.fibd() as server, driver(lab, server) as program:
            with lab.beside("sse-client", server.address, f"/v1/events?replay=none&kinds=route&hw_flags={flags}",
                            "--connections", FOLLOWERS, "--seconds", 3.5) as readers:
                time.sleep(0.5)
                writes = put_routes(lab, server, 64, seconds=2)["per_s"]
                reports = told(end(program), writes, faults)
                result = readers.result()
        if result["gaps"] or result["errors"] or result["ended"] or (flags == 0) != (result["flags"] == 0):
            faults.append(f"followers with hw_flags={flags} lost their place: {result}")
        notes.append(f"{'' if flags else 'not '}told {reports}")
        return writes

    yield Figure(f"PUT of one route, 64 connections, a driver and {FOLLOWERS} followers who are told of flags",
                 "requests/s", alternate(7, fibd=lambda: rate(1), not_told=lambda: rate(0)),
                 Goal("not told", at_least=0.85), note=f"reports/s: {', '.join(notes)}")


def feedback(lab, faults):
    """A driver comes to a table that is there already, replays it and reports all of it."""
    table, reports, flags = part(lab, PROGRAMMED), [], []
    for _ in range(3):
        with lab.fibd() as server:
            lab.load(server, table)
            with lab.beside("sse-client", server.address, "/v1/events?replay=none&kinds=route&hw_flags=1",
                            "--seconds", 10) as reader:
                time.sleep(0.5)
                result = lab.client("driver", server.address, "--count", PROGRAMMED, "--seconds", 8)
                read = reader.result()
        if result["accepted"] != PROGRAMMED or read["flags"] != PROGRAMMED or read["gaps"] or read["resets"]:
            faults.append(f"{PROGRAMMED} routes were reported, and told of as {read}: {result}")
        reports.append(result["reports_per_s"])
        flags.append(read["flags"] / read["flags_seconds"])
    case = f"a driver replays and programs {PROGRAMMED:,} routes"
    yield Figure(f"{case}: its reports", "reports/s", {"fibd": reports})
    yield Figure(f"{case}: flags to a follower", "deliveries/s", {"fibd": flags})


def registration(lab, faults):
    """From the GET of a new listener's stream to its sync, on the full table."""
    table, names = lab.table("--shuffle"), itertools.count(1)

    def until_sync(server, role):
        listener = listeners(server, {"name": f"{role}-{next(names)}", "role": role})
        result = lab.client("sse-client", server.address, listener["events"], "--seconds", 2)
        if result["gaps"] or result["resets"] or result["errors"] or result["syncs"] < 1:
            faults.append(f"a new {role} lost its place: {result}")
        return result["sync"]["p50_us"] / 1e3

    def beside_changes(server, role):
        with lab.beside("fanout", server.address, "--rate", 1_000, "--seconds", 3) as writer:
            time.sleep(0.5)
            milliseconds = until_sync(server, role)
            changes = writer.result()
        if changes["missing"] or changes["gaps"]:
            faults.append(f"changes beside a new {role} were lost: {changes}")
        return milliseconds

    with lab.fibd() as server:
        count = lab.load(server, table)["answer"]["accepted"]
        for role in ("observer", "driver"):
            rounds = alternate(3, fibd=lambda: beside_changes(server, role), no_changes=lambda: until_sync(server, role))
            yield Figure(f"until a new {role} is in sync with {count:,} routes, 1,000 changes/s", "ms", rounds)
