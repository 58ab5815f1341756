"""what a route and a delivery cost as tables and audiences grow

A flat line is the aim: the cost at the largest size over the cost at the smallest, for deliveries beside that of plain C.
"""
import itertools

from bench.lab import alternate
from bench.report import Figure

SIZES = (10_000, 100_000, 1_000_000)


def part(lab, count):
    path = lab.directory / f"first{count}.ndjson"
    with open(lab.table("--shuffle"), "rb") as whole, open(path, "wb") as file:
        file.writelines(itertools.islice(whole, count))
    return path


def costs(lab, table, count):
    """Nanoseconds a route of an import into an empty fibd, and of a replay from there. Small tables take so little time
    that they are replayed several times."""
    times = max(1, 100_000 // count)
    with lab.fibd() as server:
        imported = lab.load(server, table)["seconds"]
        replayed = [lab.client("sse-client", server.address, "/v1/events?until=sync")["seconds"] for _ in range(times)]
    return imported / count * 1e9, min(replayed) / count * 1e9


def measure(lab):
    tables = {count: part(lab, count) for count in SIZES}
    rounds = {count: [costs(lab, table, count) for _ in range(3)] for count, table in tables.items()}
    for place, what in enumerate(("import of", "replay of")):
        best = {count: min(measured[place] for measured in rounds[count]) for count in SIZES}
        for count in SIZES:
            yield Figure(f"{what} {count:,} routes, best of 3", "ns a route", {"fibd": [best[count]]})
        yield Figure(f"{what} {SIZES[-1]:,}: cost of a route over that of {SIZES[0]:,}", "times",
                     {"fibd": [best[SIZES[-1]] / best[SIZES[0]]]})

    def delivery_growth(server):
        few, many = (lab.client("fanout", server.address, "--subscribers", count, "--seconds", 2)["deliveries_per_s"]
                     for count in (100, 5000))
        return few / many

    with lab.fibd() as server, lab.limit("fanout-limit") as limit:
        yield Figure("a delivery: cost at 5,000 subscribers over that at 100", "times",
                     alternate(3, fibd=lambda: delivery_growth(server), plain_C=lambda: delivery_growth(limit)))
