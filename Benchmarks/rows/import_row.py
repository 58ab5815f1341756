"""the full Internet table as NDJSON in one request, beside BIRD, the kernel and GoBGP

The peers get the same routes in the same order, each in the form that it takes fastest: BIRD its configuration, the kernel
batches of netlink messages, GoBGP an MRT dump. GoBGP and `ip -batch` take a part of the table, as they take long.
"""
from bench.lab import Missing, alternate
from bench.report import Figure, Goal, Skipped
from bench.routers import bird, gobgp_rate, kernel

PART = 100_000


def import_rate(lab, table):
    with lab.fibd() as server:
        result = lab.load(server, table)
    answer = result["answer"]
    if answer["rejected_count"] or answer["unchanged"]:
        raise RuntimeError(f"rows of {table.name} were refused or came twice: {answer}")
    return answer["accepted"] / result["seconds"]


def bird_rate(lab, table, count):
    with bird(lab, table) as program:
        return count / program.seconds


def measure(lab):
    ipv4 = lab.table("--family=inet", "--shuffle")
    count = sum(1 for _ in open(ipv4, "rb"))
    rounds = {"fibd": [import_rate(lab, ipv4)]}
    try:
        rounds = alternate(3, fibd=lambda: import_rate(lab, ipv4), BIRD=lambda: bird_rate(lab, ipv4, count))
    except Missing as reason:
        yield Skipped("BIRD", reason)
    try:
        with kernel() as fib:
            rounds["ip -batch"] = [PART / fib.add_by_ip(lab, ipv4, PART)]
        with kernel() as fib:
            result = fib.add(ipv4)
            rounds["kernel"] = [result["routes"] / result["seconds"]]
    except Missing as reason:
        yield Skipped("the kernel", reason)
    try:
        rounds["GoBGP"] = [gobgp_rate(lab, ipv4, PART)]
    except Missing as reason:
        yield Skipped("GoBGP", reason)
    yield Figure("full IPv4 table, random order", "routes/s", rounds, Goal(at_least=800_000), Goal("BIRD", at_least=1),
                 Goal("kernel", at_least=5), Goal("GoBGP", at_least=15))

    for case, options in (("full IPv4 table, sorted", ["--family=inet"]), ("IPv4 and IPv6, sorted", []),
                          ("IPv4 and IPv6, random order", ["--shuffle"])):
        table = lab.table(*options)
        yield Figure(case, "routes/s", alternate(3, fibd=lambda: import_rate(lab, table)))
