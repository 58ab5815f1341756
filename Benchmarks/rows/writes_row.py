"""single routes written over keep-alive connections, beside etcd

Every PUT is another route, so that all of them change the table. etcd is spoken to over its JSON gateway, which is what can
be compared with HTTP and JSON; it syncs every write to its disk, and this fibd keeps its state in memory. The row `durable`
is the one where both sync.
"""
import contextlib
import itertools

from bench.lab import alternate
from bench.peers import etcd_if_there
from bench.report import Figure, Goal

GOALS = {64: [Goal(at_least=60_000), Goal("etcd", at_least=3)], 128: [Goal(at_least=60_000)],
         256: [Goal(at_least=60_000)]}
gateways = itertools.count(1)


def put_routes(lab, server, connections, seconds=1):
    # Another gateway a round, so that no PUT finds its route as it should be.
    gateway = next(gateways)
    result = lab.client("http-load", server.address, "--connections", connections, "--seconds", seconds,
                        "--method", "PUT", "--path", "/v1/routes/10.%r/32",
                        "--body", f'{{"gateway":"198.51.{gateway >> 8}.{gateway & 255}"}}', "--distinct", 250_000)
    if result["failed"] or result["rounds"] > 1:
        raise RuntimeError(f"PUTs were refused or came twice: {result}")
    return result


def post_routes(lab, server, connections, network):
    result = lab.client("http-load", server.address, "--connections", connections, "--seconds", 1,
                        "--method", "POST", "--path", "/v1/routes",
                        "--body", f'{{"dst":"{network}.%r/32","gateway":"198.51.100.1"}}', "--distinct", 250_000)
    if result["failed"]:
        raise RuntimeError(f"POSTs were refused: {result}")
    return result["per_s"]


def put_keys(lab, server, connections):
    result = lab.client("http-load", server.address, "--connections", connections, "--seconds", 1, "--method", "POST",
                        "--path", "/v3/kv/put", "--body", '{"key":"slot%k","value":"' + "x" * 80 + '"}',
                        "--distinct", 100_000)
    if result["failed"]:
        raise RuntimeError(f"etcd refused: {result}")
    return result


def measure(lab):
    with contextlib.ExitStack() as stack:
        server = stack.enter_context(lab.fibd())
        peer, skipped = etcd_if_there(lab, stack)
        yield from skipped
        for connections in (1, 8, 64, 128, 256):
            plural = "s" if connections > 1 else ""
            latencies = []

            def put():
                result = put_routes(lab, server, connections)
                latencies.append(f"{result['p50_us']:.0f}/{result['p99_us']:.0f}")
                return result["per_s"]

            rounds = alternate(3, fibd=put, etcd=(lambda: put_keys(lab, peer, connections)["per_s"]) if peer else None)
            yield Figure(f"PUT of one route, {connections} connection{plural}", "requests/s", rounds,
                         *GOALS.get(connections, []), note=f"fibd's p50/p99 in µs: {', '.join(latencies)}")
        networks = itertools.count(20)
        yield Figure("POST of one new route, 64 connections", "requests/s",
                     alternate(3, fibd=lambda: post_routes(lab, server, 64, next(networks))))
