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
import argparse
import json
import pathlib
import random
import shutil
import sys
import tempfile
import threading
import time
import urllib.request
from collections import Counter
from typing import Any

from servers import BINARY, CHECKPOINT_BYTES, PATIENCE, Client, Lost, Request, Server, Violation, check

OWNERS, TROUBLERS, HANDLES = 4, 2, 2
# Of the owners' priorities.
CHAIN = 2


def filter_of(port: int, action: dict[str, Any] | None) -> dict[str, Any]:
    keys = {"ip_proto": "tcp", "dst_port": port}
    return {"protocol": "ip", "kind": "flower", "options": {"keys": keys}, "actions": [action] if action else []}


def gact(index: int | None = None) -> dict[str, Any]:
    return {"kind": "gact", "control_action": {"type": "drop"}} | ({"index": index} if index else {})


class Worker(threading.Thread):
    """Sends requests for one life of the server, one after the other."""

    def __init__(self, server: Server, seed: int):
        super().__init__(daemon=True)
        self.server, self.random, self.error = server, random.Random(seed), None

    def run(self) -> None:
        try:
            with Client(self.server.address) as client:
                while not self.server.killed and self.step(client):
                    pass
        except Exception as error:  # told by the main thread
            self.error = error

    def step(self, client: Client) -> bool:
        raise NotImplementedError

    def send(self, client: Client, method: str, path: str, body: Any = None) -> int | None:
        """The status; nil if the server was killed meanwhile."""
        try:
            return client.send(Request(method, path, json.dumps(body) if body is not None else "")).status
        except (Lost, Violation):
            if self.server.killed:
                return None
            raise


class Owner(Worker):
    """Knows what must be in its priority: by handle the port, and what is uncertain since no one answered."""

    def __init__(self, server: Server, seed: int, number: int, ports: dict[int, int]):
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


class Run:
    """One data directory from its first start to the last kill."""

    def __init__(self, binary: pathlib.Path, directory: pathlib.Path, seed: int):
        self.binary, self.directory, self.random = binary, directory, random.Random(seed)
        self.ports: list[dict[int, int]] = [{} for _ in range(OWNERS)]
        self.uncertain: list[tuple[int, set[int | None]] | None] = [None] * OWNERS
        self.answers = 0

    def start(self) -> Server:
        return Server(self.binary, self.directory, {CHECKPOINT_BYTES: "100000"}).await_listening()

    def live(self, ends_cleanly: bool) -> None:
        server = self.start()
        with Client(server.address) as client:
            # Block 1 is of a link that stays.
            client.send(Request("PUT", "/v1/links/keep", "{}"))
            client.send(Request("POST", "/v1/links/keep/qdiscs", '{"kind":"ingress","ingress_block":1}'))
            self.verify(client)
        owners = [Owner(server, self.random.random(), number, self.ports[number]) for number in range(OWNERS)]
        workers: list[Worker] = [*owners, *(Troubler(server, self.random.random()) for _ in range(TROUBLERS))]
        for worker in workers:
            worker.start()
        time.sleep(self.random.uniform(0.1, 0.8))
        if ends_cleanly:
            server.killed = True
        else:
            server.kill()
        for worker in workers:
            worker.join()
            if worker.error:
                raise worker.error
        self.uncertain = [owner.uncertain for owner in owners]
        if ends_cleanly:
            before = digests(server)
            server.stop()
            with self.start() as again:
                check(digests(again) == before, f"{digests(again)} after a clean end, {before} before it")

    def verify(self, client: Client) -> None:
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


def digests(server: Server) -> Any:
    """Of each kind, as a stream tells them."""
    with urllib.request.urlopen(f"http://{server.address}/v1/events?until=sync&kinds=all", timeout=PATIENCE) as stream:
        return json.loads(stream.read().decode().split("data: ")[-1])["digests"]


def run(binary: pathlib.Path, kills: int, seed: int) -> tuple[bool, str]:
    directory = pathlib.Path(tempfile.mkdtemp(prefix="fibd-filters-"))
    life = 0
    try:
        of = Run(binary, directory, seed)
        for life in range(kills):
            of.live(ends_cleanly=life % 3 == 2)
        with of.start() as server, Client(server.address) as client:
            of.verify(client)
    except Violation as violation:
        return False, f"life {life}: {violation}; the data directory is {directory}"
    shutil.rmtree(directory)
    return True, f"{kills} lives, every promise kept"


def main() -> int:
    parser = argparse.ArgumentParser(description=(__doc__ or "").split("\n")[0])
    parser.add_argument("--binary", type=pathlib.Path, default=BINARY, metavar="PATH")
    parser.add_argument("--kills", type=int, default=100, metavar="N")
    parser.add_argument("--seed", type=int, default=1, metavar="N")
    options = parser.parse_args()
    holds, line = run(options.binary.resolve(), options.kills, options.seed)
    print(line, flush=True)
    return 0 if holds else 1


if __name__ == "__main__":
    sys.exit(main())
