"""Random nexthops: few of them, so that they meet."""

from kernel import LINKS

NUMBERS = range(1, 13)
GATEWAYS = {
    "inet": ["192.0.1.2", "192.0.1.3", "192.0.2.2", "192.0.3.2"],
    "inet6": ["2001:db8:1::2", "2001:db8:1::3", "2001:db8:2::2", "2001:db8:3::2"],
}
# Own addresses, broadcast and multicast ones, and what is reached over routes or not at all.
WRONG = {
    "inet": ["192.0.1.1", "192.0.1.255", "10.0.1.1", "9.9.9.9"],
    "inet6": ["2001:db8:1::1", "ff02::1", "2001:db8:100::9", "fe80::9", "2001:db8:9::9"],
}

# What isn't drawn, or not compared, until fibd agrees with the kernel.
PENDING = {
    "onlink blackhole": "the kernel takes an IPv6 blackhole with the flag onlink; EINVAL here",
    "refusing": "the scope and the prefsrc of an IPv4 route aren't looked at if its type refuses; EINVAL here",
    "order": "the state of the link, nhid beside dev, and that the id is taken are told of before other errors; not here",
    "equals": "an IPv6 route to a blackhole nexthop is taken before others of its metric (__find_rr_leaf); not here",
    "types": "an IPv6 route to a blackhole nexthop is one, whatever its type, and a refusing one "
             "to another nexthop is found by the link of that (oif); here by type, and over the loopback",
    "misses": "an IPv4 lookup by a link passes over a whole prefix if a nexthop there leads over another link; not here",
    "group protocol": "a group that is replaced keeps its protocol (replace_nexthop_grp); not here",
    "prefsrc": "IPv6 routes keep a prefsrc that goes with its link, and lose one whose address is removed in all tables; "
               "here they lose both, in main. Those with a nexthop keep both there (fib6_remove_prefsrc)",
    "IPv6 gateways": "they are looked for as the rules say (ip6_route_check_nh, without fc_table), here in main first",
    "lost ids": "a nexthop without an id that is refused for its gateway has used one up (nh_find_unused_id); not here",
}


class NextHops:
    """Draws what happens to them."""

    def __init__(self, rng, kernel, rules):
        self.rng = rng
        self.kernel = kernel
        self.rules = rules

    def chance(self, percent):
        return self.rng.random() * 100 < percent

    def some(self, fits=lambda row: True):
        """The id of one that there is and that fits, or now and then any."""
        present = [row["id"] for row in self.kernel.netlink.nexthops() if fits(row)]
        return self.rng.choice(present) if present and self.chance(85) else self.rng.choice(NUMBERS)

    def target(self, version):
        """The id of one to which a route leads."""
        return self.some(lambda row: version == 4 or row.get("family") != "inet")

    def draw(self):
        """The verb and the nexthop."""
        if self.chance(15):
            return "delete", {"id": 0 if self.chance(5) else self.some()}
        nexthop = self.nexthop()
        while "IPv6 gateways" in PENDING and self.is_found_elsewhere(nexthop):
            nexthop = self.nexthop()
        may_lose = "lost ids" in PENDING and "gateway" in nexthop
        if self.chance(10) and not may_lose:
            return self.rng.choice(["add", "add", "add", "replace", "change"]), nexthop
        nexthop["id"] = self.rng.choice(NUMBERS) if may_lose or self.chance(98) else 0
        return self.rng.choice(["add", "add", "replace", "replace", "change"]), nexthop

    def is_found_elsewhere(self, nexthop):
        """Whether an IPv6 gateway is looked for in another table than main."""
        if ":" not in nexthop.get("gateway", ""):
            return False
        query = {"dst": nexthop["gateway"], "oif": nexthop.get("dev", "lo")}
        errno, route = self.kernel.lookup(query, matches=True)
        return route["table"] != 254 if errno == "ok" else any(rule["family"] == "inet6" for rule in self.rules)

    def nexthop(self):
        draw = self.rng.random() * 100
        if draw < 35:
            nexthop = self.group()
        elif draw < 45:
            nexthop = self.blackhole()
        else:
            nexthop = self.leg()
        if self.chance(20) and not ("group protocol" in PENDING and "group" in nexthop):
            nexthop["protocol"] = "static"
        return nexthop

    def group(self):
        members = [self.member() for _ in range(self.rng.choice([1, 2, 3]) if self.chance(98) else 0)]
        group = {"group": list({member["id"]: member for member in members}.values())}
        if self.chance(4):
            # Twice the same.
            group["group"] *= 2
        if self.chance(5):
            # Which only its members can have.
            group |= self.rng.choice([{"dev": "eth0"}, {"gateway": "192.0.1.2"}, {"blackhole": True}])
        return group

    def member(self):
        likely = self.chance(90)
        member = {"id": self.some(lambda row: not likely or "dev" in row)}
        if self.chance(40):
            member["weight"] = self.rng.choice([2, 3, 100, 256])
        return member

    def blackhole(self):
        blackhole = {"blackhole": True}
        if self.chance(70):
            blackhole["family"] = self.rng.choice(["inet", "inet6"])
        if self.chance(5):
            flags = [] if "onlink blackhole" in PENDING else [{"flags": ["onlink"]}]
            blackhole |= self.rng.choice([{"dev": "eth0"}, {"gateway": "192.0.1.2"}, *flags])
        return blackhole

    def leg(self):
        family = self.rng.choice(["inet", "inet6"])
        number = self.rng.randrange(len(LINKS))
        leg = {}
        if self.chance(95):
            leg["dev"] = LINKS[number] if self.chance(97) else "eth9"
        if self.chance(80):
            wrong = self.chance(12)
            near = [gateway for gateway in GATEWAYS[family] if f"{number + 1}." in gateway[6:8] or f":{number + 1}:" in gateway]
            leg["gateway"] = self.rng.choice(WRONG[family] if wrong else near if self.chance(85) else GATEWAYS[family])
        if "gateway" not in leg or self.chance(15):
            leg["family"] = family if self.chance(95) else self.rng.choice(["inet", "inet6"])
        if self.chance(10):
            leg["flags"] = ["onlink"]
        return leg
