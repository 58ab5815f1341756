"""Random operations: few prefixes, gateways and links, so that they meet."""

from kernel import LINKS
from nexthops import NextHops

PREFIXES = {
    4: ["0.0.0.0/0", "10.0.0.0/8", "10.0.0.0/16", "10.0.1.0/24", "10.0.1.128/25", "10.0.1.129/32", "192.0.2.128/25"],
    6: ["::/0", "2001:db8:100::/40", "2001:db8:100::/64", "2001:db8:100::1/128", "2001:db8:200::/64"],
}
GATEWAYS = {
    4: ["192.0.1.2", "192.0.1.3", "192.0.2.2", "192.0.3.2", "192.0.1.1", "192.0.1.255", "10.0.1.1", "9.9.9.9"],
    6: ["2001:db8:1::2", "2001:db8:1::3", "2001:db8:2::2", "2001:db8:1::1", "2001:db8:100::9", "fe80::9", "ff02::1"],
}
SOURCES = {4: ["192.0.1.1", "192.0.2.1", "9.9.9.9"], 6: ["2001:db8:1::1", "2001:db8:2::1", "2001:db8:9::9"]}
DESTINATIONS = {
    4: ["9.9.9.9", "10.200.0.1", "10.0.9.1", "10.0.1.1", "10.0.1.130", "10.0.1.129", "192.0.1.9", "192.0.2.200", "192.0.1.1"],
    6: ["2001:db9::1", "2001:db8:101::1", "2001:db8:100::2", "2001:db8:100::1", "2001:db8:1::9", "2001:db8:2::9"],
}


METRICS = {"mtu": [0, 1400, 70000], "window": [0, 9], "advmss": [1360, 70000], "hoplimit": [64, 300], "features": [1, 1, 64],
           "congestion": ["reno", "cubic"], "lock": [["mtu"], ["mtu", "window"]]}


class Operations:
    """Draws what happens next."""

    def __init__(self, rng, kernel):
        self.rng = rng
        self.rules = []
        self.nexthops = NextHops(rng, kernel)

    def chance(self, percent):
        return self.rng.random() * 100 < percent

    def step(self, pair):
        draw = self.rng.random() * 100
        if draw < 40:
            self.route(pair)
        elif draw < 57:
            pair.change("nexthop", *self.nexthops.draw())
        elif draw < 65:
            self.rule(pair)
        elif draw < 71:
            self.link(pair)
        else:
            self.look_up(pair)

    # Routes

    def route(self, pair):
        version = self.rng.choice([4, 4, 6])
        if self.chance(30):
            return pair.change("route", "delete", self.removal(version))
        verbs = ["add", "add", "replace", "change", "append", "prepend"] + (["test"] if version == 4 else [])
        pair.change("route", self.rng.choice(verbs), self.addition(version))

    def place(self, version):
        route = {"dst": self.rng.choice(PREFIXES[version])}
        if self.chance(20):
            route["table"] = self.rng.choice(["77", "local", "1000"])
        if self.chance(40):
            route["metric"] = self.rng.choice([1, 2, 1024])
        if version == 4 and self.chance(15):
            route["tos"] = self.rng.choice([4, 8])
        return route

    def removal(self, version):
        route = self.place(version)
        draw = self.rng.random() * 100
        if draw < 20:
            route |= self.hop(version, wants=True)
        elif draw < 35:
            route["nhid"] = self.nexthops.some()
        if version == 4 and self.chance(10):
            route["metrics"] = self.metrics()
        return route

    def addition(self, version):
        route = self.place(version)
        if self.chance(30):
            return self.named(route, version)
        if self.chance(12):
            return route | {"type": self.rng.choice(["blackhole", "unreachable", "prohibit", "throw"])}
        self.lead(route, version)
        # As `ip route` fills it in (R1-29), or now and then another one.
        if version == 4:
            is_near = "gateway" not in route and "nexthops" not in route
            route["scope"] = "link" if is_near else "global"
            if self.chance(5):
                route["scope"] = self.rng.choice(["global", "link"])
        if self.chance(15) and (version == 4 or "gateway" not in route and "nexthops" not in route):
            route["metrics"] = self.metrics()
        return route

    def metrics(self):
        return {name: self.rng.choice(METRICS[name]) for name in self.rng.sample(sorted(METRICS), self.rng.choice([1, 1, 2, 3]))}

    def named(self, route, version):
        """Where a nexthop leads."""
        route["nhid"] = self.nexthops.target(version)
        if self.chance(5):
            # Which it can't say as well.
            return route | self.hop(version)
        if self.chance(8):
            route["type"] = self.rng.choice(["blackhole", "unreachable", "prohibit", "throw"])
        if version == 4:
            route["scope"] = self.rng.choice(["global"] * 8 + ["link", "host"])
        if self.chance(10):
            route["prefsrc"] = self.rng.choice(SOURCES[version])
        return route

    def lead(self, route, version):
        if self.chance(20):
            count = self.rng.choice([1, 2, 2, 3])
            route["nexthops"] = [self.leg(version) for _ in range(count)]
        else:
            route |= self.hop(version)
        if self.chance(10):
            route["prefsrc"] = self.rng.choice(SOURCES[version])

    def leg(self, version):
        leg = self.hop(version, wants=True)
        if self.chance(30):
            leg["weight"] = self.rng.choice([2, 3])
        return leg

    def hop(self, version, wants=False):
        hop = {}
        draw = self.rng.random() * 100
        if draw < 55 or wants and draw < 80:
            hop["gateway"] = self.rng.choice(GATEWAYS[version])
        if "gateway" not in hop or self.chance(40):
            hop["dev"] = self.rng.choice(LINKS)
        # With two errors in one, another one may be told.
        if "gateway" in hop and hop["gateway"] != "ff02::1" and self.chance(8):
            hop["flags"] = ["onlink"]
        return hop

    # Rules

    def rule(self, pair):
        if self.rules and self.chance(35):
            rule = self.rules.pop(self.rng.randrange(len(self.rules)))
            return pair.change("rule", "delete", rule)
        if self.rules and self.chance(15):
            # Once more, which is refused.
            return pair.change("rule", "add", self.rng.choice(self.rules))
        rule = self.draw_rule()
        used = [other["priority"] for other in self.rules if other["family"] == rule["family"]]
        if rule["priority"] in used:
            return None
        pair.change("rule", "add", rule)
        if pair.log[-1].endswith("-> ok"):
            self.rules.append(rule)
        return None

    def draw_rule(self):
        family = self.rng.choice(["inet", "inet", "inet6"])
        version = 4 if family == "inet" else 6
        rule = {"family": family, "priority": self.rng.choice([10, 20, 30, 40, 32_000, 33_000])}
        draw = self.rng.random() * 100
        if draw < 60:
            rule["table"] = self.rng.choice(["77", "1000", "main", "12345"])
        elif draw < 80:
            rule["goto"] = self.rng.choice([10, 20, 30, 40, 50, 32_766])
        else:
            rule["action"] = self.rng.choice(["nop", "unreachable", "prohibit", "blackhole"])
        if self.chance(20):
            rule["src"] = self.rng.choice(["192.0.1.0/24", "192.0.0.0/16"] if version == 4 else ["2001:db8:1::/64"])
        if self.chance(25):
            rule["dst"] = self.rng.choice(["10.0.0.0/8", "10.0.1.0/24"] if version == 4 else ["2001:db8:100::/40"])
        if self.chance(15):
            rule["tos"] = self.rng.choice([4, 8, 1, 0x20])
        if self.chance(25):
            rule["fwmark"] = self.rng.choice([1, 2, 0x11])
            if self.chance(40):
                rule["fwmask"] = 0x0f
        if self.chance(10):
            rule["uid_start"], rule["uid_end"] = self.rng.choice([(0, 0), (1000, 2000)])
        if self.chance(10):
            rule["ipproto"] = self.rng.choice([6, 17])
        if self.chance(10):
            rule["dport"] = self.rng.choice([80, 53])
        if self.chance(10):
            rule["iif"] = self.rng.choice(["lo", "eth0"])
        if self.chance(10):
            rule["oif"] = self.rng.choice(["eth0", "eth1"])
        if self.chance(10):
            rule["not"] = True
        if "table" in rule and self.chance(20):
            rule["suppress_prefixlen"] = self.rng.choice([0, 8])
        return rule

    # Links

    def link(self, pair):
        link = self.rng.choice(LINKS)
        number = LINKS.index(link) + 1
        draw = self.rng.random() * 100
        if draw < 8:
            pair.remove(link)
        elif draw < 25:
            pair.link("link", "set", f"peer-{link}", self.rng.choice(["up", "up", "down"]))
        elif draw < 55:
            state = self.rng.choice(["up", "up", "down"])
            if state == "up" and not pair.kernel.is_up(link):
                pair.link("link", "set", f"peer-{link}", "up")  # "carrier"
            pair.link("link", "set", link, state)
        elif draw < 75:
            pair.link("address", self.rng.choice(["add", "del"]), f"192.0.{number}.7/24", "dev", link)
        else:
            # What is added to a link that is down the kernel routes to right then, unlike what is there when it goes down.
            if pair.kernel.is_up(link):
                pair.link("address", self.rng.choice(["add", "del"]), f"2001:db8:{number}::7/64", "dev", link, "nodad")

    # Lookups

    def look_up(self, pair):
        version = self.rng.choice([4, 4, 6])
        query = {"dst": self.rng.choice(DESTINATIONS[version])}
        if self.chance(25):
            query["mark"] = self.rng.choice([1, 2, 0x11, 0x21])
        if self.chance(15):
            query["tos"] = self.rng.choice([4, 8])
        if self.chance(15):
            query["uid"] = self.rng.choice([0, 1500])
        if self.chance(15):
            query["ipproto"] = 17
            query["dport"] = self.rng.choice([53, 80])
        if self.chance(20):
            query["src"] = SOURCES[version][0]
        if self.chance(50):
            # Without a route, an IPv4 lookup with a link finds the destination on it; see DELIBERATE.
            if self.chance(20):
                query["oif"] = self.rng.choice(LINKS)
            pair.match(query)
        else:
            pair.look_up(query)
