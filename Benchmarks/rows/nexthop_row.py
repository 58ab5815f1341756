"""a nexthop object with a million routes: replaced, and removed with them

To replace it is one change, whatever it leads; to remove it takes its routes with it, each with an event.
"""
import http.client
import json
import time

from bench.report import Figure, Goal

ROUTES = 1_000_000


def call(server, method, path, body=None):
    """The seconds that a request takes, and its answer."""
    connection = http.client.HTTPConnection(server.address, timeout=120)
    start = time.monotonic()
    connection.request(method, path, body and json.dumps(body), {"Content-Type": "application/json"} if body else {})
    answer = connection.getresponse()
    text = answer.read()
    seconds = time.monotonic() - start
    connection.close()
    if answer.status >= 300:
        raise RuntimeError(f"{method} {path} was answered {answer.status}: {text}")
    return seconds, json.loads(text or b"null")


def once(lab, rows):
    with lab.fibd() as server:
        call(server, "PUT", "/v1/nexthops/1", {"gateway": "192.0.2.1", "dev": "eth0"})
        imported = lab.load(server, rows)["seconds"]
        replaced = min(call(server, "PUT", "/v1/nexthops/1", {"gateway": f"192.0.2.{n}", "dev": "eth0"})[0] for n in (2, 3, 4))
        removed, _ = call(server, "DELETE", "/v1/nexthops/1")
        if call(server, "GET", "/v1/routes?limit=1")[1]:
            raise RuntimeError("routes are left whose nexthop has gone")
    return imported, replaced, removed


def measure(lab):
    rows = lab.directory / "nhid.ndjson"
    with open(rows, "w", encoding="ascii") as file:
        file.writelines(f'{{"dst":"10.{n >> 16}.{n >> 8 & 255}.{n & 255}/32","nhid":1}}\n' for n in range(ROUTES))
    rounds = [once(lab, rows) for _ in range(3)]
    yield Figure(f"import of {ROUTES:,} routes by nhid", "routes/s", {"fibd": [ROUTES / one[0] for one in rounds]})
    yield Figure(f"a nexthop of {ROUTES:,} routes is replaced, best of 3", "ms", {"fibd": [one[1] * 1e3 for one in rounds]},
                 Goal(at_most=100))
    yield Figure(f"a nexthop of {ROUTES:,} routes is removed", "s", {"fibd": [one[2] for one in rounds]}, Goal(at_most=5))
