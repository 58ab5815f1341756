"""The writer: changes at a fixed pace over one connection, and what they add up to."""
import json
import random
import threading
import time

from servers import Client, Lost, Request, Violation, check

TRANSACTION = 4  # changes of each transaction
RULES = {"inet": 3, "inet6": 2}
NAMESPACES = 1


class Table:
    """Prefixes of which half are there, and random changes that keep it so. Each change has an effect."""

    def __init__(self, routes: int, seed: int):
        self.random = random.Random(seed)
        self.target = routes
        inet = [f"10.{number >> 8}.{number & 255}.0/24" for number in range(min(routes * 8 // 5, 1 << 16))]
        self.absent = inet + [f"2001:db8:{number:x}::/48" for number in range(routes * 2 - len(inet))]
        self.present: list[str] = []
        self.changes = 0

    def gateway(self, prefix: str) -> str:
        """Another one for each change, so that none is without effect."""
        self.changes += 1
        number = self.changes % 60_000
        return f"2001:db8:ffff::{number + 1:x}" if ":" in prefix else f"198.51.{number // 250}.{number % 250 + 1}"

    def take(self, prefixes: list[str]) -> str:
        place = self.random.randrange(len(prefixes))
        prefixes[place], prefixes[-1] = prefixes[-1], prefixes[place]
        return prefixes.pop()

    def row(self, prefix: str) -> dict[str, str]:
        return {"dst": prefix, "gateway": self.gateway(prefix)}

    def fill(self) -> str:
        """The first half, as NDJSON."""
        self.present = [self.take(self.absent) for _ in range(self.target)]
        return "".join(json.dumps(self.row(prefix)) + "\n" for prefix in self.present)

    def change(self) -> tuple[str, str]:
        """Operation and prefix; it is for the caller to put the prefix where it belongs then."""
        if self.random.random() < 0.5:
            return "replace", self.take(self.present)
        if len(self.present) > self.target:
            return "delete", self.take(self.present)
        return "add", self.take(self.absent)

    def settle(self, operation: str, prefix: str) -> None:
        (self.absent if operation == "delete" else self.present).append(prefix)

    def request(self) -> Request:
        """One change."""
        operation, prefix = self.change()
        self.settle(operation, prefix)
        if operation == "delete":
            self.changes += 1
            return Request("DELETE", f"/v1/routes/{prefix}")
        if operation == "replace":
            return Request("PUT", f"/v1/routes/{prefix}", json.dumps({"gateway": self.gateway(prefix)}))
        return Request("POST", "/v1/routes", json.dumps(self.row(prefix)))

    def transaction(self) -> Request:
        """`TRANSACTION` changes of as many prefixes."""
        changes = [self.change() for _ in range(TRANSACTION)]
        for operation, prefix in changes:
            self.settle(operation, prefix)
        steps = [{"op": operation, "kind": "route", "value": self.row(prefix) if operation != "delete" else {"dst": prefix}}
                 for operation, prefix in changes]
        return Request("POST", "/v1/transactions", json.dumps({"operations": steps}))

    def counts(self) -> dict[str, int]:
        """What streams must count at the end, by filter (streams.c has these)."""
        inet = [prefix for prefix in self.present if ":" not in prefix]
        inet6, second = len(self.present) - len(inet), [int(prefix.split(".")[1]) for prefix in inet]
        everything = len(self.present) + sum(RULES.values()) + NAMESPACES
        return {"all": everything, "hw_flags=0": everything, "best": everything, "route": len(self.present),
                "inet": len(inet) + RULES["inet"], "inet6": inet6 + RULES["inet6"],
                "within/10": sum(byte < 64 for byte in second), "within/14": sum(16 <= byte < 20 for byte in second)}


class Writer(threading.Thread):
    """Keeps `rate` changes a second as far as the server lets it: what it is more than a second late with, it leaves out."""

    def __init__(self, address: str, table: Table, rate: float):
        super().__init__(daemon=True)
        self.address, self.table, self.rate = address, table, rate
        self.written = self.transactions = 0
        self.latencies: list[float] = []
        self.error: Exception | None = None
        self.stopped = threading.Event()

    def run(self) -> None:
        try:
            with Client(self.address) as client:
                self.write(client)
        except (Violation, Lost) as error:  # told by the main thread
            self.error = error

    def write(self, client: Client) -> None:
        due = time.monotonic()
        while not self.stopped.is_set():
            now = time.monotonic()
            if due > now:
                # In portions: a sleep for each change would cost more than the change.
                self.stopped.wait(max(0.005, due - now))
                continue
            due = max(due, now - 1) + self.send(client) / self.rate

    def send(self, client: Client) -> int:
        is_transaction = self.table.random.random() < 0.1
        request = self.table.transaction() if is_transaction else self.table.request()
        began = time.monotonic()
        answer = client.send(request)
        self.latencies.append(time.monotonic() - began)
        check(answer.has_succeeded, f"{request.method} {request.path} {request.body}: {answer.status} {answer.text[:300]}")
        changes = TRANSACTION if is_transaction else 1
        self.written += changes
        self.transactions += is_transaction
        return changes

    def stop(self) -> None:
        self.stopped.set()
        self.join()
        if self.error:
            raise self.error
