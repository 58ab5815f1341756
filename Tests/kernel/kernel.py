"""A network namespace of one's own, as the kernel keeps it: links, addresses, routes, nexthops, rules, lookups."""

import ctypes
import errno
import ipaddress
import json
import os
import subprocess
import time

from rtnetlink import Rtnetlink

CLONE_NEWNET = 0x40000000
LINKS = ["eth0", "eth1", "eth2"]
NUMBERS = {"main": 254, "local": 255, "default": 253}
REFUSING = ("blackhole", "unreachable", "prohibit", "throw")


class NotPermitted(Exception):
    """Network namespaces aren't allowed here."""


class Kernel:
    """The process that makes it moves into a new network namespace, with the links `LINKS`, up and with carrier."""

    def __init__(self):
        libc = ctypes.CDLL(None, use_errno=True)
        if libc.unshare(CLONE_NEWNET) != 0:
            raise NotPermitted(os.strerror(ctypes.get_errno()))
        try:
            self.make_links()
        except (RuntimeError, OSError) as error:
            raise NotPermitted(error) from error
        self.netlink = Rtnetlink()

    def make_links(self):
        # Routes that name a nexthop are told of without where that leads.
        self.setting("net/ipv4/nexthop_compat_mode", "0")
        self.ip("link", "set", "lo", "up")
        for link in LINKS:
            self.make_link(link)

    def make_link(self, link):
        peer = f"peer-{link}"
        self.ip("link", "add", link, "type", "veth", "peer", "name", peer)
        self.setting(f"net/ipv6/conf/{peer}/disable_ipv6", "1")
        # No link-local addresses, and no waiting for addresses to be found free.
        self.setting(f"net/ipv6/conf/{link}/addr_gen_mode", "1")
        self.setting(f"net/ipv6/conf/{link}/accept_dad", "0")
        # As IPv4's, addresses outlive that their link goes down.
        self.setting(f"net/ipv6/conf/{link}/keep_addr_on_down", "1")
        self.ip("link", "set", peer, "up")
        self.ip("link", "set", link, "up")

    @staticmethod
    def setting(path, value):
        with open(f"/proc/sys/{path}", "w", encoding="ascii") as file:
            file.write(value)

    @staticmethod
    def ip(*arguments):
        done = subprocess.run(["ip", *arguments], capture_output=True, text=True)
        if done.returncode != 0:
            raise RuntimeError(f"ip {' '.join(arguments)}: {done.stderr.strip()}")
        return done.stdout

    @staticmethod
    def name(number):
        """The errno's name, or `ok`."""
        return errno.errorcode[number] if number else "ok"

    # Changes: the errno that each comes to

    def route(self, verb, route):
        return self.name(self.netlink.route(verb, route))

    def nexthop(self, verb, nexthop):
        return self.name(self.netlink.nexthop(verb, nexthop))

    def rule(self, verb, rule):
        return self.name(self.netlink.rule(verb, rule))

    # What there is

    def links(self):
        """As fibd takes them; whether each has carrier."""
        while True:
            rows = json.loads(self.ip("-json", "-details", "address", "show"))
            rows = {row["ifname"]: row for row in rows if row["ifname"] in [*LINKS, "lo"]}
            if all(map(has_settled, rows.values())):
                return {name: (row, "NO-CARRIER" not in row["flags"]) for name, row in rows.items()}
            time.sleep(0.002)

    def is_up(self, link):
        return "UP" in json.loads(self.ip("-json", "link", "show", link))[0]["flags"]

    def nexthops(self):
        return [nexthop_outline(row) for row in self.netlink.nexthops()]

    def blackholes(self):
        """What drops packets, itself or as a group of nothing but such a one."""
        rows = self.netlink.nexthops()
        alone = {row["id"] for row in rows if "blackhole" in row}
        return alone | {row["id"] for row in rows if any(member["id"] in alone for member in row.get("group", []))}

    def rules(self):
        rows = []
        for family, option in (("inet", "-4"), ("inet6", "-6")):
            rows += [row | {"family": family} for row in json.loads(self.ip(option, "-json", "-details", "rule"))]
        return [rule_outline(row) for row in rows]

    def routes(self):
        """Outlines of the routes of each prefix, in their order, by family, table and prefix."""
        found = {}
        for family, option in (("inet", "-4"), ("inet6", "-6")):
            for row in json.loads(self.ip(option, "-json", "-details", "route", "show", "table", "all")):
                add_outline(found, row | {"family": family})
        return found

    def lookup(self, query, matches=False):
        number, answer = self.netlink.lookup(query, matches)
        return self.name(number), answer


def has_settled(link):
    """Whether the kernel has drawn its conclusions from the carrier it has or hasn't, as it does in its own time."""
    return "UP" not in link["flags"] or ("LOWER_UP" in link["flags"]) != ("NO-CARRIER" in link["flags"])


def add_outline(found, row):
    """Puts what is to be the same of a route where it belongs; routes that only one side has by design are left out."""
    version = 4 if row["family"] == "inet" else 6
    destination = row["dst"] if row["dst"] != "default" else ("0.0.0.0/0" if version == 4 else "::/0")
    if "/" not in destination:
        destination += "/32" if version == 4 else "/128"
    # The kernel makes these of its own.
    if destination.startswith(("ff00:", "fe80:")) or row.get("type") == "anycast":
        return
    found.setdefault(place(row | {"dst": destination}), []).append(route_outline(row, version))


def place(route):
    destination = ipaddress.ip_network(route["dst"])
    table = route.get("table", "main")
    return ("inet" if destination.version == 4 else "inet6", NUMBERS.get(table) or int(table), str(destination))


def route_outline(row, version):
    kind = row.get("type", "unicast")
    # The kernel doesn't print the weight of a single leg.
    hops = [hop_outline(hop) for hop in row["nexthops"]] if row.get("nexthops") else [hop_outline(row | {"weight": 1})]
    if kind in REFUSING or "nhid" in row:
        # IPv6 leads them over the loopback (R1-32).
        hops = []
    scope = row.get("scope", "global") if version == 4 else "global"
    tos = row.get("tos", 0)
    return (kind, int(tos, 16) if isinstance(tos, str) else tos, row.get("metric", 0), row.get("protocol", "boot"), scope,
            row.get("prefsrc", "-"), row.get("nhid"), metrics_outline(row.get("metrics", {})), *hops)


def metrics_outline(metrics):
    """Names and values; 0 for what is locked without one. That what has a value is locked `ip` says as text only."""
    if isinstance(metrics, list):
        metrics = metrics[0]
    values = {word: 0 for word in metrics.get("lock", [])}
    values |= {"features" if word == "ecn" else word: 1 if word == "ecn" else value for word, value in metrics.items()}
    values.pop("lock", None)
    return tuple(sorted(values.items()))


def hop_outline(hop):
    gateway = hop.get("gateway") or hop.get("via", {}).get("host") or "-"
    flags = [flag for flag in hop.get("flags", []) if flag in ("dead", "onlink", "linkdown", "pervasive")]
    return (gateway, hop.get("dev", "-"), hop.get("weight", 1), *sorted(flags))


def nexthop_outline(row):
    members = [(member["id"], member.get("weight", 1)) for member in row.get("group", [])]
    return (row["id"], row.get("family"), row.get("protocol", "unspec"), row.get("gateway"), row.get("dev"),
            "blackhole" in row, *row.get("flags", []), *members)


def rule_outline(row):
    source = row.get("src", "all")
    if "srclen" in row:
        source += f"/{row['srclen']}"
    destination = row.get("dst", "-")
    if "dstlen" in row:
        destination += f"/{row['dstlen']}"
    if destination != "-" and "/" not in destination:
        destination += "/128" if ":" in destination else "/32"
    if source != "all" and "/" not in source:
        source += "/128" if ":" in source else "/32"
    action = row.get("action") or ("nop" if "nop" in row else "table")
    tos = row.get("tos", 0)
    if isinstance(tos, str):
        tos = 0x20 if tos == "CS1" else int(tos, 16)
    return (row["family"], row["priority"], "not" in row, source, destination, tos, row.get("fwmark"), row.get("fwmask"),
            row.get("iif"), row.get("oif"), row.get("uid_start"), row.get("ipproto"), row.get("dport"), row.get("table"),
            row.get("goto"), action, row.get("suppress_prefixlen"), "unresolved" in row)
