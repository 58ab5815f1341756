"""what is on disk before it is acknowledged: writes beside etcd on the same disk, imports, and the start after them

Both keep their data in the run's temporary directory. A plain loop that writes 4 KiB and syncs them is the limit of the disk
for one client.
"""
import contextlib
import os
import signal
import time

from bench.lab import alternate
from bench.peers import etcd_if_there
from bench.report import Figure, Goal
from rows.reads_row import ROUTES
from rows.writes_row import put_keys, put_routes

GOALS = {64: [Goal(at_least=25_000), Goal("etcd", at_least=1.3)], 128: [Goal(at_least=25_000)],
         256: [Goal(at_least=25_000)]}


def measure(lab):
    yield from writes(lab)
    yield from delivery(lab)
    yield from imports(lab)
    yield from writes_beside_a_checkpoint(lab)
    yield reads_beside_an_import(lab)


def writes(lab):
    with contextlib.ExitStack() as stack:
        server = stack.enter_context(lab.fibd(data=lab.directory / "written"))
        peer, skipped = etcd_if_there(lab, stack)
        yield from skipped
        for connections in (1, 8, 64, 128, 256):
            yield from writes_over(lab, server, peer, connections)


def writes_over(lab, server, peer, connections):
    plural = "s" if connections > 1 else ""
    medians = {"fibd": [], "etcd": []}
    tails = {"fibd": [], "etcd": []}

    def rate(name, result):
        medians[name].append(result["p50_us"])
        tails[name].append(result["p99_us"])
        return result["per_s"]

    measures = {"fibd": lambda: rate("fibd", put_routes(lab, server, connections)),
                "etcd": (lambda: rate("etcd", put_keys(lab, peer, connections))) if peer else None}
    if connections == 1:
        measures["plain_sync"] = lambda: syncs_per_second(lab)
    rounds = alternate(3, **measures)
    yield Figure(f"durable PUT of one route, {connections} connection{plural}", "requests/s", rounds,
                 *GOALS.get(connections, []),
                 note="p99 in µs: " + "; ".join(f"{name} {', '.join(f'{value:.0f}' for value in values)}"
                                                for name, values in tails.items() if values))
    if peer and connections in (1, 64):
        goals = [Goal("etcd", at_most=0.5)] if connections == 64 else []
        yield Figure(f"p50 of a durable PUT, {connections} connection{plural}", "µs", medians, *goals)


def delivery(lab):
    """From sending a change until a subscriber has read it, which both send once it is on disk. 1,000 changes a second."""
    p50, p99 = {}, {}

    def one(name, server):
        result = lab.client("fanout", server.address, "--peer", name, "--rate", 1_000, "--subscribers", 1, "--seconds", 2)
        if result["missing"] or result["gaps"]:
            raise RuntimeError(f"{name} lost changes: {result}")
        p50.setdefault(name, []).append(result["p50_us"])
        p99.setdefault(name, []).append(result["p99_us"])

    with contextlib.ExitStack() as stack:
        server = stack.enter_context(lab.fibd(data=lab.directory / "delivered"))
        peer, skipped = etcd_if_there(lab, stack)
        yield from skipped
        alternate(3, fibd=lambda: one("fibd", server), etcd=(lambda: one("etcd", peer)) if peer else None)
    yield Figure("1,000 durable changes/s to 1 subscriber, p50", "µs", p50, Goal("etcd", at_most=0.5))
    yield Figure("1,000 durable changes/s to 1 subscriber, p99", "µs", p99)


def syncs_per_second(lab, seconds=0.5):
    """How often this disk can be asked to have written 4 KiB, one after the other, to a file that is long enough."""
    path = lab.directory / "syncs"
    with open(path, "wb", buffering=0) as file:
        file.write(bytes(8 << 20))
        os.fsync(file.fileno())
        start, count = time.monotonic(), 0
        while time.monotonic() < start + seconds:
            os.pwrite(file.fileno(), bytes(4096), count % 2048 * 4096)
            os.fdatasync(file.fileno())
            count += 1
        elapsed = time.monotonic() - start
    path.unlink()
    return count / elapsed


def imports(lab):
    for number, (case, options, goal) in enumerate((
            ("durable import, IPv4, sorted", ["--family=inet"], 250_000),
            ("durable import, IPv4, random order", ["--family=inet", "--shuffle"], 150_000),
            ("durable import, IPv4 and IPv6, random order", ["--shuffle"], None))):
        table = lab.table(*options)
        rates = []
        for attempt in range(3):
            data = lab.directory / f"imported-{number}-{attempt}"
            rates.append(import_rate(lab, table, data))
        yield Figure(case, "routes/s", {"fibd": rates}, *([Goal(at_least=goal)] if goal else []))
    yield start("start with the full table, after a clean end", lab, data, signal.SIGTERM)
    yield start("start with the full table, after a kill", lab, data, signal.SIGKILL)


def import_rate(lab, table, data):
    with lab.fibd(data=data) as server:
        result = lab.load(server, table)
    answer = result["answer"]
    if answer["rejected_count"] or answer["unchanged"]:
        raise RuntimeError(f"rows of {table.name} were refused or came twice: {answer}")
    return answer["accepted"] / result["seconds"]


def start(case, lab, data, how):
    seconds = []
    for _ in range(3):
        with lab.fibd(data=data) as server:
            server.send_signal(how)
            server.wait(timeout=12)
        begin = time.monotonic()
        with lab.fibd(data=data):
            seconds.append(time.monotonic() - begin)
    return Figure(case, "s", {"fibd": seconds}, Goal(at_most=3))


def writes_beside_a_checkpoint(lab):
    """64 writers on a full table, whose state is written down anew all the time, or never."""
    table = lab.table("--shuffle")
    tails = {}

    def one(name, server):
        result = put_routes(lab, server, 64, seconds=2)
        tails.setdefault(name, []).append(result["p99_us"])
        return result["per_s"]

    with contextlib.ExitStack() as stack:
        servers = {}
        for name, limit in (("fibd", 1 << 20), ("no checkpoint", 1 << 40)):
            servers[name] = stack.enter_context(
                lab.fibd("--checkpoint-bytes", limit, data=lab.directory / name.replace(" ", "-")))
            lab.load(servers[name], table)
        rates = alternate(3, **{name: (lambda name=name, server=server: one(name, server))
                                for name, server in servers.items()})
    yield Figure("durable PUT while a full table is written down, 64 connections", "requests/s", rates)
    yield Figure("p99 of a durable PUT while a full table is written down", "µs", tails)


def reads_beside_an_import(lab):
    """A reader asks 1,000 times a second while the full table comes in."""
    rows = lab.directory / "few.ndjson"
    rows.write_text("".join(f'{{"dst":"10.0.{n >> 8}.{n & 255}/32","gateway":"192.0.2.1"}}\n' for n in range(ROUTES)))
    table = lab.table("--shuffle")
    with lab.fibd(data=lab.directory / "read") as server:
        lab.load(server, rows)
        alone = read_latency(lab, server, seconds=2)
        with lab.beside("upload", server.address, "/v1/routes?mode=replace", table) as upload:
            beside = read_latency(lab, server, seconds=2)
            upload.result()
    return Figure("p99 of a GET while a full table is imported", "µs",
                  {"fibd": [beside["p99_us"]], "alone": [alone["p99_us"]]},
                  note=f"p50 {beside['p50_us']:.0f} µs, alone {alone['p50_us']:.0f} µs")


def read_latency(lab, server, seconds):
    result = lab.client("http-load", server.address, "--connections", 1, "--seconds", seconds,
                        "--path", "/v1/routes/10.%r/32", "--distinct", ROUTES)
    if result["failed"]:
        raise RuntimeError(f"GETs were refused: {result}")
    return result
