"""The state as the tests write it and as the server lists it: a row for each key.

A key is (namespace, prefix); with an empty prefix it is the namespace itself. Links, neighbours and rules have `link NAME`,
`neigh NAME ADDRESS` and `rule FAMILY PRIORITY` for a prefix, and the carrier of a link, which is no entry, `carrier NAME`
beside it. Switches, which are in no namespace, have `device NAME`. A row is the hash of the entry, and its version where that
is known. Hashes are made here from the canonical bytes, never taken over from the server.
"""
import hashlib
import json
from collections.abc import Callable, Iterable
from typing import Any, NamedTuple

from servers import Client, check

STATUS_FIELDS = ("h", "hw", "seq", "version", "expires", "carrier", "updated")
SETTINGS = ("capacity", "faults", "latency_ms", "name", "profile", "seed")  # of switches
OWN_FLAGS = ("onlink", "pervasive")  # the others are no part of an entry
RULES = [("inet", 0, "local"), ("inet", 32766, "main"), ("inet", 32767, "default"), ("inet6", 0, "local"),
         ("inet6", 32766, "main")]  # what each namespace begins with, in the order of their numbers


class Key(NamedTuple):
    namespace: str
    dst: str


class Row(NamedTuple):
    h: str
    version: int  # 0 if it isn't known


State = dict[Key, Row]


def link_key(name: str) -> Key:
    return Key("default", f"link {name}")


def switch_key(name: str) -> Key:
    return Key("", f"device {name}")


def carrier_of(link: Key) -> Key:
    return Key(link.namespace, link.dst.replace("link ", "carrier ", 1))


def carrier_row(has_carrier: bool) -> Row:
    return Row(f"carrier {has_carrier}", 0)


def is_entry(key: Key) -> bool:
    return not key.dst.startswith("carrier ")


def kind_of(key: Key) -> str:
    """Of an entry."""
    first = key.dst.split(" ")[0]
    return "namespace" if not first else first if first in ("link", "neigh", "rule", "device") else "route"


def hash_of(text: str) -> str:
    """The first 16 bytes of SHA-256 over canonical bytes."""
    return hashlib.sha256(text.encode()).hexdigest()[:32]


def canonical(entry: dict[str, Any]) -> str:
    return json.dumps(entry, sort_keys=True, separators=(",", ":"), ensure_ascii=False)


def route_hash(key: Key, gateway: str) -> str:
    return hash_of(f'{{"dst":"{key.dst}","family":"inet","gateway":"{gateway}","metric":0,"namespace":'
                   f'"{key.namespace}","protocol":"boot","table":"main","type":"unicast"}}')


def namespace_hash(name: str) -> str:
    return hash_of('{"ipv4":{"fib_notify_on_flag_change":0},"ipv6":{"fib_notify_on_flag_change":0},"name":'
                   f'"{name}","nexthop_check":"open"}}')


def rule_key(namespace: str, family: str, priority: int) -> Key:
    return Key(namespace, f"rule {family} {priority}")


def rules_of(namespace: str) -> dict[Key, str]:
    """Those that it begins with, in canonical bytes."""
    return {rule_key(namespace, family, priority): canonical({
        "family": family, "namespace": namespace, "priority": priority, "protocol": "kernel", "src": "all", "table": table})
        for family, priority, table in RULES}


def namespace_rows(name: str) -> dict[Key, str]:
    """The hashes of a new namespace and its rules, in the order of their numbers."""
    return {Key(name, ""): namespace_hash(name)} | {key: hash_of(text) for key, text in rules_of(name).items()}


def key_of(entry: dict[str, Any]) -> Key:
    if "profile" in entry:
        return switch_key(entry["name"])
    if "priority" in entry:
        return rule_key(entry["namespace"], entry["family"], entry["priority"])
    if "ifname" in entry:
        return Key(entry["namespace"], f"link {entry['ifname']}")
    if "state" in entry:
        return Key(entry["namespace"], f"neigh {entry['dev']} {entry['dst']}")
    return Key(entry["namespace"], entry["dst"]) if "dst" in entry else Key(entry["name"], "")


def own_flags(entry: dict[str, Any]) -> dict[str, Any]:
    """Without what hardware and links do to flags."""
    if "flags" not in entry:
        return entry
    kept = [flag for flag in entry["flags"] if flag in OWN_FLAGS]
    return {name: value for name, value in entry.items() if name != "flags"} | ({"flags": kept} if kept else {})


def legs_of(row: dict[str, Any]) -> list[list[str]]:
    """What is wrong with each leg of a listed route; empty if nothing is."""
    legs = [[flag for flag in leg.get("flags", []) if flag in ("dead", "linkdown")]
            for leg in row.get("nexthops", [row])]
    return legs if any(legs) else []


def digest_of(hashes: Iterable[str]) -> str:
    return f"{sum(int(h, 16) for h in hashes) % 2**128:032x}"


def address(number: int) -> str:
    return ".".join(str(number >> shift & 255) for shift in (24, 16, 8, 0))


def listed(client: Client) -> tuple[State, int]:
    """Everything that the server lists, each row proved to be what its hash says; and the number it is as of."""
    state, _, seq = listed_with_legs(client)
    return state, seq


def listed_with_legs(client: Client) -> tuple[State, dict[Key, list[list[str]]], int]:
    """And what is wrong with the legs of routes, where something is; each as its links have it."""
    state: State = {}
    legs: dict[Key, list[list[str]]] = {}
    links: dict[str, list[str]] = {}
    numbers = set()
    seq = 0
    for path in ("/v1/devices", "/v1/namespaces", "/v1/rules", "/v1/links", "/v1/neighbors", "/v1/routes"):
        answer = client.get(path)
        rows = json.loads(answer.text)
        check(str(len(rows)) == answer.headers.get("Fibd-Count"),
              f"{path} lists {len(rows)} rows, Fibd-Count says {answer.headers.get('Fibd-Count')}")
        for row in rows:
            if path == "/v1/devices":
                if row["kind"] != "simulated":  # a driver
                    continue
                row = {name: row[name] for name in (*SETTINGS, "h", "version")}
            entry = own_flags({name: value for name, value in row.items() if name not in STATUS_FIELDS})
            if "nexthops" in entry:
                entry["nexthops"] = [own_flags(hop) for hop in entry["nexthops"]]
            key, h = key_of(entry), hash_of(canonical(entry))
            check(h == row["h"], f"{path}: the hash of {row} is {h}")
            check(key not in state, f"{path} lists {key} twice")
            check(row["version"] not in numbers, f"{path}: {key} has version {row['version']}, and another row too")
            numbers.add(row["version"])
            state[key] = Row(h, row["version"])
            if "ifname" in row and row["namespace"] == "default":
                state[carrier_of(key)] = carrier_row(row["carrier"])
                is_up = row["operstate"] == "UP"
                links[row["ifname"]] = [] if is_up and row["carrier"] else ["linkdown"] if is_up else ["dead", "linkdown"]
            if path == "/v1/routes":
                expected = [links.get(hop.get("dev", ""), []) if row["namespace"] == "default" else []
                            for hop in row.get("nexthops", [row])]
                if row["type"] == "local":
                    expected = [[] for _ in expected]
                found = legs_of(row)
                check(found == (expected if any(expected) else []), f"{key} has the legs {found}, its links say {expected}")
                if found:
                    legs[key] = found
        seq = answer.seq
    check(not numbers or max(numbers) <= seq, f"there is version {max(numbers, default=0)}, Fibd-Seq says {seq}")
    return state, legs, seq


def without_default(found: State) -> State:
    """What is there beside namespace default and its rules, which must be as they began: no one changes them."""
    own = namespace_rows("default")
    first = found.get(Key("default", ""), Row("", 0)).version
    wrong = differences({key: Row(h, first + place) for place, (key, h) in enumerate(own.items())}, found, own.__contains__)
    check(not wrong, f"what is there from the beginning is another: {'; '.join(wrong)}")
    return {key: row for key, row in found.items() if key not in own}


def differences(expected: State, found: State, of: Callable[[Key], bool] = lambda _: True) -> list[str]:
    """What is wrong with the rows found, in words; at most five."""
    wrong = []
    for key in sorted(set(expected) | set(filter(of, found))):
        want, have = expected.get(key), found.get(key)
        if want is None or have is None or not agree(want, have):
            wrong.append(f"{key.dst or 'namespace'} of {key.namespace}: {tell(have)} instead of {tell(want)}")
    return wrong[:5] + ([f"and {len(wrong) - 5} more"] if len(wrong) > 5 else [])


def agree(want: Row, have: Row) -> bool:
    return want.h == have.h and 0 in {want.version, have.version, want.version - have.version}


def tell(row: Row | None) -> str:
    return f"{row.h[:8]} at version {row.version or 'unknown'}" if row else "nothing"
