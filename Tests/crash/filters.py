#!/usr/bin/env python3
"""Kill fibd while several change filters, and prove each time that what it had promised of them is there.

    Tests/crash/filters.py --kills 200 --seed 1 --binary .build/release/fibd

Each owner has a priority of its own in one chain, in which it adds, replaces and removes two filters, so that it is often empty,
mostly with an action that it shares with the others or has alone. Meanwhile troublers have filters of other chains come and go, flush
these, remove shared actions, links and qdiscs of other blocks, and make transactions. After each start: acknowledged filters are there with what they compare, removed ones are not, of the one
request that had no answer either; each filter's actions are there, and none has others than those that hold it. Every third life
ends cleanly, and all digests are the same after it.

Exit status 0 if all promises were kept, 1 if one was broken: then the data directory stays, and its path is printed.
"""
import sys
from collections import Counter
from typing import Any

import lives
from lives import Worker
from servers import Client, Request, Server, check

OWNERS, TROUBLERS, HANDLES = 4, 2, 2
# Of the owners' priorities.
CHAIN = 2


def filter_of(port: int, action: dict[str, Any] | None) -> dict[str, Any]:
    keys = {"ip_proto": "tcp", "dst_port": port}
    return {"protocol": "ip", "kind": "flower", "options": {"keys": keys}, "actions": [action] if action else []}


def gact(index: int | None = None) -> dict[str, Any]:
    return {"kind": "gact", "control_action": {"type": "drop"}} | ({"index": index} if index else {})


class Owner(Worker):
    """Knows what must be in its priority: by handle the port, and what is uncertain since no one answered."""

    def __init__(self, server: Server, seed: float, number: int, ports: dict[int, int]):
        super().__init__(server, seed)
        self.path = f"/v1/blocks/1/chains/{CHAIN}/filters/{number + 1}"
        self.ports = ports
        self.uncertain: tuple[int, set[int | None]] | None = None

    def step(self, client: Client) -> bool:
        handle = self.random.randrange(1, HANDLES + 1)
        wanted = None if self.random.random() < 0.4 else 100 * handle + self.random.randrange(100)
        self.uncertain = (handle, {self.ports.get(handle), wanted})
        if wanted is None:
            status = self.send(client, "DELETE", f"{self.path}/{handle}")
        else:
            action = gact(self.random.choice([None, 1, 2, 3])) if self.random.random() < 0.8 else None
            status = self.send(client, "PUT", f"{self.path}/{handle}", filter_of(wanted, action))
        if status is None:
            return False
        expected = (204 if handle in self.ports else 404,) if wanted is None else (200, 201)
        check(status in expected, f"{self.path}/{handle}: {status}")
        if wanted is None:
            self.ports.pop(handle, None)
        else:
            self.ports[handle] = wanted
        self.uncertain = None
        return True


class Troubler(Worker):
    """Does all that may come in the way of owners, and leaves their filters alone."""

    def step(self, client: Client) -> bool:
        draw, port = self.random.choice, self.random.randrange(1, 60)
        device, priority, chain = draw(["eth0", "eth1"]), draw([10, 11]), draw([0, 1])
        block = draw(["1", "2", f"{device}:egress"])
        method, path, body = draw([
            ("POST", f"/v1/blocks/{block}/filters", filter_of(port, gact(draw([None, 1, 2, 3]))) | {"pref": priority, "chain": chain}),
            ("POST", f"/v1/blocks/{block}/filters", filter_of(port, gact()) | {"chain": 1}),
            ("POST", f"/v1/blocks/{block}/filters?mode=replace",
             filter_of(port, gact(2)) | {"pref": priority, "chain": chain, "handle": draw([1, 2, 3])}),
            ("POST", f"/v1/blocks/{block}/filters", {"protocol": "ipv6", "kind": "matchall", "pref": priority,
                                                     "chain": chain, "actions": [gact(draw([None, 1]))]}),
            ("DELETE", f"/v1/blocks/{block}/chains/{chain}/filters/{priority}", None),
            ("DELETE", f"/v1/blocks/{block}/filters?chain=1", None),
            ("DELETE", f"/v1/actions/gact/{draw([1, 2, 3])}", None),
            ("DELETE", f"/v1/links/{device}", None),
            ("DELETE", f"/v1/links/{device}/qdiscs/clsact", None),
            ("PUT", f"/v1/links/{device}", {}),
            ("POST", f"/v1/links/{device}/qdiscs", {"kind": "clsact", "ingress_block": draw([1, 2])}),
            ("POST", "/v1/transactions", {"operations": [
                {"op": "add", "kind": "filter", "value": filter_of(port, gact()) | {"block": 1, "pref": 12}}]}),
        ])
        status = self.send(client, method, path, body)
        if status is None:
            return False
        check(status < 500 or status == 503, f"{method} {path}: {status}")
        return True


class Lives(lives.Lives):
    def __init__(self, *of: Any):
        super().__init__(*of)
        self.ports: list[dict[int, int]] = [{} for _ in range(OWNERS)]
        self.uncertain: list[tuple[int, set[int | None]] | None] = [None] * OWNERS

    def workers(self, server: Server) -> list[Worker]:
        owners = [Owner(server, self.random.random(), number, self.ports[number]) for number in range(OWNERS)]
        return [*owners, *(Troubler(server, self.random.random()) for _ in range(TROUBLERS))]

    def ended(self, workers: list[Worker]) -> None:
        self.uncertain = [worker.uncertain for worker in workers if isinstance(worker, Owner)]

    def verify(self, client: Client) -> None:
        # Block 1 is of a link that stays.
        client.send(Request("PUT", "/v1/links/keep", "{}"))
        client.send(Request("POST", "/v1/links/keep/qdiscs", '{"kind":"ingress","ingress_block":1}'))
        rows = client.get("/v1/blocks/1/filters").json
        for number, (ports, uncertain) in enumerate(zip(self.ports, self.uncertain)):
            found = {row["handle"]: row["options"]["keys"]["dst_port"] for row in rows if row["pref"] == number + 1}
            if uncertain:
                handle, possible = uncertain
                check(found.get(handle) in possible, f"filter {handle} of {number + 1} is {found.get(handle)}, not of {possible}")
                ports.pop(handle, None)
                if handle in found:
                    ports[handle] = found[handle]
            check(found == ports, f"priority {number + 1} has {found} instead of {ports}")
        self.verify_actions(client)

    def verify_actions(self, client: Client) -> None:
        uses: Counter[int] = Counter()
        for block in client.get("/v1/blocks").json:
            name = block["block"] if isinstance(block["block"], int) else block["block"].replace(":", "%3A")
            for row in client.get(f"/v1/blocks/{name}/filters").json:
                uses.update(action["index"] for action in row["actions"])
        held = {row["index"]: row["bind"] for row in client.get("/v1/actions/gact").json}
        check(held == dict(uses), f"actions are held by {held}, and filters have {dict(uses)}")


if __name__ == "__main__":
    sys.exit(lives.main(Lives, __doc__ or ""))
