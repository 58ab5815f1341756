"""What fibd makes of messages about paths, beside the kernel of this machine."""

import time
import unittest

from kernel import NotPermitted
from paths import (
    DEFAULTS, LINK, OFF_LINK, OTHER_LINK, ROUTERS, Message, Path, beside_the_kernel, redirect, too_large, version_of)

# Where both differ on purpose.
DIFFERENCES = {
    "plateaus": "an MTU below 68, or not below the packet's length, is estimated (RFC 1191, section 7; R5-20); since 3.6 the "
                "kernel takes it as it is",
    "no less": "a path MTU that is no less than what the route or its link says is not told (R5-22); the kernel tells it",
    "one end": "a path MTU and a redirect have an end each, as in peers of 2011; since 3.6 the kernel has one for both",
    "both known": "a redirect of IPv6 leaves a path MTU as it is, as in peers of 2011; in the kernel it takes its place",
    "end of redirects": "a redirect of IPv6 counts for as long as one of IPv4; in the kernel until no one uses it for a minute",
    "present router": "a redirect of IPv6 must come from the router that packets go by (RFC 4861, section 8.1; R5-59); in the "
                      "kernel that of the route will do too",
    "shorter only": "a path MTU of IPv6 that is lowered counts for all of its time from then on, as of IPv4 (RFC 8201, section 5.2); in "
                    "the kernel no longer than the one before",
    "everywhere": "a namespace that accepts no redirects of IPv6 has no link that does; in the kernel `all` says nothing",
    "silence": "a redirect to a router that answers no more isn't followed (R5-35); since 3.6 the kernel goes on to follow it",
}


class PathTests(unittest.TestCase):
    maxDiff = None

    @classmethod
    def setUpClass(cls):
        try:
            cls.pair = cls.enterClassContext(beside_the_kernel())
        except NotPermitted as error:
            raise unittest.SkipTest(f"no network namespaces here: {error}") from error

    def setUp(self):
        self.pair.reset()

    def tell(self, *messages: Message) -> None:
        for message in messages:
            self.pair.tell(message)

    def expected(self, destination: str, **known: str | int | None) -> Path:
        """What isn't known the route says, and what is counts for as long as is usual."""
        is_redirected = known.get("is_redirected", "gateway" in known)
        usual = {
            "gateway": ROUTERS[version_of(destination)], "is_redirected": is_redirected, "mtu": None, "is_locked": False,
            "gateway_expires": self.pair.redirect_lifetime if is_redirected else None,
            "mtu_expires": DEFAULTS[4]["mtu_expires"] if "mtu" in known else None,
        }
        return Path(**usual | known)

    def agree(self, destination: str, **known: str | int | None) -> None:
        """Both know that of the path, and no more."""
        path = self.expected(destination, **known)
        self.assertEqual(self.pair.paths(destination), {"kernel": path, "fibd": path})

    def until_forgotten(self, destination: str) -> None:
        """The kernel's clock can't be set."""
        deadline = time.monotonic() + 10
        while any(path.mtu for path in self.pair.paths(destination).values()):
            self.assertLess(time.monotonic(), deadline, "it doesn't come to its end")
            time.sleep(0.05)

    def differ(self, name: str, destination: str, kernel: dict, fibd: dict) -> None:
        """They know something else each, for the reason of that name."""
        paths = {"kernel": self.expected(destination, **kernel), "fibd": self.expected(destination, **fibd)}
        self.assertEqual(self.pair.paths(destination), paths, DIFFERENCES[name])


class TooLarge(PathTests):
    """Fragmentation needed, of IPv4."""

    def test_what_is_believed(self):
        cases = {1499: {"mtu": 1499}, 1400: {"mtu": 1400}, 1280: {"mtu": 1280}, 600: {"mtu": 600}, 552: {"mtu": 552}}
        cases |= {mtu: {"mtu": 552, "is_locked": True} for mtu in (551, 500, 68)}
        for mtu, known in cases.items():
            with self.subTest(mtu=mtu):
                destination = self.pair.destination(4)
                self.tell(too_large(destination, mtu))
                self.agree(destination, **known)

    def test_what_is_estimated(self):
        locked = {"mtu": 552, "is_locked": True}
        for mtu, length, kernel, fibd in [
            (67, 1500, locked, {"mtu": 1492}), (0, 1500, locked, {"mtu": 576}), (1500, 1500, {"mtu": 1500}, {"mtu": 1492}),
            (1600, 1500, {}, {"mtu": 1492}), (1200, 1000, {"mtu": 1200}, {"mtu": 576}),
        ]:
            with self.subTest(mtu=mtu, length=length):
                destination = self.pair.destination(4)
                self.tell(too_large(destination, mtu, length))
                self.differ("plateaus", destination, kernel, fibd)

    def test_an_estimate_below_the_least(self):
        destination = self.pair.destination(4)
        self.tell(too_large(destination, 0, 576))
        self.agree(destination, mtu=552, is_locked=True)

    def test_as_much_as_the_link_takes(self):
        destination = self.pair.destination(4)
        self.tell(too_large(destination, 1500, 2000))
        self.differ("no less", destination, {"mtu": 1500}, {})

    def test_more_is_ignored(self):
        destination = self.pair.destination(4)
        self.tell(too_large(destination, 1300), too_large(destination, 1400))
        self.agree(destination, mtu=1300)

    def test_less_counts_anew(self):
        destination = self.pair.destination(4)
        self.tell(too_large(destination, 1400))
        self.pair.set(4, mtu_expires=900)
        self.tell(too_large(destination, 1300))
        self.agree(destination, mtu=1300, mtu_expires=900)

    def test_the_same_counts_anew_after_half_of_its_time(self):
        destination = self.pair.destination(4)
        self.tell(too_large(destination, 1400))
        for lifetime, expires in ((1000, 600), (1300, 1300)):
            with self.subTest(lifetime=lifetime):
                self.pair.set(4, mtu_expires=lifetime)
                self.tell(too_large(destination, 1400))
                self.agree(destination, mtu=1400, mtu_expires=expires)

    def test_it_comes_to_its_end(self):
        destination = self.pair.destination(4)
        self.pair.set(4, mtu_expires=1)
        self.tell(too_large(destination, 1300))
        self.until_forgotten(destination)
        self.agree(destination)
        self.pair.set(4, mtu_expires=600)
        self.tell(too_large(destination, 1400))
        self.agree(destination, mtu=1400)

    def test_anyone_may_say_so(self):
        destination = self.pair.destination(4)
        self.tell(too_large(destination, 1400, source="198.51.100.99"))
        self.agree(destination, mtu=1400)

    def test_a_packet_of_someone_else(self):
        destination = self.pair.destination(4)
        self.tell(too_large(destination, 1400, quoted_source="192.0.2.200"))
        self.agree(destination)

    def test_a_destination_on_the_link(self):
        destination = "192.0.2.50"
        self.tell(too_large(destination, 1400))
        self.agree(destination, mtu=1400, gateway=None, is_redirected=False)


class Locked(PathTests):
    """What is less than is believed, of IPv4."""

    def setUp(self):
        super().setUp()
        self.destination = self.pair.destination(4)

    def test_more_is_ignored(self):
        self.tell(too_large(self.destination, 500), too_large(self.destination, 1300))
        self.agree(self.destination, mtu=552, is_locked=True)

    def test_the_least_is_ignored(self):
        self.tell(too_large(self.destination, 500), too_large(self.destination, 552))
        self.agree(self.destination, mtu=552, is_locked=True)

    def test_the_same_is_ignored(self):
        self.tell(too_large(self.destination, 500))
        self.pair.set(4, mtu_expires=900)
        self.tell(too_large(self.destination, 500))
        self.agree(self.destination, mtu=552, is_locked=True)

    def test_less_is_ignored_when_less_is_believed(self):
        self.tell(too_large(self.destination, 500))
        self.pair.set(4, min_pmtu=300)
        self.tell(too_large(self.destination, 400))
        self.agree(self.destination, mtu=552, is_locked=True)

    def test_what_was_known_is_locked(self):
        self.tell(too_large(self.destination, 1300))
        self.pair.set(4, min_pmtu=1400)
        self.tell(too_large(self.destination, 1200))
        self.agree(self.destination, mtu=1300, is_locked=True)

    def test_more_than_what_was_known_locks_nothing(self):
        self.tell(too_large(self.destination, 1300))
        self.pair.set(4, min_pmtu=1400)
        self.tell(too_large(self.destination, 1350))
        self.agree(self.destination, mtu=1300)

    def test_the_least_of_the_namespace(self):
        for least, mtu, known in [(1000, 900, {"mtu": 1000, "is_locked": True}), (1000, 1100, {"mtu": 1100}),
                                  (300, 400, {"mtu": 400}), (1600, 1400, {"mtu": 1500, "is_locked": True})]:
            with self.subTest(least=least, mtu=mtu):
                destination = self.pair.destination(4)
                self.pair.set(4, min_pmtu=least)
                self.tell(too_large(destination, mtu))
                self.agree(destination, **known)


class Discovery(PathTests):
    """`ip_no_pmtu_disc`."""

    def test_without_discovery_messages_set_the_least(self):
        self.pair.set(4, ip_no_pmtu_disc=1)
        for mtu in (1400, 1600, 500, 0):
            with self.subTest(mtu=mtu):
                destination = self.pair.destination(4)
                self.tell(too_large(destination, mtu))
                self.agree(destination, mtu=552, is_locked=True)

    def test_without_discovery_what_was_known_is_lowered(self):
        destination = self.pair.destination(4)
        self.tell(too_large(destination, 1300))
        self.pair.set(4, ip_no_pmtu_disc=1)
        self.tell(too_large(destination, 1400))
        self.agree(destination, mtu=552, is_locked=True)

    def test_messages_are_ignored(self):
        # 3 believes those of protocols that can tell whether they sent such a packet; ICMP can't.
        for setting in (2, 3):
            with self.subTest(setting=setting):
                destination = self.pair.destination(4)
                self.pair.set(4, ip_no_pmtu_disc=setting)
                self.tell(too_large(destination, 1400))
                self.agree(destination)


class RouteMTU(PathTests):
    """Routes that have an MTU of their own."""

    def setUp(self):
        super().setUp()
        self.number = next(self.pair.numbers)

    def route(self, version: int, metrics: dict) -> str:
        """A destination of one."""
        destination = f"198.18.{self.number}.9" if version == 4 else f"2001:db8:3:{self.number}::9"
        prefix = f"198.18.{self.number}.0/24" if version == 4 else f"2001:db8:3:{self.number}::/64"
        self.pair.add("route", {"dst": prefix, "gateway": ROUTERS[version], "dev": LINK, "metrics": metrics})
        return destination

    def test_a_locked_one_holds(self):
        destination = self.route(4, {"mtu": 1400, "lock": ["mtu"]})
        self.tell(too_large(destination, 1300), too_large(destination, 500))
        self.agree(destination)

    def test_a_lock_without_a_value_holds(self):
        destination = self.route(4, {"lock": ["mtu"]})
        self.tell(too_large(destination, 1300))
        self.agree(destination)

    def test_more_than_it_is_ignored(self):
        destination = self.route(4, {"mtu": 1400})
        self.tell(too_large(destination, 1450))
        self.agree(destination)

    def test_as_much_and_less_than_it_are_believed(self):
        destination = self.route(4, {"mtu": 1400})
        self.tell(too_large(destination, 1400))
        self.differ("no less", destination, {"mtu": 1400}, {})
        self.tell(too_large(destination, 1300))
        self.agree(destination, mtu=1300)

    def test_of_ipv6(self):
        destination = self.route(6, {"mtu": 1400})
        for mtu in (1450, 1400):
            with self.subTest(mtu=mtu):
                self.tell(too_large(destination, mtu))
                self.agree(destination)
        self.tell(too_large(destination, 1300))
        self.agree(destination, mtu=1300)

    def test_a_locked_one_of_ipv6_holds_nothing(self):
        destination = self.route(6, {"mtu": 1400, "lock": ["mtu"]})
        self.tell(too_large(destination, 1300))
        self.agree(destination, mtu=1300)


class LinkMTU(PathTests):
    """The link gets another MTU when something is known."""

    def follow(self, steps: list[tuple[int | None, int, dict]], version: int = 4) -> None:
        """Each is a message, if any, the MTU that the link gets then, and what the kernel knows of the path."""
        destination = self.pair.destination(version)
        for number, (mtu, link, known) in enumerate(steps):
            with self.subTest(step=number):
                if mtu:
                    self.tell(too_large(destination, mtu, 10_000))
                self.pair.link_mtu(link)
                if known["mtu"] == link:
                    self.differ("no less", destination, known, {})
                else:
                    self.agree(destination, **known)

    def test_lower_and_back(self):
        self.follow([(1400, 1450, {"mtu": 1400}), (None, 1400, {"mtu": 1400}), (None, 1300, {"mtu": 1300}),
                     (None, 1500, {"mtu": 1500}), (None, 9000, {"mtu": 9000})])

    def test_higher(self):
        self.follow([(1400, 9000, {"mtu": 1400}), (None, 1500, {"mtu": 1400})])

    def test_messages_go_on(self):
        self.follow([(1400, 1300, {"mtu": 1300}), (1290, 1500, {"mtu": 1290})])

    def test_a_locked_one_follows_down_only(self):
        self.pair.set(4, min_pmtu=1400)
        locked = {"mtu": 1400, "is_locked": True}
        self.follow([(1300, 1450, locked), (None, 9000, locked), (None, 1350, {"mtu": 1350}), (None, 1500, {"mtu": 1500})])

    def test_a_locked_one_is_unlocked_by_the_same(self):
        self.pair.set(4, min_pmtu=1400)
        self.follow([(1300, 1400, {"mtu": 1400})])

    def test_of_ipv6(self):
        self.follow([(1400, 1450, {"mtu": 1400}), (None, 1300, {"mtu": 1300}), (None, 1500, {"mtu": 1500}),
                     (1400, 9000, {"mtu": 1400})], version=6)


class Redirects(PathTests):
    """Of IPv4."""

    def setUp(self):
        super().setUp()
        self.destination = self.pair.destination(4)

    def refuse(self, message: Message, rule: str) -> None:
        """Nothing is known then; by that rule of fibd."""
        decided = self.pair.tell(message)
        self.agree(self.destination)
        self.assertEqual(decided, rule)

    def test_to_another_router(self):
        self.tell(redirect(self.destination, "192.0.2.2"))
        self.agree(self.destination, gateway="192.0.2.2")

    def test_from_router_to_router(self):
        self.tell(redirect(self.destination, "192.0.2.2"), redirect(self.destination, "192.0.2.3", source="192.0.2.2"))
        self.agree(self.destination, gateway="192.0.2.3")

    def test_from_the_router_before(self):
        self.tell(redirect(self.destination, "192.0.2.2"), redirect(self.destination, "192.0.2.3"))
        self.agree(self.destination, gateway="192.0.2.2")

    def test_back(self):
        self.tell(redirect(self.destination, "192.0.2.2"), redirect(self.destination, "192.0.2.1", source="192.0.2.2"))
        self.agree(self.destination, gateway="192.0.2.1", is_redirected=True)

    def test_to_the_destination_itself(self):
        self.pair.neighbour(self.destination, "permanent")
        self.tell(redirect(self.destination, self.destination))
        self.agree(self.destination, gateway=self.destination, is_redirected=True)

    def test_to_the_present_router(self):
        self.refuse(redirect(self.destination, "192.0.2.1"), "R5-31")

    def test_from_someone_else(self):
        self.refuse(redirect(self.destination, "192.0.2.2", source="192.0.2.3"), "R5-30")

    def test_of_a_destination_on_the_link(self):
        self.tell(redirect("192.0.2.51", "192.0.2.2"))
        self.agree("192.0.2.51", gateway=None, is_redirected=False)

    def test_to_what_is_no_router(self):
        for shared in (0, 1):
            self.pair.set(4, shared_media=shared)
            for gateway in ("224.0.0.5", "255.255.255.255", "0.0.0.5"):
                with self.subTest(shared=shared, gateway=gateway):
                    self.refuse(redirect(self.destination, gateway), "R5-31")

    def test_to_addresses_of_no_one_else(self):
        for gateway in ("192.0.2.9", "192.0.2.255", "127.0.0.1"):
            with self.subTest(gateway=gateway):
                self.refuse(redirect(self.destination, gateway), "R5-34")

    def test_to_another_subnet(self):
        self.pair.set(4, shared_media=0, secure_redirects=0)
        self.refuse(redirect(self.destination, OFF_LINK), "R5-33")
        self.pair.set(4, shared_media=1)
        self.tell(redirect(self.destination, OFF_LINK))
        self.agree(self.destination, gateway=OFF_LINK)

    def test_to_a_router_that_no_route_leads_by(self):
        self.pair.set(4, shared_media=0)
        self.refuse(redirect(self.destination, "192.0.2.2"), "R5-33")
        self.pair.set(4, secure_redirects=0)
        self.tell(redirect(self.destination, "192.0.2.2"))
        self.agree(self.destination, gateway="192.0.2.2")

    def test_to_a_router_that_a_route_leads_by(self):
        self.pair.set(4, shared_media=0)
        self.pair.neighbour("192.0.2.4", "permanent")
        self.pair.add("route", {"dst": "198.19.1.0/24", "gateway": "192.0.2.4", "dev": LINK})
        self.tell(redirect(self.destination, "192.0.2.4"))
        self.agree(self.destination, gateway="192.0.2.4")

    def test_to_a_router_that_a_nexthop_leads_by(self):
        self.pair.set(4, shared_media=0)
        self.pair.neighbour("192.0.2.5", "permanent")
        self.pair.add("nexthop", {"id": 7, "gateway": "192.0.2.5", "dev": LINK})
        self.pair.add("route", {"dst": "198.19.2.0/24", "nhid": 7})
        self.refuse(redirect(self.destination, "192.0.2.5"), "R5-33")

    def test_to_who_does_not_answer(self):
        self.pair.neighbour("192.0.2.78", "failed")
        for gateway in ("192.0.2.77", "192.0.2.78"):
            with self.subTest(gateway=gateway):
                self.refuse(redirect(self.destination, gateway), "R5-36")

    def test_to_who_answers_no_more(self):
        self.pair.neighbour("192.0.2.6", "permanent")
        self.tell(redirect(self.destination, "192.0.2.6"))
        self.pair.neighbour("192.0.2.6", "failed")
        self.differ("silence", self.destination, {"gateway": "192.0.2.6"}, {})

    def test_where_they_are_accepted(self):
        for forwarding, everywhere, link, accepted in [
            (0, 0, False, False), (0, 0, True, True), (0, 1, False, True), (1, 0, True, False), (1, 1, False, False),
            (1, 1, True, True),
        ]:
            with self.subTest(forwarding=forwarding, everywhere=everywhere, link=link):
                destination = self.pair.destination(4)
                self.pair.set(4, forwarding=forwarding, accept_redirects=everywhere)
                self.pair.link_accepts_redirects(link)
                self.tell(redirect(destination, "192.0.2.2"))
                self.agree(destination, **{"gateway": "192.0.2.2"} if accepted else {})

    def test_codes(self):
        for code in (0, 2, 3):
            with self.subTest(code=code):
                destination = self.pair.destination(4)
                self.tell(redirect(destination, "192.0.2.2", code=code))
                self.agree(destination, gateway="192.0.2.2")
        self.refuse(redirect(self.destination, "192.0.2.2", code=4), "R5-30")

    def test_codes_of_which_the_lower_bits_are_one(self):
        self.tell(redirect(self.destination, "192.0.2.2", code=9))
        self.agree(self.destination, gateway="192.0.2.2")

    def test_over_another_link(self):
        self.pair.tell(redirect(self.destination, "192.0.2.2"), OTHER_LINK)
        self.agree(self.destination, gateway="192.0.2.2")

    def test_path_mtu_first(self):
        self.tell(too_large(self.destination, 1400), redirect(self.destination, "192.0.2.2"))
        known = {"gateway": "192.0.2.2", "mtu": 1400}
        self.differ("one end", self.destination, known | {"mtu_expires": self.pair.redirect_lifetime}, known)

    def test_path_mtu_later(self):
        self.tell(redirect(self.destination, "192.0.2.2"), too_large(self.destination, 1400))
        known = {"gateway": "192.0.2.2", "mtu": 1400}
        self.differ("one end", self.destination, known | {"gateway_expires": 600}, known)


class TooBig(PathTests):
    """Packet too big, of IPv6."""

    def setUp(self):
        super().setUp()
        self.destination = self.pair.destination(6)

    def test_what_is_believed(self):
        for mtu, known in [(1499, {"mtu": 1499}), (1400, {"mtu": 1400}), (1280, {"mtu": 1280}), (1279, {}), (0, {}),
                           (1500, {}), (1600, {})]:
            with self.subTest(mtu=mtu):
                destination = self.pair.destination(6)
                self.tell(too_large(destination, mtu))
                self.agree(destination, **known)

    def test_the_length_of_the_packet_does_not_count(self):
        self.tell(too_large(self.destination, 1400, 1300))
        self.agree(self.destination, mtu=1400)

    def test_more_is_ignored(self):
        self.tell(too_large(self.destination, 1300), too_large(self.destination, 1400))
        self.agree(self.destination, mtu=1300)

    def test_less_counts_anew(self):
        self.tell(too_large(self.destination, 1400))
        self.pair.set(6, mtu_expires=900)
        self.tell(too_large(self.destination, 1300))
        self.differ("shorter only", self.destination, {"mtu": 1300}, {"mtu": 1300, "mtu_expires": 900})

    def test_the_same_never_counts_anew(self):
        self.tell(too_large(self.destination, 1400))
        self.pair.set(6, mtu_expires=2000)
        self.tell(too_large(self.destination, 1400))
        self.agree(self.destination, mtu=1400)

    def test_it_comes_to_its_end(self):
        self.pair.set(6, mtu_expires=1)
        self.tell(too_large(self.destination, 1300))
        self.until_forgotten(self.destination)
        self.agree(self.destination)

    def test_anyone_may_say_so(self):
        self.tell(too_large(self.destination, 1400, source="2001:db8:9::9"))
        self.agree(self.destination, mtu=1400)

    def test_any_code(self):
        self.tell(too_large(self.destination, 1400, code=1))
        self.agree(self.destination, mtu=1400)


class Redirects6(PathTests):
    """Of IPv6."""

    def setUp(self):
        super().setUp()
        self.destination = self.pair.destination(6)

    def leads(self, gateway: str | None, destination: str | None = None) -> None:
        """Packets go by it; None: they go to the destination itself."""
        known = {"gateway": gateway, "is_redirected": True}
        self.differ("end of redirects", destination or self.destination, known | {"gateway_expires": None}, known)

    def test_to_another_router(self):
        self.tell(redirect(self.destination, "fe80::2"))
        self.leads("fe80::2")

    def test_without_the_packet(self):
        self.tell(redirect(self.destination, "fe80::2", quotes=False))
        self.leads("fe80::2")

    def test_to_the_destination_itself(self):
        self.pair.neighbour(self.destination, "permanent")
        self.tell(redirect(self.destination, self.destination))
        self.leads(None)

    def test_from_router_to_router(self):
        self.tell(redirect(self.destination, "fe80::2"), redirect(self.destination, "fe80::3", source="fe80::2"))
        self.leads("fe80::3")

    def test_from_the_router_before(self):
        self.tell(redirect(self.destination, "fe80::2"), redirect(self.destination, "fe80::3"))
        kernel = {"gateway": "fe80::3", "gateway_expires": None}
        self.differ("present router", self.destination, kernel, {"gateway": "fe80::2"})

    def test_from_someone_else(self):
        self.tell(redirect(self.destination, "fe80::2", source="fe80::3"))
        self.agree(self.destination)

    def test_to_an_address_beyond_the_link(self):
        self.tell(redirect(self.destination, "2001:db8:1::1"))
        self.agree(self.destination)

    def test_to_who_does_not_answer(self):
        self.tell(redirect(self.destination, "fe80::77"))
        self.leads("fe80::77")

    def test_to_who_answers_no_more(self):
        self.pair.neighbour("fe80::78", "failed")
        self.tell(redirect(self.destination, "fe80::78"))
        self.differ("silence", self.destination, {"gateway": "fe80::78", "gateway_expires": None}, {})

    def test_where_they_are_accepted(self):
        for forwarding, everywhere, link, accepted in [
            (0, 1, False, False), (0, 1, True, True), (0, 0, False, False), (1, 1, True, False),
        ]:
            with self.subTest(forwarding=forwarding, everywhere=everywhere, link=link):
                destination = self.pair.destination(6)
                self.pair.set(6, forwarding=forwarding, accept_redirects=everywhere)
                self.pair.link_accepts_redirects(link)
                self.tell(redirect(destination, "fe80::2"))
                if accepted:
                    self.leads("fe80::2", destination)
                else:
                    self.agree(destination)

    def test_where_none_are_accepted(self):
        self.pair.set(6, accept_redirects=0)
        self.pair.link_accepts_redirects(True)
        self.tell(redirect(self.destination, "fe80::2"))
        self.differ("everywhere", self.destination, {"gateway": "fe80::2", "gateway_expires": None}, {})

    def test_path_mtu_first(self):
        self.tell(too_large(self.destination, 1400), redirect(self.destination, "fe80::2"))
        known = {"gateway": "fe80::2"}
        self.differ("both known", self.destination, known | {"gateway_expires": None}, known | {"mtu": 1400})

    def test_path_mtu_later(self):
        self.tell(redirect(self.destination, "fe80::2"), too_large(self.destination, 1400))
        known = {"gateway": "fe80::2", "mtu": 1400}
        self.differ("one end", self.destination, known | {"gateway_expires": 600}, known)


if __name__ == "__main__":
    unittest.main()
