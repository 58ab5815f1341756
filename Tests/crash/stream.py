"""A strict subscriber that survives the server: it follows with its cursor from one life of the server to the next.

It holds to: the first frame is `hello`, of the same epoch, and of mode `resume` whenever there is a cursor; numbers
increase; `prev` is the change before it; `was` is what is here; hashes are those of the bytes; the changes of a
transaction come together, all of them, without a sync between; count and digest agree at every sync.
"""
import http.client
import json
import threading
from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Any

from servers import PATIENCE, Server, Violation, check
from state import (Key, Row, State, canonical, carrier_of, carrier_row, digest_of, hash_of, is_entry, key_of, kind_of,
                   namespace_rows)

LONGEST_RUN = 1024  # changes of one transaction of a flush or a removed namespace


@dataclass
class Numbers:
    """Every number of the epoch, and what it was given to; shared by writers and subscribers."""

    changes: dict[int, tuple[Key, str | None]] = field(default_factory=dict)
    answers: dict[int, str] = field(default_factory=dict)
    floor: int = 0  # known to be durable
    highest: int = 0
    lock: threading.Lock = field(default_factory=threading.Lock)

    def give(self, seq: int, key: Key, h: str | None) -> None:
        known = self.changes.setdefault(seq, (key, h))
        if known != (key, h):
            raise Violation(f"number {seq} was given twice: to {known[0]} ({known[1] or 'gone'}) "
                            f"and to {key} ({h or 'gone'})")

    def answer(self, seq: int, to: str, after: int) -> None:
        """Two answers can't have one number, and what a server gives out is above all that was given in its past."""
        check(seq > after, f"{to} got number {seq}, when {after} had been given before the server started")
        known = self.answers.setdefault(seq, to)
        check(known is to, f"number {seq} was given twice: to {known} and to {to}")

    def reach(self, seq: int, is_durable: bool) -> None:
        with self.lock:
            self.highest = max(self.highest, seq)
            if is_durable:
                self.floor = max(self.floor, seq)


@dataclass
class Group:
    """Changes of one transaction, as far as they have come."""

    tx: int = 0
    count: int = 0
    gateway: str = ""
    cause: Any = None
    size: int = 0  # that of a new namespace with its rules
    is_of_link: bool = False  # began with a link or a neighbour, whose consequences are not known before


@dataclass
class Subscriber:
    """What one subscriber holds, and the promises it holds the server to. Not bound to a connection."""

    name: str
    query: str
    numbers: Numbers
    sizes: dict[str, int]  # how many changes the transaction that uses a gateway has
    epoch: str = ""
    cursor: str = ""
    held: State = field(default_factory=dict)
    legs: dict[Key, list[list[str]]] = field(default_factory=dict)  # what is wrong with those of routes
    position: int = 0  # of the last change or sync
    last_change: int = 0
    last_told: int = 0  # also of what devices say, which a restart forgets
    stage: str = "start"
    group: Group = field(default_factory=Group)
    closed: set[int] = field(default_factory=set)
    changes: int = 0
    syncs: int = 0
    synced: threading.Event = field(default_factory=threading.Event)
    ended_with: str = ""  # an error or drain event on this connection

    def connected(self) -> None:
        self.stage, self.ended_with, self.last_told = "start", "", self.last_change
        self.synced.clear()

    def take(self, event: str, cursor: str | None, data: dict[str, Any]) -> None:
        check(self.stage != "start" or event in ("hello", "error"), f"the first frame is {event}, not hello")
        if event == "hello":
            self.hello(data)
        elif event == "sync":
            self.sync(data)
        elif event in ("error", "drain"):
            self.ended_with = f"{event}: {data.get('detail')}"
        elif event == "reset":
            raise Violation(f"reset {data}: no subscriber here is slow")
        elif data["op"] == "replay":
            check(self.stage == "replay", f"a replay row in stage {self.stage}")
            self.put(key_of(data["entry"]), data)
        else:
            self.change(data, event)
        if cursor:
            check(cursor.rsplit("-", 1)[0] == f"{self.epoch}-{data['seq']}", f"{cursor} is not the id of {data['seq']}")
        if cursor is not None:
            self.cursor = cursor

    def hello(self, data: dict[str, Any]) -> None:
        check(self.stage == "start", "a second hello")
        check(self.epoch in ("", data["epoch"]), f"epoch {data['epoch']} instead of {self.epoch}")
        if self.cursor:
            check(data["mode"] == "resume", f"cursor {self.cursor} was not resumed but answered with mode "
                                            f"{data['mode']}, reason {data.get('reason')}")
        else:
            check(data["mode"] == "replay", f"mode {data['mode']} without a cursor")
            self.held, self.legs = {}, {}
            self.position, self.last_change, self.last_told, self.group = 0, 0, 0, Group()
        self.epoch, self.stage = data["epoch"], data["mode"]

    def change(self, data: dict[str, Any], kind: str = "route") -> None:
        op, seq, prev = data["op"], data["seq"], data["prev"]
        check(self.stage != "replay", f"change {seq} came before the sync that ends the replay")
        check("catchup" not in data, f"change {seq} is a catch-up, though the log is long enough")
        check(prev <= self.position, f"a change was lost: {seq} follows {prev}, the last here is {self.position}")
        check(seq > self.position, f"change {seq} came after {self.position}")
        check(prev >= self.last_told, f"prev of {seq} is {prev}, but {self.last_told} came last")
        if op in ("flags", "restart"):
            return self.hear_of_hardware(data)
        self.take_part(data, kind)
        key, h, was = key_of(data["entry"]), data.get("h"), data.get("was")
        self.numbers.give(seq, key, f"status of {h}" if op == "status" else h)
        check(op != "status" or h == was and "status" in data, f"change {seq} of status changes {was} to {h}")
        here = self.held.get(key)
        check((h is None) == (op == "delete"), f"change {seq}: {op} with h {h}")
        check((here.h if here else None) == was, f"change {seq}: {op} with was {was} where {here} is")
        if op == "delete":
            check(hash_of(canonical(data["entry"])) == was, f"change {seq} deletes another entry than it shows")
            del self.held[key]
            self.legs.pop(key, None)
            if kind == "link":
                self.held.pop(carrier_of(key), None)
        else:
            self.put(key, data)
        self.position = self.last_change = self.last_told = seq
        self.changes += 1
        self.numbers.reach(seq, is_durable=True)

    def hear_of_hardware(self, data: dict[str, Any]) -> None:
        """What a device says, or that it begins anew: no entry is another one, but the number is taken."""
        if data.get("tx", 0) != self.group.tx:
            self.close_group()
        if data["op"] == "flags":
            key, h = key_of(data["entry"]), data["h"]
            here = self.held.get(key)
            check(h == data["was"] and here and here.h == h, f"flags of {h} where {here} is: {data}")
            check(here and here.version in (0, data["version"]), f"flags of version {data['version']} where {here} is")
            self.numbers.give(data["seq"], key, f"flags of {h}")
        else:
            self.numbers.give(data["seq"], Key("", data["entry"]["name"]), "restart")
        self.position = self.last_told = data["seq"]
        self.changes += 1
        self.numbers.reach(data["seq"], is_durable=True)

    def put(self, key: Key, data: dict[str, Any]) -> None:
        h = hash_of(canonical(data["entry"]))
        check(h == data["h"], f"h of {data['seq']} is not the hash of its entry {data['entry']}")
        check(data["op"] != "replay" or key not in self.held, f"the replay shows {key} twice")
        self.held[key] = Row(h, data["version"])
        status = data.get("status", {})
        if "carrier" in status:
            self.held[carrier_of(key)] = carrier_row(status["carrier"])
        legs = [leg["flags"] for leg in status.get("nexthops", [status] if "flags" in status else [])]
        self.legs.pop(key, None)
        if any(legs):
            self.legs[key] = legs

    def take_part(self, data: dict[str, Any], kind: str) -> None:
        """Keeps transactions together."""
        tx, cause, gateway = data.get("tx", 0), data.get("cause"), data["entry"].get("gateway", "")
        if tx != self.group.tx:
            self.close_group()
            check(tx not in self.closed, f"transaction {tx} goes on at {data['seq']} after others came between")
            self.group = Group(tx, cause=cause, is_of_link=kind in ("link", "neigh") or bool(cause))
            if kind == "namespace":
                self.group.size = len(namespace_rows(data["entry"]["name"]))
        if not tx:
            check(not cause, f"change {data['seq']} has a cause, but no tx")
            check(kind != "namespace" or data["op"] != "add", f"change {data['seq']} adds a namespace, but has no tx")
            check(gateway not in self.sizes or data["op"] == "delete",
                  f"change {data['seq']} is part of a transaction of {self.sizes.get(gateway)}, but has no tx")
            return
        if self.group.is_of_link and cause and not self.group.cause:
            check(cause["seq"] == tx, f"{data['seq']} has the cause {cause}, the transaction begins with {tx}")
            self.group.cause = cause
        check(self.group.cause == cause, f"transaction {tx} has the causes {self.group.cause} and {cause}")
        if "h" in data and not self.group.is_of_link:
            check(self.group.gateway in ("", gateway), f"transaction {tx} holds changes of two requests")
            self.group.gateway = gateway
        self.group.count += 1
        check(not cause or self.group.count <= LONGEST_RUN, f"run {tx} is longer than {LONGEST_RUN} changes")

    def close_group(self) -> None:
        group, self.group = self.group, Group()
        if not group.tx:
            return
        self.closed.add(group.tx)
        if not group.cause and not group.is_of_link:
            size = group.size or self.sizes.get(group.gateway, 0)
            check(size, f"transaction {group.tx} is none that was sent")
            check(group.count == size, f"transaction {group.tx} has {group.count} changes of {size}")

    def sync(self, data: dict[str, Any]) -> None:
        self.close_group()
        check(data["seq"] >= self.position, f"sync at {data['seq']} after change {self.position}")
        held = {key: row for key, row in self.held.items() if is_entry(key)}
        check(data["count"] == len(held),
              f"at {data['seq']} the server holds {data['count']} entries, {self.name} {len(held)}")
        check(data["digest"] == digest_of(row.h for row in held.values()), f"at {data['seq']} the digests differ")
        for kind in ("device", "namespace", "link", "neigh", "rule", "route"):
            if kind in data["digests"]:
                hashes = [row.h for key, row in held.items() if kind_of(key) == kind]
                check(data["counts"][kind] == len(hashes) and data["digests"][kind] == digest_of(hashes),
                      f"at {data['seq']} the digests of {kind} differ")
        self.position, self.stage = data["seq"], "live"
        self.numbers.reach(data["seq"], is_durable=True)
        self.syncs += 1
        self.synced.set()


def frames(response: http.client.HTTPResponse) -> Iterator[tuple[str, str | None, dict[str, Any]]]:
    """Event, id (None without one) and data of each frame that came whole."""
    rest = b""
    while piece := response.read1(1 << 16):
        *whole, rest = (rest + piece).split(b"\n\n")
        for text in whole:
            event, cursor, data = "", None, ""
            for line in text.decode().split("\n"):
                name, _, value = line.partition(":")
                value = value.removeprefix(" ")
                if name == "event":
                    event = value
                elif name == "id":
                    cursor = value
                elif name == "data":
                    data = value
            if data:
                yield event, cursor, json.loads(data)


class Following(threading.Thread):
    """One connection of a subscriber, to the end of the server's life."""

    def __init__(self, subscriber: Subscriber, server: Server, fail: Any):
        super().__init__(daemon=True)
        self.subscriber, self.server, self.fail = subscriber, server, fail
        subscriber.connected()

    def run(self) -> None:
        try:
            self.follow()
        except Exception as error:  # told by the main thread
            self.fail(self.subscriber.name, error)
        finally:
            self.subscriber.synced.set()  # no one needs to wait any more

    @property
    def may_break(self) -> bool:
        return self.server.killed or self.server.may_fail and self.subscriber.stage == "start"

    def follow(self) -> None:
        # heartbeat=1: silence for longer than PATIENCE is a hang.
        connection = http.client.HTTPConnection(self.server.address, timeout=PATIENCE)
        headers = {"Accept": "text/event-stream"}
        if self.subscriber.cursor:
            headers["Last-Event-ID"] = self.subscriber.cursor
        try:
            connection.request("GET", f"/v1/events?heartbeat=1{self.subscriber.query}", headers=headers)
            response = connection.getresponse()
            if response.status == 503 and self.server.may_fail:
                return
            check(response.status == 200, f"GET /v1/events: {response.status}")
            for frame in frames(response):
                self.subscriber.take(*frame)
        except TimeoutError:
            if not self.server.killed:
                raise Violation(f"nothing came for {PATIENCE:g} s") from None
        except (OSError, http.client.HTTPException) as error:
            if not self.may_break:
                raise Violation(f"the stream broke: {type(error).__name__} {error}") from None
            return
        finally:
            connection.close()
        if not self.may_break and not self.subscriber.ended_with:
            raise Violation("the stream ended without a word")
