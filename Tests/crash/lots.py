"""What the writers of the crash tests write: every kind of write there is, drawn from a seed."""
import json
import random
from dataclasses import dataclass

from model import Space, Write
from servers import Request
from state import (Key, Row, State, address, canonical, carrier_of, carrier_row, hash_of, link_key, namespace_rows,
                   route_hash, switch_key)

BIG_IMPORT = 2_500  # of writer 0 now and then, so that what it flushes, or loses with its link, takes three runs
NO_FAULTS = {"duplicate_every": 0, "fail_every": 0, "fail_route_delete": False, "fail_route_offload": False, "lose_every": 0,
             "reorder": False, "stale_every": 0}


@dataclass(frozen=True)
class Link:
    """What the rules of routing need to know of one."""

    name: str
    is_up: bool = True
    addresses: tuple[str, ...] = ()  # each alone in its /24

    def hash(self) -> str:
        return hash_of(canonical({
            "addresses": [f"{each}/24" for each in self.addresses], "ifname": self.name, "mtu": 1500,
            "namespace": "default", "offload": True, "operstate": "UP" if self.is_up else "DOWN"}))

    def routes(self) -> dict[Key, str]:
        """Those that its addresses bring."""
        rows: dict[Key, str] = {}
        for each in self.addresses:
            network = each.rsplit(".", 1)[0]
            rows |= self.row(f"{each}/32", each, "local", "local", "host")
            if self.is_up:
                rows |= self.row(f"{network}.0/24", each, "main", "unicast", "link")
                rows |= self.row(f"{network}.255/32", each, "local", "broadcast", "link")
        return rows

    def row(self, dst: str, source: str, table: str, kind: str, scope: str) -> dict[Key, str]:
        return {Key("default", dst): hash_of(canonical({
            "dev": self.name, "dst": dst, "family": "inet", "metric": 0, "namespace": "default", "prefsrc": source,
            "protocol": "kernel", "scope": scope, "table": table, "type": kind}))}


def hops_hash(key: Key, gateway: str, devices: list[str]) -> str:
    legs: list[dict[str, object]] = [{"dev": device, "gateway": gateway} for device in devices]
    entry = {"dst": key.dst, "family": "inet", "metric": 0, "namespace": "default", "protocol": "boot", "table": "main",
             "type": "unicast"}
    return hash_of(canonical(entry | (legs[0] if len(legs) == 1 else {"nexthops": legs})))


class Lots:
    """Draws the requests of one writer. Each has a gateway of its own, so that no two write the same bytes."""

    def __init__(self, space: Space, number: int, seed: int, import_size: int = 500, objects: bool = False):
        self.space, self.number, self.import_size, self.has_objects = space, number, import_size, objects
        self.device, self.switch = f"eth{number}", f"asi{number}"
        self.links: dict[str, Link] = {}  # by their hashes
        self.random = random.Random(f"{seed} writer {number}")
        self.drawn = 0
        self.base = number << 16 | 10 << 24  # 10.<number>.0.0

    def gateway(self) -> str:
        self.drawn += 1
        return address((16 + self.number << 24) + self.drawn)

    def draw(self, state: State) -> Write:
        kinds = [self.put, self.delete, self.array, self.transaction, self.load, self.flush, self.space_of_its_own]
        weights = [10, 4, 5, 5, 1, 2, 2]
        if self.has_objects:
            kinds += [self.link, self.link_removal, self.carrier, self.neighbour, self.load_over_link, self.settings]
            weights += [4, 1, 2, 3, 4, 3]
        while True:
            write = self.random.choices(kinds, weights)[0](state)
            if write:
                return write

    def keys(self, block: int, size: int, count: int) -> list[Key]:
        """Some keys below 10.<number>.<block>.0, in any order."""
        places = self.random.sample(range(size), count)
        return [Key("default", f"{address(self.base + (block << 8) + place)}/32") for place in places]

    def ack(self) -> str:
        return "applied" if self.random.random() < 0.15 else "durable"

    def put(self, _: State) -> Write:
        [key], gateway, ack = self.keys(0, 64, 1), self.gateway(), self.ack()
        request = Request("PUT", f"/v1/routes/{key.dst}?ack={ack}", json.dumps({"gateway": gateway}))
        return Write("put", request, [(key, route_hash(key, gateway))], gateway, is_applied=ack == "applied")

    def delete(self, state: State) -> Write | None:
        [key], ack = self.keys(0, 64, 1), self.ack()
        request = Request("DELETE", f"/v1/routes/{key.dst}?ack={ack}")
        return Write("delete", request, [(key, None)], is_applied=ack == "applied") if key in state else None

    def array(self, _: State) -> Write:
        keys, gateway, ack = self.keys(1, 128, 20), self.gateway(), self.ack()
        body = json.dumps([{"dst": key.dst, "gateway": gateway} for key in keys])
        changes = [(key, route_hash(key, gateway)) for key in keys]
        return Write("array", Request("POST", f"/v1/routes?mode=replace&ack={ack}", body), changes, gateway,
                     is_applied=ack == "applied")

    def transaction(self, state: State) -> Write:
        keys, gateway, ack = self.keys(2, 64, 10), self.gateway(), self.ack()
        operations, changes = [], []
        for place, key in enumerate(keys):
            goes = place and key in state and self.random.random() < 0.5
            value = {"dst": key.dst} if goes else {"dst": key.dst, "gateway": gateway}
            operations.append({"op": "delete" if goes else "replace", "kind": "route", "value": value})
            changes.append((key, None if goes else route_hash(key, gateway)))
        request = Request("POST", f"/v1/transactions?ack={ack}", json.dumps({"operations": operations}))
        return Write("transaction", request, changes, gateway, is_applied=ack == "applied")

    def load(self, _: State, namespace: str = "default") -> Write:
        """An import."""
        count = self.import_size if namespace == "default" else self.import_size // 3
        if self.number == 0 and namespace == "default" and self.random.random() < 0.3:
            count = BIG_IMPORT
        gateway = self.gateway()
        # Without replacement, and not more than the block has: a line changes its key once.
        keys = [Key(namespace, key.dst) for key in self.keys(16, max(count, 600), count)]
        lines = [f'{{"dst":"{key.dst}","gateway":"{gateway}"}}\n' for key in keys]
        request = Request("POST", f"/v1/routes?mode=replace&namespace={namespace}", "".join(lines), is_ndjson=True)
        return Write("import", request, [(key, route_hash(key, gateway)) for key in keys], gateway, is_whole=False,
                     is_numbered=False)

    def flush(self, state: State) -> Write | None:
        block = f"10.{self.number}.16.0/20"
        first, last = self.base + (16 << 8), self.base + (32 << 8)
        inside = {address(number) for number in range(first, last)}
        gone = [key for key in state if key.namespace == "default" and key.dst.removesuffix("/32") in inside]
        request = Request("DELETE", f"/v1/routes?within={block}&namespace=default")
        return Write("flush", request, [(key, None) for key in gone], is_numbered=False) if gone else None

    def space_of_its_own(self, state: State) -> Write:
        """Creates the writer's namespace, fills it, or removes it with all that is in it."""
        name = self.space.name
        root = Key(name, "")
        if root not in state:
            return Write("namespace", Request("PUT", f"/v1/namespaces/{name}"), list(namespace_rows(name).items()))
        if self.random.random() < 0.6:
            return self.load(state, name)
        gone = [key for key in state if key.namespace == name]
        return Write("namespace removal", Request("DELETE", f"/v1/namespaces/{name}"), [(key, None) for key in gone],
                     is_numbered=False)

    # Routes of block 48 lead over the writer's link alone, those of block 64 over another leg as well.

    def load_over_link(self, _: State) -> Write:
        count, block = self.import_size // 3, self.random.choice([48, 64])
        if self.number == 0 and self.random.random() < 0.3:
            count = BIG_IMPORT
        gateway, devices = self.gateway(), [self.device] if block == 48 else [self.device, "elsewhere"]
        keys = self.keys(block, max(count, 600), count)
        legs = [{"dev": device, "gateway": gateway} for device in devices]
        lines = [json.dumps({"dst": key.dst} | (legs[0] if len(legs) == 1 else {"nexthops": legs})) + "\n" for key in keys]
        request = Request("POST", "/v1/routes?mode=replace", "".join(lines), is_ndjson=True)
        return Write("import", request, [(key, hops_hash(key, gateway, devices)) for key in keys], gateway, is_whole=False,
                     is_numbered=False)

    def present_link(self, state: State) -> Link | None:
        row = state.get(link_key(self.device))
        return self.links[row.h] if row else None

    def link(self, state: State) -> Write | None:
        """Sets up the writer's link, or another state or other addresses of it."""
        old = self.present_link(state)
        choices = [f"10.{self.number}.{200 + place}.1" for place in range(3)]
        new = Link(self.device, self.random.random() < 0.6,
                   tuple(each for each in choices if self.random.random() < 0.6))
        if new == old:
            return None
        self.links[new.hash()] = new
        body = json.dumps({"operstate": "UP" if new.is_up else "DOWN", "addresses": [f"{each}/24" for each in new.addresses]})
        return self.write_link(state, old, new, Request("PUT", f"/v1/links/{self.device}", body))

    def link_removal(self, state: State) -> Write | None:
        old = self.present_link(state)
        return self.write_link(state, old, None, Request("DELETE", f"/v1/links/{self.device}")) if old else None

    def write_link(self, state: State, old: Link | None, new: Link | None, request: Request) -> Write:
        """What follows from it is finished by the next start, so it is there as a whole or not at all."""
        changes: dict[Key, str | None] = {link_key(self.device): new.hash() if new else None}
        if not old or not new:
            changes[carrier_of(link_key(self.device))] = carrier_row(True).h if new else None
        before, after = old.routes() if old else {}, new.routes() if new else {}
        changes |= {key: None for key in before if before[key] != after.get(key)}
        changes |= {key: h for key, h in after.items() if h != before.get(key)}
        goes_down = old and (not new or old.is_up and not new.is_up)
        if goes_down:
            changes |= {key: None for key in state if key.dst.startswith(f"neigh {self.device} ")}
        if goes_down or old and old.addresses and new and not new.addresses:
            changes |= {key: None for key in self.of_block(state, 48)}
        if not new:
            changes |= {key: None for key in self.of_block(state, 64)}
        return Write("link", request, list(changes.items()), is_numbered=False)

    def of_block(self, state: State, block: int) -> list[Key]:
        first = self.base + (block << 8)
        inside = {f"{address(number)}/32" for number in range(first, first + (16 << 8))}
        return [key for key in state if key.namespace == "default" and key.dst in inside]

    def carrier(self, state: State) -> Write | None:
        row: Row | None = state.get(carrier_of(link_key(self.device)))
        if not row:
            return None
        has_carrier = row != carrier_row(True)
        changes: list[tuple[Key, str | None]] = [(carrier_of(link_key(self.device)), carrier_row(has_carrier).h)]
        if not has_carrier:  # permanent ones, which have even addresses, stay
            changes += [(key, None) for key in state
                        if key.dst.startswith(f"neigh {self.device} ") and int(key.dst.rsplit(".", 1)[1]) % 2]
        request = Request("PUT", f"/v1/links/{self.device}/carrier", json.dumps({"carrier": has_carrier}))
        return Write("link", request, changes, is_numbered=False)

    def neighbour(self, state: State) -> Write | None:
        host, removes = self.random.randrange(2, 20), self.random.random() < 0.3
        key = Key("default", f"neigh {self.device} 10.{self.number}.200.{host}")
        path, dst = f"/v1/neighbors/{self.device}/10.{self.number}.200.{host}", f"10.{self.number}.200.{host}"
        if removes:
            return Write("neighbour", Request("DELETE", path), [(key, None)]) if key in state else None
        lladdr = "02:00:" + ":".join(f"{self.random.randrange(256):02x}" for _ in range(4))
        fields = {"lladdr": lladdr, "state": "REACHABLE" if host % 2 else "PERMANENT"}
        entry = fields | {"dev": self.device, "dst": dst, "family": "inet", "namespace": "default"}
        return Write("neighbour", Request("PUT", path, json.dumps(fields)), [(key, hash_of(canonical(entry)))])

    def settings(self, state: State) -> Write:
        """Sets the writer's switch to something else, has it begin with that, or ends it. What it then says of routes is none
        of the state."""
        key, path = switch_key(self.switch), f"/v1/devices/{self.switch}"
        if key in state and self.random.random() < 0.3:
            return Write("switch", Request("DELETE", path), [(key, None)], is_numbered=False)
        self.drawn += 1
        given = {"latency_ms": {"min": 0, "max": self.random.randrange(4)}, "seed": self.drawn}
        # A netdevsim with a capacity would refuse what others write.
        given |= self.random.choice([{"profile": "netdevsim"}, {"capacity": {"ipv4": 300}}, {}])
        capacity = dict.fromkeys(("filters", "ipv4", "ipv4_rules", "ipv6", "ipv6_rules", "nexthops"))
        capacity |= given.get("capacity", {})
        entry = {"profile": "asic"} | given | {"capacity": capacity, "faults": NO_FAULTS, "name": self.switch}
        return Write("switch", Request("PUT", path, json.dumps(given)), [(key, hash_of(canonical(entry)))], is_numbered=False)
