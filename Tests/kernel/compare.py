#!/usr/bin/env python3
"""Random operations go to a network namespace of the kernel and to a fibd: what is taken, what is refused and why, the tables
in order, and where packets go must be the same.

Usage: compare.py [--seed N] [--steps N]

Exits 0 if they agree, 1 with what differs if they don't, 77 if network namespaces aren't allowed here. What differs on purpose
is in `DELIBERATE`.
"""

import argparse
import pathlib
import random
import sys
import time

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parent.parent / "examples"))
from support import Client, Server  # noqa: E402

from kernel import LINKS, Kernel, NotPermitted, add_outline, nexthop_outline, place, rule_outline  # noqa: E402
from operations import Operations  # noqa: E402

# What the operations leave out, since fibd differs there on purpose (B-… of the specification that both follow).
DELIBERATE = {
    "B-01": "IPv4's local and main are never one table: the first step adds a rule, which parts them in the kernel too",
    "B-02": "IPv4 routes that go with their link are told of; not compared, since no one listens to the kernel here",
    "B-08": "IPv6 prefixes with host bits, `test` of IPv6 and the type of an IPv6 deletion follow IPv4's rules",
    "several errors": "of a list of nexthops with more than one error, another one may be told",
    "metrics": "an IPv6 deletion compares metrics here, as one of IPv4 does; legs of an IPv6 route share what the first came with",
    "R1-03": "a route that is refused makes no table here, and the kernel's IPv6 tables have an entry that ::/0 finds",
    "R1-75": "a gateway that is an own address is told by lookups as it was given; the kernel leaves it out",
    "prefsrc": "where a link has no address, the kernel takes one of another link in IPv6, and fibd says none",
    "oif": "an IPv4 lookup by a link that finds nothing, or is refused, finds the destination on that link, if it is up",
    "carrier": "of a link that comes up without carrier, IPv6 legs stay dead in the kernel until it has one",
    "twins": "an IPv6 route that takes the place of another can be the twin of a third one in the kernel; EEXIST here",
    "R1-12": "the kernel finds a rule the same that differs in `not`, `goto`, or a prefix that the new one hasn't",
    "blackholes": "a route that leads to a blackhole keeps its type here; the kernel tells of it as a blackhole",
    "hidden": "the kernel's dump of IPv6 leaves out routes that stand between the legs of another; they are cleared",
    "shared": "of IPv6 routes that share a nexthop, a lookup in the kernel may tell of another one (rt6_get_pcpu_route)",
    "groups": "a family beside a group, members beyond 256 and weights beyond 256 are refused here, and a blackhole with onlink",
    "misses": "an IPv4 lookup by a link passes over a whole prefix in the kernel if a nexthop there leads elsewhere",
    "owners": "a group that is replaced keeps its protocol in the kernel (replace_nexthop_grp)",
    "ids": "the id that a nexthop would have had that is refused for its gateway is used up in the kernel",
    "legs": "over which leg of several an IPv6 gateway is reached, a hash decides; rare, and seen as a difference if it happens",
    "multicast": "a multicast gateway is refused as such here; to the kernel it is one that can't be reached, or can",
}


PATIENCE = 5  # seconds
OWN = [f"192.0.{number}.{host}" for number in (1, 2, 3) for host in (1, 7)]


class Differs(Exception):
    """The kernel and fibd disagree."""


def is_shared(query, answer):
    """Whether the kernel may answer by another route with the same nexthop: `shared`."""
    return "nhid" in answer and ":" in query["dst"]


class Pair:
    """A kernel and a fibd to which the same happens."""

    def __init__(self, kernel, client, rng):
        self.kernel = kernel
        self.client = client
        self.operations = Operations(rng, kernel)
        self.log = []

    def differ(self, what, theirs, ours):
        history = "\n".join(self.log[-400:])
        raise Differs(f"{history}\n{what}\nkernel: {theirs}\nfibd:   {ours}")

    def fibd(self, method, path, body=None):
        """What a request comes to: `ok`, or the errno."""
        status, answer = self.client.call(method, path, body, expect=range(200, 600))
        return "ok" if status < 300 else answer["code"], answer

    def transact(self, operation):
        return self.fibd("POST", "/v1/transactions", {"operations": [operation]})

    # Steps

    def change(self, kind, verb, value):
        self.log.append(f"{kind} {verb} {value}")
        theirs = getattr(self.kernel, kind)(verb, value)
        ours, answer = self.write(kind, verb, value)
        self.log[-1] += f" -> {theirs}"
        if len(value.get("nexthops", [])) > 1 and "ok" not in (theirs, ours):
            return  # "several errors"
        if verb == "delete" and value.get("dst") == "::/0" and {theirs, ours} == {"ENOENT", "ESRCH"}:
            return  # R1-03
        if kind == "route" and (theirs, ours) == ("ok", "EEXIST") and verb in ("replace", "change"):
            return self.clear(value)  # "twins"
        if theirs != ours:
            self.differ(self.log[-1], theirs, f"{ours} {answer.get('detail', '')}")
        if kind == "nexthop" and (difference := self.nexthop_difference()):
            self.differ(*difference)
        if kind == "route" and ours == "ok" and self.hides(place(value)):
            self.clear(value)  # "hidden"

    def hides(self, key):
        """Whether the kernel doesn't tell of all routes there: a leg that joins a route comes after all others of its metric,
        and the dump goes on after the last leg."""
        ours = self.routes().get(key, [])
        if key[0] == "inet" or len(ours) < 2 or all(len(row) < 9 for row in ours):
            return False
        theirs, rest = self.kernel.routes().get(key, []), iter(ours)
        return theirs != ours and all(row in rest for row in theirs)

    def clear(self, route):
        """Both have no route of the key any more."""
        key = {name: route[name] for name in ("dst", "table", "metric") if name in route}
        while self.kernel.route("delete", key) == "ok":
            pass
        while self.write("route", "delete", key)[0] == "ok":
            pass

    def write(self, kind, verb, value):
        if kind in ("route", "nexthop") and verb != "delete":
            return self.fibd("POST", f"/v1/{kind}s?mode={verb}", value)
        return self.transact({"op": verb, "kind": kind, "value": value})

    def link(self, *arguments):
        self.log.append("ip " + " ".join(arguments))
        try:
            self.kernel.ip(*arguments)
        except RuntimeError as error:
            self.log[-1] += f" -> {error}"
        self.take_links()

    def remove(self, link):
        """A link goes, with all that leads over it, and another one comes."""
        self.log.append(f"removal of {link}")
        self.kernel.ip("link", "delete", link)
        self.client.call("DELETE", f"/v1/links/{link}")
        self.compare()
        self.kernel.make_link(link)
        self.take_links()
        self.address(link)

    def address(self, link):
        number = LINKS.index(link) + 1
        self.link("address", "add", f"192.0.{number}.1/24", "dev", link)
        self.link("address", "add", f"2001:db8:{number}::1/64", "dev", link, "nodad")

    def take_links(self):
        """fibd is told what links the kernel has by now."""
        for name, (row, carrier) in self.kernel.links().items():
            self.client.call("PUT", f"/v1/links/{name}", row)
            self.client.call("PUT", f"/v1/links/{name}/carrier", {"carrier": carrier})

    # Comparisons

    def compare(self):
        """Both have the same, at the latest when the kernel has looked at its carriers, which it does in its own time."""
        deadline = time.monotonic() + PATIENCE
        while difference := self.difference():
            if time.monotonic() > deadline:
                self.differ(*difference)
            time.sleep(0.02)
            self.take_links()

    def difference(self):
        if difference := self.nexthop_difference():
            return difference
        theirs, ours = self.kernel.routes(), self.routes()
        for key in sorted(theirs.keys() | ours.keys()):
            if theirs.get(key) != ours.get(key):
                return f"routes of {key}", theirs.get(key), ours.get(key)
        theirs = self.kernel.rules()
        ours = [rule_outline(row) for row in self.client.call("GET", "/v1/rules")[1]]
        if theirs != ours:
            return "rules", [row for row in theirs if row not in ours], [row for row in ours if row not in theirs]
        return None

    def nexthop_difference(self):
        theirs = self.kernel.nexthops()
        ours = [nexthop_outline(row) for row in self.client.call("GET", "/v1/nexthops")[1]]
        return None if theirs == ours else ("nexthops", theirs, ours)

    def routes(self):
        found = {}
        blackholes = self.kernel.blackholes()
        for row in self.client.call("GET", "/v1/routes")[1]:
            add_outline(found, row | ({"type": "blackhole"} if row.get("nhid") in blackholes else {}))
        return found

    def has_nexthops(self):
        return any("nhid" in row for row in self.client.call("GET", "/v1/routes?family=inet")[1])

    def look_up(self, query):
        parameters = "&".join(f"{name}={value}" for name, value in query.items())
        _, answer = self.client.call("GET", f"/v1/lookup?{parameters}")
        errno, theirs = self.kernel.lookup(query)
        ours = answer.get("code", "ok")
        what = f"lookup {query}"
        if errno != "ok" and is_shared(query, answer):
            return
        if errno != ours:
            self.differ(what, (errno, theirs), answer)
        if errno != "ok":
            return
        names = ["dev", "gateway", "prefsrc"]
        if answer["type"] == "local":
            # Whichever link has the address, the kernel answers with the loopback, and IPv6 with where it found it.
            names = ["prefsrc"]
        if answer.get("gateway") in OWN:
            names.remove("gateway")
        if ":" in query["dst"] and "prefsrc" not in answer or is_shared(query, answer):  # "prefsrc"
            names.remove("prefsrc")
        via = {"gateway": answer["via"]["host"]} if "via" in answer else {}
        ours = {name: (answer | via).get(name) for name in names}
        if ours != {name: theirs.get(name) for name in names} and not self.several(query):
            self.differ(what, theirs, answer)

    def several(self, query):
        """Whether the route has several legs: which of them, a hash decides, and each side has its own."""
        errno, theirs = self.kernel.lookup(query, matches=True)
        if errno != "ok":
            return False
        members = [row.get("group", []) for row in self.kernel.netlink.nexthops() if row["id"] == theirs.get("nhid")]
        return theirs["has_legs"] or any(len(group) > 1 for group in members)

    def match(self, query):
        """The route itself."""
        parameters = "&".join(f"{name}={value}" for name, value in query.items())
        _, answer = self.client.call("GET", f"/v1/lookup?{parameters}&fibmatch=1")
        errno, theirs = self.kernel.lookup(query, matches=True)
        if errno != "ok" and "oif" in query and ":" not in query["dst"]:
            return  # "oif"
        if "oif" in query and "." in query["dst"] and self.has_nexthops():
            return  # "misses"
        shared = is_shared(query, answer)
        if shared and errno != "ok":
            return
        if errno != answer.get("code", "ok"):
            self.differ(f"fibmatch {query}", (errno, theirs), answer)
        if errno != "ok":
            return
        names = ["type"] if shared else ["dst", "type", "metric", "nhid"]
        ours = {name: answer.get(name) for name in names}
        if ours != {name: theirs.get(name) for name in ours}:
            self.differ(f"fibmatch {query}", theirs, answer)


def run(seed, steps):
    rng = random.Random(seed)
    kernel = Kernel()
    with Server() as server, Client(server) as client:
        client.call("PATCH", "/v1/namespaces/default", {"nexthop_check": "strict"})
        pair = Pair(kernel, client, rng)
        pair.take_links()
        for link in LINKS:
            pair.address(link)
        pair.change("rule", "add", {"priority": 40_000, "table": "77"})
        pair.compare()
        for step in range(steps):
            pair.operations.step(pair)
            if step % 5 == 0:
                pair.compare()
        pair.compare()


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--steps", type=int, default=400)
    options = parser.parse_args()
    try:
        run(options.seed, options.steps)
    except NotPermitted as error:
        print(f"no network namespaces here: {error}")
        return 77
    except Differs as error:
        print(f"seed {options.seed}: {error}")
        return 1
    return 0


if __name__ == "__main__":
    sys.exit(main())
