"""GET of one route over keep-alive connections, beside bare libmicrohttpd; writers beside readers

The limit answers 200 bytes from C without looking at the request. Then a writer of 1,000 PUTs a second, who counts from the
moment when each was due, goes on beside 64 connections that read as fast as they can.
"""
from bench.lab import alternate
from bench.report import Figure, Goal
from rows.writes_row import put_routes

ROUTES = 10_000


def get_routes(lab, server, connections):
    result = lab.client("http-load", server.address, "--connections", connections, "--seconds", 1,
                        "--path", "/v1/routes/10.%r/32", "--distinct", ROUTES)
    if result["failed"]:
        raise RuntimeError(f"GETs were refused: {result}")
    return result["per_s"]


def paced_writer(lab, server):
    return lab.client("fanout", server.address, "--rate", 1000, "--seconds", 2)


def measure(lab):
    rows = lab.directory / "routes.ndjson"
    rows.write_text("".join(f'{{"dst":"10.0.{n >> 8}.{n & 255}/32","gateway":"192.0.2.1"}}\n' for n in range(ROUTES)))
    with lab.fibd() as server, lab.limit("hello") as hello:
        lab.load(server, rows)
        for connections in (1, 8, 64, 128, 256):
            plural = "s" if connections > 1 else ""
            rounds = alternate(3, fibd=lambda: get_routes(lab, server, connections),
                               plain_C=lambda: get_routes(lab, hello, connections))
            yield Figure(f"GET of one route, {connections} connection{plural}", "requests/s", rounds,
                         *([Goal("plain C", at_least=0.8)] if connections == 64 else []))
        yield from writers_beside_readers(lab, server)


def writers_beside_readers(lab, server):
    alone = paced_writer(lab, server)
    with lab.beside("http-load", server.address, "--connections", 64, "--seconds", 4, "--path", "/v1/routes/10.%r/32",
                    "--distinct", ROUTES) as readers:
        beside = paced_writer(lab, server)
        reads = readers.result()
    yield Figure("1,000 PUTs/s beside 64 readers", "changes/s",
                 {"fibd": [beside["changes_per_s"]], "alone": [alone["changes_per_s"]]}, Goal("alone", at_least=0.8),
                 note=f"readers meanwhile {reads['per_s']:.0f}/s; a change is read by its subscriber after p50/p99 "
                      f"{beside['p50_us']:.0f}/{beside['p99_us']:.0f} µs, alone {alone['p50_us']:.0f}/{alone['p99_us']:.0f} µs")
    alone = put_routes(lab, server, 64)["per_s"]
    with lab.beside("http-load", server.address, "--connections", 64, "--seconds", 3, "--path", "/v1/routes/10.%r/32",
                    "--distinct", ROUTES) as readers:
        beside = put_routes(lab, server, 64)["per_s"]
        readers.result()
    yield Figure("64 writers beside 64 readers, all as fast as they can", "changes/s",
                 {"fibd": [beside], "alone": [alone]}, note="a fair share would be a half: both wait in one queue")
