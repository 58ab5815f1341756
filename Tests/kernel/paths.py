"""What routers say of paths: the same ICMP messages come to a network namespace of the kernel and to a fibd, and what each of
them knows of the way to a destination then is put into the same words.

Sources: RFC 792, RFC 1191, RFC 4443, RFC 4861; kernel net/ipv4/icmp.c `icmp_err`, net/ipv6/icmp.c `icmpv6_err`.
"""

import contextlib
import ctypes
import dataclasses
import ipaddress
import itertools
import json
import os
import pathlib
import socket
import struct
import sys
import time
from collections.abc import Iterator

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parent.parent / "examples"))
from support import Client, Server  # noqa: E402

from kernel import CLONE_NEWNET, Kernel  # noqa: E402
from rtnetlink import packed  # noqa: E402

PATIENCE = 5  # seconds
LINK, OTHER_LINK = "eth0", "eth1"
OWN = {4: "192.0.2.9", 6: "2001:db8:1::9"}
SUBNETS = ["192.0.2.9/24", "2001:db8:1::9/64"]
ROUTERS = {4: "192.0.2.1", 6: "fe80::1"}
BEHIND = {4: ipaddress.ip_network("203.0.113.0/24"), 6: ipaddress.ip_network("2001:db8:2::/64")}
OFF_LINK = "198.51.100.7"
# They answer; no one else on the link does.
NEIGHBOURS = ["192.0.2.1", "192.0.2.2", "192.0.2.3", OFF_LINK, "fe80::1", "fe80::2", "fe80::3"]
LINK_ADDRESS = "02:00:00:00:00:01"

# By family, in the order in which they are set: in the kernel, a change of `forwarding` changes `accept_redirects`.
DEFAULTS = {
    4: {"ip_no_pmtu_disc": 0, "min_pmtu": 552, "mtu_expires": 600, "forwarding": 0, "accept_redirects": 1,
        "secure_redirects": 1, "shared_media": 1},
    6: {"mtu_expires": 600, "forwarding": 0, "accept_redirects": 1},
}
# Where the kernel has those that are not in `conf/all`; and those of which either `conf/all` or the link will do, of which fibd
# has one.
PLACES = {"ip_no_pmtu_disc": "", "min_pmtu": "route/", "mtu_expires": "route/"}
OF_EITHER = ("secure_redirects", "shared_media")

ICMP, ICMPV6 = 1, 58
UNREACHABLE, REDIRECT, TOO_BIG, REDIRECT6 = 3, 5, 2, 137
ETHERTYPES = {4: 0x0800, 6: 0x86DD}
# What counts messages of a type that came with the right checksum.
COUNTERS = {UNREACHABLE: "InDestUnreachs", REDIRECT: "InRedirects", TOO_BIG: "Icmp6InPktTooBigs",
            REDIRECT6: "Icmp6InRedirects"}


def version_of(address: str) -> int:
    return ipaddress.ip_address(address).version


# Messages


@dataclasses.dataclass(frozen=True)
class Message:
    """One of ICMP to the own address, from its type on, and who sends it."""

    source: str
    body: bytes

    @property
    def version(self) -> int:
        return version_of(self.source)

    @property
    def packet(self) -> bytes:
        # That of a redirect of IPv6 has passed no router.
        return ip_header(self.source, OWN[self.version], len(self.body), hops=255) + self.body


def too_large(destination: str, mtu: int, length: int = 1500, source: str | None = None, code: int | None = None,
              quoted_source: str | None = None) -> Message:
    """A packet of that length was too large for what comes next, which takes no more than the MTU."""
    version = version_of(destination)
    kind, usual = (UNREACHABLE, 4) if version == 4 else (TOO_BIG, 0)
    # In IPv6 the MTU has all of the four bytes.
    rest = struct.pack(">HH", 0, mtu) + quoted(destination, length, quoted_source)
    return message(source or ROUTERS[version], kind, usual if code is None else code, rest)


def redirect(destination: str, gateway: str, source: str | None = None, code: int | None = None,
             quotes: bool = True) -> Message:
    """Another router is nearer, or the destination itself."""
    version = version_of(destination)
    source = source or ROUTERS[version]
    packet = quoted(destination, 100)
    if version == 4:
        return message(source, REDIRECT, 1 if code is None else code, packed(gateway) + packet)
    # An option: its type, and its length in units of 8 bytes (RFC 4861, section 4.6.3).
    option = struct.pack(">BB6x", 4, 1 + len(packet) // 8) + packet if quotes else b""
    return message(source, REDIRECT6, code or 0, bytes(4) + packed(gateway) + packed(destination) + option)


def message(source: str, kind: int, code: int, rest: bytes) -> Message:
    body = struct.pack(">BBH", kind, code, 0) + rest
    # The sum of ICMPv6 is over the addresses too (RFC 4443, section 2.3).
    ends = packed(source) + packed(OWN[6]) + struct.pack(">II", len(body), ICMPV6) if version_of(source) == 6 else b""
    return Message(source, body[:2] + struct.pack(">H", checksum(ends + body)) + body[4:])


def quoted(destination: str, length: int, source: str | None = None) -> bytes:
    """The beginning of a packet of that length: an answer to a ping, since of a ping the kernel asks for the socket."""
    version = version_of(destination)
    echo_reply, header_length = (0, 20) if version == 4 else (129, 40)
    header = ip_header(source or OWN[version], destination, length - header_length)
    return header + struct.pack(">BBHHH", echo_reply, 0, 0, 1, 1)


def ip_header(source: str, destination: str, length: int, hops: int = 64) -> bytes:
    """Of a packet of ICMP; the length is that of what comes behind it."""
    ends = packed(source) + packed(destination)
    if version_of(source) == 6:
        return struct.pack(">IHBB", 6 << 28, length, ICMPV6, hops) + ends
    header = struct.pack(">BBHHHBBH", 0x45, 0, 20 + length, 1, 0x4000, hops, ICMP, 0) + ends
    return header[:10] + struct.pack(">H", checksum(header)) + header[12:]


def checksum(data: bytes) -> int:
    """RFC 1071."""
    data += bytes(len(data) % 2)
    total = sum(word for word, in struct.iter_unpack(">H", data))
    while total >> 16:
        total = (total & 0xFFFF) + (total >> 16)
    return ~total & 0xFFFF


# What comes of them


@dataclasses.dataclass(frozen=True)
class Path:
    """What is known of the way to a destination; how long that counts, in seconds."""

    gateway: str | None
    is_redirected: bool
    gateway_expires: int | None
    mtu: int | None
    is_locked: bool
    mtu_expires: int | None


def rounded(seconds: int | None) -> int | None:
    """Those that pass during a test don't count."""
    return None if seconds is None else (seconds + 5) // 10 * 10


class PathKernel(Kernel):
    """With a wire to write to, on which the routers are."""

    def make_links(self) -> None:
        super().make_links()
        # Someone who may make links needn't be allowed to write to them, nor must a kernel have all settings.
        self.wires = {link: self.wire(link) for link in (LINK, OTHER_LINK)}
        for version, settings in DEFAULTS.items():
            for name, value in settings.items():
                self.set(version, name, value)
        # Messages come in over whatever link.
        for scope in ("all", LINK, OTHER_LINK):
            self.setting(f"net/ipv4/conf/{scope}/rp_filter", "0")

    @staticmethod
    def wire(link: str) -> socket.socket:
        wire = socket.socket(socket.AF_PACKET, socket.SOCK_RAW)
        wire.bind((f"peer-{link}", 0))
        return wire

    def close(self) -> None:
        self.netlink.socket.close()
        for wire in self.wires.values():
            wire.close()

    def set(self, version: int, name: str, value: int) -> None:
        self.setting(f"net/ipv{version}/{PLACES.get(name, 'conf/all/')}{name}", str(value))
        if name in OF_EITHER:
            self.set_link(version, name, value)

    def set_link(self, version: int, name: str, value: int) -> None:
        self.setting(f"net/ipv{version}/conf/{LINK}/{name}", str(value))

    def take(self, message: Message, link: str) -> None:
        """Lets it come in over the link."""
        kind = message.body[0]
        count = received(kind)
        address = json.loads(self.ip("-json", "link", "show", link))[0]["address"]
        ends = bytes.fromhex((address + LINK_ADDRESS).replace(":", ""))
        self.wires[link].send(ends + struct.pack(">H", ETHERTYPES[message.version]) + message.packet)
        deadline = time.monotonic() + PATIENCE
        while received(kind) == count:
            if time.monotonic() > deadline:
                raise AssertionError(f"the kernel hasn't taken in {message}")
            time.sleep(0.001)

    def path(self, destination: str) -> Path:
        arguments = ["-details", "route", "get", destination]
        row = json.loads(self.ip("-json", *arguments))[0]
        expires = rounded(row.get("expires"))
        # Without an end it is the route's own.
        mtu = row.get("metrics", [{}])[0].get("mtu") if expires is not None else None
        gateway = row.get("gateway")
        if version_of(destination) == 4:
            is_redirected = "redirected" in row["cache"]
            # That what has a value is locked `ip` says as text only.
            is_locked = mtu is not None and "mtu lock" in self.ip(*arguments)
        else:
            # Of IPv6 it isn't told, and none is locked by messages; all destinations here are behind the router.
            is_redirected, is_locked = gateway != ROUTERS[6], False
        return Path(
            gateway=gateway, is_redirected=is_redirected, gateway_expires=expires if is_redirected else None,
            mtu=mtu, is_locked=is_locked, mtu_expires=expires if mtu is not None else None)


def received(kind: int) -> str:
    """How many messages of that type the kernel has taken in."""
    if kind in (TOO_BIG, REDIRECT6):
        with open("/proc/net/snmp6", encoding="ascii") as file:
            return dict(line.split() for line in file)[COUNTERS[kind]]
    with open("/proc/net/snmp", encoding="ascii") as file:
        names, numbers = [line.split() for line in file if line.startswith("Icmp:")]
    return numbers[names.index(COUNTERS[kind])]


class Pair:
    """A kernel and a fibd to which the same is told."""

    def __init__(self, kernel: PathKernel, client: Client, redirect_lifetime: int):
        self.kernel = kernel
        self.client = client
        self.redirect_lifetime = redirect_lifetime
        self.numbers = itertools.count(1)
        for subnet in SUBNETS:
            kernel.ip("address", "add", subnet, "dev", LINK, *(["nodad"] if ":" in subnet else []))
        for name, (row, carrier) in kernel.links().items():
            client.call("PUT", f"/v1/links/{name}", row)
            client.call("PUT", f"/v1/links/{name}/carrier", {"carrier": carrier})
        # As to the kernel, a neighbour that nothing is known of doesn't answer.
        expiry = {"redirect_expires": redirect_lifetime}
        client.call("PATCH", "/v1/namespaces/default", {"nexthop_check": "strict", "ipv4": expiry, "ipv6": expiry})
        for address in NEIGHBOURS:
            self.neighbour(address, "permanent")
        for version, network in BEHIND.items():
            self.add("route", {"dst": str(network), "gateway": ROUTERS[version], "dev": LINK})

    def reset(self) -> None:
        """All but what is known of paths is as it was at first."""
        for version, settings in DEFAULTS.items():
            self.set(version, **settings)
        self.link_mtu(1500)
        self.link_accepts_redirects(True)

    def destination(self, version: int) -> str:
        """One behind the router of which nothing is known yet."""
        return str(BEHIND[version][next(self.numbers)])

    # What both are told

    def set(self, version: int, **settings: int) -> None:
        for name, value in settings.items():
            self.kernel.set(version, name, value)
        self.client.call("PATCH", "/v1/namespaces/default", {f"ipv{version}": settings})

    def link_mtu(self, mtu: int) -> None:
        self.kernel.ip("link", "set", LINK, "mtu", str(mtu))
        self.client.call("PUT", f"/v1/links/{LINK}", {"mtu": mtu})

    def link_accepts_redirects(self, accepts: bool) -> None:
        for version in (4, 6):
            self.kernel.set_link(version, "accept_redirects", int(accepts))
        self.client.call("PUT", f"/v1/links/{LINK}", {"accept_redirects": accepts})

    def neighbour(self, address: str, state: str) -> None:
        self.kernel.ip("neighbour", "replace", address, "lladdr", LINK_ADDRESS, "dev", LINK, "nud", state)
        body = {"state": state.upper(), "lladdr": LINK_ADDRESS}
        self.client.call("PUT", f"/v1/neighbors/{LINK}/{address}", body)

    def add(self, kind: str, value: dict) -> None:
        """A route or a nexthop."""
        done = getattr(self.kernel, kind)("add", value)
        if done != "ok":
            raise AssertionError(f"the kernel doesn't take the {kind} {value}: {done}")
        self.client.call("POST", f"/v1/{kind}s", value)

    def tell(self, message: Message, link: str = LINK) -> str | None:
        """The rule by which fibd has decided; None if the message is none to it."""
        self.kernel.take(message, link)
        event = {"icmp": message.body.hex(), "source": message.source, "to": OWN[message.version], "dev": link}
        _, answer = self.client.call("POST", "/v1/path-events", event, expect=(200, 422))
        return answer.get("rule")

    # What comes of it

    def paths(self, destination: str) -> dict[str, Path]:
        return {"kernel": self.kernel.path(destination), "fibd": self.path(destination)}

    def path(self, destination: str) -> Path:
        """As fibd knows it."""
        _, row = self.client.call("GET", f"/v1/lookup?dst={destination}")
        return Path(
            gateway=row.get("gateway"), is_redirected=row.get("redirected", False),
            gateway_expires=rounded(row.get("gateway_expires")), mtu=row.get("mtu"), is_locked=row.get("locked", False),
            mtu_expires=rounded(row.get("expires")))


@contextlib.contextmanager
def beside_the_kernel() -> Iterator[Pair]:
    """A pair, for which the thread is in a network namespace of its own as long as the context lasts."""
    lifetime = redirect_lifetime()
    with contextlib.ExitStack() as stack:
        home = os.open("/proc/thread-self/ns/net", os.O_RDONLY)
        stack.callback(os.close, home)
        # Who isn't allowed to go back wasn't to leave either.
        stack.callback(ctypes.CDLL(None).setns, home, CLONE_NEWNET)
        kernel = stack.enter_context(contextlib.closing(PathKernel()))
        client = stack.enter_context(Client(stack.enter_context(Server())))
        yield Pair(kernel, client, lifetime)


def redirect_lifetime() -> int:
    """It is the same in all network namespaces, and only the first one tells; elsewhere it is taken for the kernel's default."""
    try:
        return int(pathlib.Path("/proc/sys/net/ipv4/route/gc_timeout").read_text(encoding="ascii"))
    except FileNotFoundError:
        return 300
