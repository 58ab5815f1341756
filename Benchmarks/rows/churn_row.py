"""one route inserted, replaced and deleted at a time, in tables of 10,000, 100,000 and 1,000,000 routes

64 connections, each request of another route. A flat line is the aim: the rate in the largest table over that in the smallest.
"""
from bench.report import Figure
from rows.growth_row import SIZES, part

VERBS = (("inserted", "PUT", '{"gateway":"192.0.2.1"}', 1.2), ("replaced", "PUT", '{"gateway":"192.0.2.2"}', 1),
         ("deleted", "DELETE", None, 0.8))


def rates(lab, table):
    """Of each verb. Each goes over the routes that the first has made."""
    found, count = {}, 1 << 20
    with lab.fibd() as server:
        lab.load(server, table)
        for name, method, body, seconds in VERBS:
            result = lab.client("http-load", server.address, "--connections", 64, "--seconds", seconds, "--method", method,
                                "--path", "/v1/routes/10.%r/32", "--distinct", count, *(["--body", body] if body else []))
            if result["failed"] and result["rounds"] <= 1:
                raise RuntimeError(f"{method} was refused: {result}")
            if name == "inserted":
                count = result["requests"]
            found[name] = result["per_s"]
    return found


def measure(lab):
    tables = {count: part(lab, count) for count in SIZES}
    rounds = {count: [] for count in SIZES}
    for _ in range(3):
        for count, table in tables.items():
            rounds[count].append(rates(lab, table))
    for name, *_ in VERBS:
        for count in SIZES:
            yield Figure(f"a route is {name}, of {count:,}", "requests/s",
                         {"fibd": [rate[name] for rate in rounds[count]]})
        yield Figure(f"a route is {name}: rate of {SIZES[-1]:,} over that of {SIZES[0]:,}", "times",
                     {"fibd": [big[name] / small[name] for big, small in zip(rounds[SIZES[-1]], rounds[SIZES[0]])]})
