"""a simulated switch that programs at once: a full table, the way from a write to its flag, and a link that goes down under it

Without latency of its own, what is measured is what fibd does: reading the log, deciding what goes into hardware, reporting
it, and telling followers and those who wait (`ack=hardware`). The link that goes down carries half of a million routes;
beside it, one change a millisecond goes through another link and comes to a live stream that is told of everything, and one
client writes as fast as it is answered.
"""
import contextlib
import json
import time
import urllib.request

from bench.lab import alternate, wait_for
from bench.report import Fault, Figure
from rows.growth_row import part

ROUTES = 1_000_000
AT_ONCE = {"latency_ms": {"min": 0, "max": 0}}


def call(server, method, path, body=None):
    request = urllib.request.Request(f"http://{server.address}{path}", json.dumps(body).encode() if body is not None else None,
                                     {"Content-Type": "application/json"}, method=method)
    with urllib.request.urlopen(request, timeout=120) as answer:
        return json.load(answer)


def until_programmed(server, count):
    """Waits until the switch has programmed so many routes, and owes an answer for none."""
    def is_done():
        # The list is a search of all routes: it is asked for only when it may well be empty.
        device = call(server, "GET", "/v1/devices/asic0")
        return (device["counters"]["programmed"] >= count and device["queue"] == 0
                and not call(server, "GET", "/v1/routes?hw=pending&limit=1"))
    wait_for(f"{count} routes to be in hardware", is_done, seconds=60)


@contextlib.contextmanager
def switched(lab):
    with lab.fibd("--simulated-switch", "asic0") as server:
        call(server, "PATCH", "/v1/devices/asic0", AT_ONCE)
        yield server


def measure(lab):
    yield from programming(lab)
    yield from write_to_flag(lab)
    yield from link_down(lab)


def programming(lab):
    """A million routes into an empty fibd with a switch, and a switch that comes to a million routes."""
    table = part(lab, ROUTES)
    durations = []

    def imported(server):
        start = time.monotonic()
        if lab.load(server, table)["answer"]["accepted"] != ROUTES:
            raise RuntimeError("not all routes were accepted")
        return start

    def from_empty():
        with switched(lab) as server:
            start = imported(server)
            accepted = time.monotonic() - start
            until_programmed(server, ROUTES)
            durations.append(f"{accepted:.2f} + {time.monotonic() - start - accepted:.2f}")
            return ROUTES / (time.monotonic() - start)

    def without_switch():
        with lab.fibd() as server:
            start = imported(server)
            return ROUTES / (time.monotonic() - start)

    yield Figure(f"{ROUTES:,} routes programmed from empty", "routes/s",
                 alternate(3, fibd=from_empty, no_switch=without_switch),
                 note=f"seconds until accepted + until in hardware: {', '.join(durations)}")

    def comes_later():
        with lab.fibd() as server:
            imported(server)
            start = time.monotonic()
            call(server, "PUT", "/v1/devices/asic0", AT_ONCE)
            until_programmed(server, ROUTES)
            return ROUTES / (time.monotonic() - start)

    yield Figure(f"a switch comes to {ROUTES:,} routes", "routes/s", {"fibd": [comes_later() for _ in range(3)]})


def write_to_flag(lab):
    """From sending a write to reading that it is in hardware: on a stream, and as the answer to the write."""
    with switched(lab) as server:
        for share in ("p50", "p99"):
            def stream(peer):
                result = lab.client("fanout", server.address, "--peer", peer, "--rate", 1_000, "--seconds", 2)
                if result["missing"] or result["gaps"]:
                    raise RuntimeError(f"flags of changes were lost: {result}")
                return result[f"{share}_us"]

            yield Figure(f"1,000/s, from a write to its flag on a stream, {share}", "µs",
                         alternate(3, fibd=lambda: stream("hardware"), the_change_itself=lambda: stream("fibd")))
        networks = iter(range(11, 100))
        for connections in (1, 64):
            latencies = []

            def put(acknowledgement):
                path = f"/v1/routes/{next(networks)}.%r/32?ack={acknowledgement}"
                result = lab.client("http-load", server.address, "--connections", connections, "--seconds", 1, "--method", "PUT",
                                    "--path", path, "--body", '{"gateway":"198.51.100.1"}', "--distinct", 250_000)
                if result["failed"] or result["rounds"] > 1:
                    raise RuntimeError(f"PUTs were refused or came twice: {result}")
                if acknowledgement == "hardware":
                    latencies.append(f"{result['p50_us']:.0f}/{result['p99_us']:.0f}")
                return result["per_s"]

            rounds = alternate(3, fibd=lambda: put("hardware"), ack_applied=lambda: put("applied"))
            yield Figure(f"PUT with ack=hardware, {connections} connection{'s' if connections > 1 else ''}", "requests/s", rounds,
                         note=f"p50/p99 in µs: {', '.join(latencies)}")


def link_down(lab):
    """A link goes down, or loses its carrier, that 500,000 of a million routes lead over."""
    table = lab.directory / "links.ndjson"
    with open(part(lab, ROUTES), encoding="ascii") as rows, open(table, "w", encoding="ascii") as file:
        for index, row in enumerate(rows):
            file.write(json.dumps({**json.loads(row), "dev": f"swp{index % 2 + 1}"}) + "\n")

    for case, path, body in (("goes down", "/v1/links/swp1", {"operstate": "DOWN"}),
                             ("loses its carrier", "/v1/links/swp1/carrier", {"carrier": False})):
        figures = {"stream": {"fibd": [], "alone": []}, "writer": {"fibd": [], "alone": []}}
        seconds = []
        for _ in range(3):
            with switched(lab) as server:
                for link in ("swp1", "swp2"):
                    call(server, "PUT", f"/v1/links/{link}", {"mtu": 9000})
                lab.load(server, table)
                until_programmed(server, ROUTES)
                alone, _ = beside(lab, server, None)
                meanwhile, took = beside(lab, server, lambda: call(server, "PUT", path, body))
                until_programmed(server, 0)
            seconds.append(f"{took:.2f}")
            for name in figures:
                figures[name]["alone"].append(alone[name]["p99_us"])
                figures[name]["fibd"].append(meanwhile[name]["p99_us"])
            if meanwhile["stream"]["gaps"] or meanwhile["stream"]["missing"]:
                yield Fault(f"a live stream lost its place while a link {case.split()[0]}: {meanwhile['stream']}")
        note = f"the link's {ROUTES // 2:,} routes took {', '.join(seconds)} s"
        yield Figure(f"p99 of a live stream, 1,000/s, while a link of {ROUTES // 2:,} routes {case}", "µs", figures["stream"],
                     note=note)
        yield Figure("p99 of another writer meanwhile", "µs", figures["writer"])


def beside(lab, server, event):
    """What a stream and a writer see for two seconds, in the midst of which something happens or nothing does; and how long
    that took."""
    with lab.beside("fanout", server.address, "--rate", 1_000, "--seconds", 2) as stream, \
            lab.beside("http-load", server.address, "--connections", 1, "--seconds", 2, "--method", "PUT",
                       "--path", "/v1/routes/11.%r/32", "--body", f'{{"gateway":"198.51.100.{1 if event else 2}"}}',
                       "--distinct", 200_000) as writer:
        time.sleep(0.5)
        start = time.monotonic()
        if event:
            event()
        took = time.monotonic() - start
        results = {"stream": stream.result(), "writer": writer.result()}
    if results["writer"]["failed"]:
        raise RuntimeError(f"writes were refused: {results['writer']}")
    return results, took
