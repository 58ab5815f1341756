"""The full table in other programs that keep routes: BIRD, GoBGP and the kernel."""
import contextlib
import json
import os
import socket
import struct
import subprocess
import time
import types

from bench.lab import CLIENTS, Missing, wait_for
from bench.peers import free_port, listening, need


def routes_of(table, limit=None):
    """(prefix, gateway) of the IPv4 rows of a table."""
    with open(table, encoding="ascii") as file:
        for count, line in enumerate(file):
            if count == limit:
                return
            row = json.loads(line)
            yield row["dst"], row["gateway"]


# BIRD

@contextlib.contextmanager
def bird(lab, table):
    """BIRD with the table as static routes; `seconds` is how long it took from its start until it had them all."""
    path, home = need("bird", "bird2"), lab.directory
    configuration = home / f"{table.stem}.bird"
    if not configuration.exists():
        routes = "\n".join(f"route {prefix} blackhole;" for prefix, _ in routes_of(table))
        configuration.write_text(
            f"router id 192.0.2.1;\nprotocol device {{}}\nprotocol static full {{\nipv4;\n{routes}\n}}\n")
    count = sum(1 for _ in open(table, "rb"))
    control = home / "bird.ctl"
    start = time.monotonic()
    with lab.program(path, "-f", "-c", configuration, "-s", control, "-P", home / "bird.pid") as program:
        wait_for("BIRD to have all routes", lambda: bird_count(control) == count)
        program.seconds = time.monotonic() - start
        yield program


def bird_count(control):
    """The number of routes that BIRD has, or None while it doesn't answer."""
    with contextlib.suppress(OSError, ValueError), socket.socket(socket.AF_UNIX) as session:
        session.connect(str(control))
        session.settimeout(10)
        session.recv(4096)
        session.sendall(b"show route count\n")
        text = b""
        while b"\n0014 " not in text and not text.startswith(b"0014 "):
            text += session.recv(4096)
        return int(text.split(b"0014 Total: ", 1)[1].split()[0] if b"0014 Total" in text else text.split()[1])
    return None


# GoBGP

def gobgp_rate(lab, table, limit):
    """Routes a second that GoBGP injects from an MRT file of so many. It leaves out a few, which don't count."""
    client, port, dump = need("gobgp", "gobgpd"), free_port(), lab.directory / "table.mrt"
    (lab.directory / "gobgp.toml").write_text('[global.config]\nas = 65001\nrouter-id = "192.0.2.1"\nport = -1\n')
    write_mrt(dump, routes_of(table, limit))
    with listening(lab, port, need("gobgpd", "gobgpd"), "--pprof-disable", "--api-hosts", f"127.0.0.1:{port}",
                   "-l", "error", "-f", lab.directory / "gobgp.toml"):
        call = [client, "-p", str(port)]
        wait_for("GoBGP to start", lambda: "65001" in subprocess.run(
            [*call, "global"], capture_output=True, text=True, check=False).stdout)
        start = time.monotonic()
        subprocess.run([*call, "mrt", "inject", "global", dump], check=True, capture_output=True, timeout=60)
        seconds = time.monotonic() - start
        summary = subprocess.run([*call, "global", "rib", "summary"], capture_output=True, text=True, check=True).stdout
        return int(summary.split("Destination: ")[1].split(",")[0]) / seconds


def write_mrt(path, routes):
    """A TABLE_DUMP_V2 with one peer (RFC 6396): what `gobgp mrt inject` reads."""
    def record(kind, body):
        return struct.pack(">IHHI", 0, 13, kind, len(body)) + body

    peer = socket.inet_aton("192.0.2.2")
    with open(path, "wb") as file:
        file.write(record(1, socket.inet_aton("192.0.2.1") + struct.pack(">HHB", 0, 1, 2) + peer + peer
                          + struct.pack(">I", 65002)))
        for number, (prefix, gateway) in enumerate(routes):
            network, length = prefix.split("/")
            attributes = (b"\x40\x01\x01\x00" + b"\x40\x02\x06\x02\x01" + struct.pack(">I", 65002)
                          + b"\x40\x03\x04" + socket.inet_aton(gateway))
            body = (struct.pack(">IB", number, int(length)) + socket.inet_aton(network)[:(int(length) + 7) // 8]
                    + struct.pack(">HHIH", 1, 0, 0, len(attributes)) + attributes)
            file.write(record(2, body))


# The kernel

class Kernel:
    """The FIB of a network namespace of its own."""

    def __init__(self, inside):
        self.inside = inside

    def run(self, *words, **options):
        return subprocess.run([str(word) for word in (*self.inside, *words)], check=True, timeout=120, **options)

    def timed(self, *words, **options):
        start = time.monotonic()
        self.run(*words, **options)
        return time.monotonic() - start

    def client(self, *words):
        return json.loads(self.run(CLIENTS / "kernel-fib", *words, capture_output=True, text=True).stdout)

    def add(self, table):
        """Adds the IPv4 routes of a table, batched, from C."""
        return self.client("add", table, "fib0")

    def add_by_ip(self, lab, table, limit):
        """Seconds that `ip -batch` takes for so many routes."""
        batch = lab.directory / "batch"
        batch.write_text("".join(f"route add {prefix} via {gateway} dev fib0\n"
                                 for prefix, gateway in routes_of(table, limit)))
        return self.timed("ip", "-batch", batch)

    def show_seconds(self):
        """Seconds that `ip -json route show` takes."""
        return self.timed("ip", "-json", "route", "show", stdout=subprocess.DEVNULL)


@contextlib.contextmanager
def kernel():
    ip, name = need("ip", "iproute2"), f"fibd-bench-{os.getpid()}"
    inside = [ip, "netns", "exec", name]
    if subprocess.run([ip, "netns", "add", name], capture_output=True, check=False).returncode != 0:
        raise Missing("there can be no network namespace here (it needs root, with CAP_NET_ADMIN and CAP_SYS_ADMIN)")
    try:
        for words in ("tuntap add fib0 mode tun", "addr add 192.0.2.254/24 dev fib0", "link set fib0 up"):
            done = subprocess.run([*inside, ip, *words.split()], capture_output=True, text=True, check=False)
            if done.returncode != 0:
                raise Missing(f"`ip {words}` fails here: {done.stderr.strip()}")
        yield Kernel(inside)
    finally:
        subprocess.run([ip, "netns", "delete", name], check=False)


@contextlib.contextmanager
def netlink(_lab):
    """The kernel as a server of changes. Its address is a device, for whoever is run inside."""
    with kernel() as fib:
        yield types.SimpleNamespace(address="fib0", prefix=fib.inside)
