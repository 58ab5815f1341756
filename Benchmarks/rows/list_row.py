"""the whole table as one JSON array, beside `ip -json route show`"""
import subprocess

from bench.lab import Missing, alternate
from bench.report import Figure, Skipped
from bench.routers import kernel


def list_seconds(server):
    done = subprocess.run(["curl", "-sSf", "-o", "list", "-w", "%{time_total}", f"http://{server.address}/v1/routes"],
                          capture_output=True, text=True, check=True, cwd=server.home)
    return float(done.stdout)


def measure(lab):
    table, peers = lab.table("--family=inet"), {}
    try:
        with kernel() as fib:
            routes = fib.add(table)["routes"]
            peers = {"ip -json": [routes / fib.show_seconds()]}
    except Missing as reason:
        yield Skipped("the kernel", reason)
    with lab.fibd() as server:
        count = lab.load(server, table)["answer"]["accepted"]
        rounds = alternate(3, fibd=lambda: count / list_seconds(server))
        yield Figure("list of the full IPv4 table", "routes/s", {**rounds, **peers})
