"""where packets go in the full table, in batches and one at a time, beside the kernel's RTM_GETROUTE

Addresses are in no order and within prefixes of the table. The kernel is asked for many in one send, as fast as plain C can.
"""
import ipaddress
import json
import random

from bench.lab import Missing, alternate
from bench.report import Figure, Goal, Skipped
from bench.routers import kernel

COUNT = 100_000
BATCH = 1_000


def addresses(table):
    rng = random.Random(1)
    with open(table, encoding="ascii") as file:
        prefixes = [json.loads(line)["dst"] for line in file]
    for prefix in rng.choices(prefixes, k=COUNT):
        network = ipaddress.ip_network(prefix)
        yield str(network[rng.randrange(network.num_addresses)])


def batches(lab, server, bodies, connections):
    result = lab.client("http-load", server.address, "--connections", connections, "--seconds", 2, "--method", "POST",
                        "--path", "/v1/lookup", "--bodies", bodies, "--answer", BATCH * 512)
    if result["failed"]:
        raise RuntimeError(f"lookups were refused: {result}")
    return result["per_s"] * BATCH


def single(lab, server, connections):
    # A network that the table has.
    result = lab.client("http-load", server.address, "--connections", connections, "--seconds", 1, "--path",
                        "/v1/lookup?dst=49.%r", "--distinct", 10_000)
    if result["failed"]:
        raise RuntimeError(f"lookups were refused: {result}")
    return result["per_s"]


def kernel_rate(fib, questions):
    result = fib.client("lookup", questions)
    if result["refused"]:
        raise RuntimeError(f"the kernel has no way to some: {result}")
    return COUNT / result["seconds"]


def measure(lab):
    table = lab.table("--family=inet", "--shuffle")
    questions, bodies = lab.directory / "addresses", lab.directory / "batches"
    asked = list(addresses(table))
    questions.write_text("".join(f"{address}\n" for address in asked))
    bodies.write_text("".join(json.dumps({"dsts": asked[start:start + BATCH]}, separators=(",", ":")) + "\n"
                              for start in range(0, COUNT, BATCH)))
    rates = {}
    try:
        with kernel() as fib:
            fib.add(table)
            rates["kernel"] = [kernel_rate(fib, questions) for _ in range(3)]
    except Missing as reason:
        yield Skipped("the kernel", reason)
    with lab.fibd() as server:
        lab.load(server, table)
        # The first one has the index made.
        batches(lab, server, bodies, 1)
        for connections in (1, 2, 4):
            rounds = alternate(3, fibd=lambda: batches(lab, server, bodies, connections)) | rates
            yield Figure(f"lookups in batches of {BATCH:,}, {connections} at a time", "lookups/s", rounds,
                         *([Goal(at_least=2e6), Goal("kernel", at_least=5)] if connections == 4 else []))
        for connections in (1, 64):
            yield Figure(f"GET of one lookup, {connections} at a time", "requests/s",
                         alternate(3, fibd=lambda: single(lab, server, connections)))
