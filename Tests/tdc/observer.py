"""What the server shows of filters, actions and chains."""
import contextlib
import http.client
import json
import pathlib
import re
import sys
from collections import Counter
from collections.abc import Iterator
from typing import Any

from writers import BLOCK, PATIENCE

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parent.parent / "crash"))
from servers import BINARY, Server, Violation, check  # noqa: E402, F401


class Observer:
    """What the server shows of filters."""

    def __init__(self, server: Server):
        self.server = server

    def send(self, method: str, path: str, body: str | None = None) -> Any:
        connection = http.client.HTTPConnection(self.server.address, timeout=PATIENCE)
        with contextlib.closing(connection):
            connection.request(method, path, body, {"Content-Type": "application/json"} if body else {})
            response = connection.getresponse()
            text = response.read().decode()
            check(200 <= response.status < 300, f"{method} {path}: {response.status} {text[:300]}")
            return json.loads(text) if text else None

    def count(self, path: str) -> int:
        connection = http.client.HTTPConnection(self.server.address, timeout=PATIENCE)
        with contextlib.closing(connection):
            connection.request("GET", f"{path}?limit=1")
            response = connection.getresponse()
            text = response.read()
            check(response.status == 200, f"GET {path}: {response.status} {text[:300]!r}")
            return int(response.headers["Fibd-Count"])

    def lines(self, path: str, accept: str) -> Iterator[bytes]:
        connection = http.client.HTTPConnection(self.server.address, timeout=PATIENCE)
        with contextlib.closing(connection):
            connection.request("GET", path, headers={"Accept": accept})
            response = connection.getresponse()
            check(response.status == 200, f"GET {path}: {response.status}")
            rest = b""
            while piece := response.read(1 << 20):
                *whole, rest = (rest + piece).split(b"\n")
                yield from whole
            check(not rest, f"GET {path} ends within a line: {rest[:100]!r}")

    def listed(self) -> dict[int, int]:
        """The third byte of the source address, by handle."""
        found: dict[int, int] = {}
        row = re.compile(rb'"handle":(\d+),.*"src_mac":"e4:11:([0-9a-f]{2}):')
        for line in self.lines(f"{BLOCK}/filters", "application/x-ndjson"):
            fields = row.search(line)
            check(fields, f"another filter: {line[:300]!r}")
            handle = int(fields[1])
            check(handle not in found, f"handle {handle} is listed twice")
            found[handle] = int(fields[2], 16)
        return found

    def replayed(self) -> tuple[Counter[str], dict[str, int]]:
        """How many rows of each kind a stream replays, and what it counts."""
        rows: Counter[str] = Counter()
        counts: dict[str, int] = {}
        is_sync = False
        for line in self.lines("/v1/events?until=sync&kinds=filter,action,chain", "text/event-stream"):
            if line.startswith(b"event: "):
                rows[line[7:].decode()] += 1
                is_sync = line == b"event: sync"
            elif is_sync and line.startswith(b"data: "):
                counts = json.loads(line[6:])["counts"]
        check(rows.pop("hello", 0) == 1 and rows.pop("sync", 0) == 1, f"a stream of {dict(rows)}")
        return rows, counts
