#!/usr/bin/env python3
"""Prints the table of a small edge router as NDJSON, one route a line, always the same.

    examples/sample-routes.py |
        curl -H 'Content-Type: application/x-ndjson' --data-binary @- localhost:8080/v1/routes
    examples/sample-routes.py 1000000 > million.ndjson

Addresses are those set aside for documentation, private use and benchmarks (RFC 5737, 3849, 1918, 6598, 2544).
"""
import ipaddress
import json
import random
import sys

UPLINKS = [("198.51.100.1", "eth0"), ("203.0.113.1", "eth1")]
UPLINKS_6 = [("fe80::1", "eth0"), ("fe80::2", "eth1")]


def own():
    """What the kernel itself and an administrator put there."""
    for dev, network, own_address in [
            ("eth0", "198.51.100.0/24", "198.51.100.2"), ("eth1", "203.0.113.0/24", "203.0.113.2"),
            ("eth2", "192.168.1.0/24", "192.168.1.1")]:
        last = str(ipaddress.ip_network(network)[-1])
        common = {"dev": dev, "protocol": "kernel", "prefsrc": own_address}
        yield {"dst": network, "scope": "link", **common}
        yield {"type": "local", "dst": own_address, "table": "local", "scope": "host", **common}
        yield {"type": "broadcast", "dst": last, "table": "local", "scope": "link", **common}
    yield {"type": "local", "dst": "127.0.0.0/8", "table": "local", "dev": "lo", "protocol": "kernel", "scope": "host",
           "prefsrc": "127.0.0.1"}
    both = [{"gateway": gateway, "dev": dev, "weight": weight} for (gateway, dev), weight in zip(UPLINKS, (3, 1))]
    default = {"dst": "default", "family": "inet"}
    yield {**default, "protocol": "static", "nexthops": both}
    yield {**default, "protocol": "dhcp", "gateway": "192.168.1.254", "dev": "eth2", "metric": 1024}
    yield {**default, "protocol": "static", "gateway": "203.0.113.1", "dev": "eth1", "table": "100"}
    yield {"dst": "default", "family": "inet6", "protocol": "ra", "gateway": "fe80::1", "dev": "eth0", "metric": 100}
    for private in ("10.0.0.0/8", "172.16.0.0/12", "192.168.0.0/16"):
        yield {"type": "blackhole", "dst": private, "protocol": "static", "metric": 254}
    yield {"type": "unreachable", "dst": "fd00::/8", "protocol": "static", "metric": 4096}
    yield {"type": "prohibit", "dst": "100.64.0.0/10", "protocol": "static"}
    yield {"type": "throw", "dst": "198.18.0.0/15", "protocol": "static", "table": "100"}
    yield {"dst": "192.168.7.0/24", "protocol": "static", "dev": "wg0", "scope": "link", "metrics": {"mtu": 1420}}


def learnt(draw, number):
    """What routing protocols brought: no two with the same key, however many."""
    gateway, dev = draw.choice(UPLINKS)
    gateway_6, dev_6 = draw.choice(UPLINKS_6)
    high, low = number >> 8 & 255, number & 255
    network_6 = f"2001:db8:{number >> 8 & 0xffff:x}:{low << 8:x}::/56"
    metric = 20 + (number >> 16)
    turn = number % 10
    if turn == 0:         # from the inside, over two links at the same cost
        hops = [{"gateway": f"192.168.1.{draw.randrange(2, 250)}", "dev": "eth2"},
                {"gateway": "192.168.7.2", "dev": "wg0"}]
        return {"dst": f"10.{high}.{low}.0/24", "protocol": "ospf", "metric": metric, "nexthops": hops}
    if turn in (1, 2):
        return {"dst": network_6, "protocol": "bgp", "metric": 20, "gateway": gateway_6, "dev": dev_6}
    if turn == 3:
        hops = [{"gateway": gateway, "dev": dev} for gateway, dev in UPLINKS_6]
        return {"dst": network_6, "protocol": "bgp", "metric": 20, "nexthops": hops}
    common = {"protocol": "bgp", "metric": metric}
    if turn == 4:         # a customer's own table
        table = str(101 + number % 3)
        return {"dst": f"10.{high}.{low}.0/24", "table": table, **common, "gateway": gateway, "dev": dev}
    if turn == 5:         # under attack, and so dropped at the edge (RFC 5635)
        return {"type": "blackhole", "dst": f"198.18.{high}.{low}", **common}
    return {"dst": f"10.{high}.{low}.{draw.choice((0, 64, 128, 192))}/26", **common, "gateway": gateway, "dev": dev}


def main(count):
    draw = random.Random(1)
    rows = list(own())[:count]
    rows += (learnt(draw, number) for number in range(count - len(rows)))
    for row in rows:
        print(json.dumps(row, separators=(",", ":")))


if __name__ == "__main__":
    main(int(sys.argv[1]) if len(sys.argv) > 1 else 1000)
