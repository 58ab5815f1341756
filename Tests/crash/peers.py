#!/usr/bin/env python3
"""Kill fibd while it learns of paths and forgets some, and prove each time that what was forgotten on request stays forgotten.

    Tests/crash/peers.py --kills 200 --seed 1 --binary .build/release/fibd

Each owner has hosts of its own, of which it tells path MTUs and has them forgotten; meanwhile a namespace with peers and routes comes and
goes. What was learned may be lost by a kill: it is stored lazily. What was forgotten with an acknowledgement, and not told of since,
must be away; a namespace that was removed must be gone, and its name free. Every third life ends cleanly, and all digests are the same
after it, those of peers included.

Exit status 0 if all promises were kept, 1 if one was broken: then the data directory stays, and its path is printed.
"""
import sys
from typing import Any

import lives
from lives import Worker
from servers import Client, Request, Server, check

OWNERS, HOSTS = 4, 6
NAMESPACE = "/v1/namespaces/blue"


class Owner(Worker):
    """Knows which of its hosts are forgotten for sure."""

    def __init__(self, server: Server, seed: float, number: int, forgotten: set[str]):
        super().__init__(server, seed)
        self.hosts = [f"203.0.113.{HOSTS * number + host}" for host in range(HOSTS)]
        self.forgotten = forgotten

    def step(self, client: Client) -> bool:
        host = self.random.choice(self.hosts)
        if self.random.random() < 0.5:
            # From here on it may be there, whatever the answer.
            self.forgotten.discard(host)
            message = {"type": "pmtu", "destination": host, "mtu": self.random.randrange(600, 1400), "packet_length": 1500}
            status = self.send(client, "POST", "/v1/path-events", message)
            check(status in (None, 200), f"a message about {host}: {status}")
        else:
            status = self.send(client, "DELETE", f"/v1/peers/{host}")
            check(status in (None, 204, 404), f"forgetting {host}: {status}")
            if status == 204:
                self.forgotten.add(host)
        return status is not None


class Troubler(Worker):
    """Has a namespace come and go, with a peer and a route in it."""

    def step(self, client: Client) -> bool:
        for method, path, body in [
            ("PUT", NAMESPACE, {}),
            ("POST", "/v1/routes?namespace=blue", {"dst": f"10.{self.random.randrange(256)}.0.0/16", "dev": "eth0"}),
            ("POST", "/v1/path-events?namespace=blue", {"type": "pmtu", "destination": "198.51.100.1", "mtu": 1400}),
            ("DELETE", f"/v1/peers/203.0.113.{self.random.randrange(OWNERS * HOSTS, 250)}", None),
            ("DELETE", NAMESPACE, None),
        ]:
            status = self.send(client, method, path, body)
            if status is None:
                return False
            check(status < 500 or status == 503, f"{method} {path}: {status}")
        return True


class Lives(lives.Lives):
    def __init__(self, *of: Any):
        super().__init__(*of)
        self.forgotten: list[set[str]] = [set() for _ in range(OWNERS)]

    def workers(self, server: Server) -> list[Worker]:
        owners = [Owner(server, self.random.random(), number, self.forgotten[number]) for number in range(OWNERS)]
        return [*owners, Troubler(server, self.random.random())]

    def verify(self, client: Client) -> None:
        there = {row["address"] for row in client.get("/v1/peers").json}
        back = set().union(*self.forgotten) & there
        check(not back, f"{sorted(back)} were forgotten and are there again")
        # A removal that was cut is finished by the start.
        status = client.send(Request("PUT", NAMESPACE, "{}")).status
        check(status in (200, 201), f"a namespace that comes and goes: {status}")


if __name__ == "__main__":
    sys.exit(lives.main(Lives, __doc__ or ""))
