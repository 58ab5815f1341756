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


class NextHops:
    """Draws what happens to them."""

    def __init__(self, rng, kernel):
        self.rng = rng
        self.kernel = kernel

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
        may_lose = "gateway" in nexthop  # "ids"
        if self.chance(10) and not may_lose:
            return self.rng.choice(["add", "add", "add", "replace", "change"]), nexthop
        nexthop["id"] = self.rng.choice(NUMBERS) if may_lose or self.chance(98) else 0
        return self.rng.choice(["add", "add", "replace", "replace", "change"]), nexthop

    def nexthop(self):
        draw = self.rng.random() * 100
        if draw < 35:
            nexthop = self.group()
        elif draw < 45:
            nexthop = self.blackhole()
        else:
            nexthop = self.leg()
        if self.chance(20) and "group" not in nexthop:  # "owners"
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
            blackhole |= self.rng.choice([{"dev": "eth0"}, {"gateway": "192.0.1.2"}])
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
