"""A subscriber accepts what is promised, from life to life, and finds each way to break it."""
import json
import unittest

from servers import Violation
from state import Key, canonical, carrier_row, digest_of, hash_of, key_of, namespace_rows, rules_of
from stream import Numbers, Subscriber

EPOCH = "5d269c8cb5772653"


def entry(number, gateway):
    return {"dst": f"10.1.0.{number}/32", "family": "inet", "gateway": gateway, "metric": 0, "namespace": "default",
            "protocol": "boot", "table": "main", "type": "unicast"}


class SubscriberTests(unittest.TestCase):
    def setUp(self):
        self.subscriber = Subscriber("subscriber", "", Numbers(), {"192.0.2.2": 2})
        self.latest = 0
        self.hello("replay")
        self.sync(1)

    def take(self, event, data, seq=0, cursor=None):
        self.subscriber.take(event, f"{EPOCH}-{seq}-0" if seq else cursor, data)

    def hello(self, mode, epoch=EPOCH):
        self.subscriber.connected()
        self.take("hello", {"epoch": epoch, "mode": mode, "seq": 1}, cursor="" if mode == "replay" else None)

    def sync(self, seq, hashes=None):
        hashes = [row.h for row in self.subscriber.held.values()] if hashes is None else hashes
        data = {"seq": seq, "count": len(hashes), "digest": digest_of(hashes), "counts": {}, "digests": {}}
        self.take("sync", data, seq)

    def add(self, seq, number, gateway="192.0.2.1", **more):
        row = entry(number, gateway)
        held = self.subscriber.held.get(key_of(row))
        data = {"op": "replace" if held else "add", "seq": seq, "version": seq, "prev": self.latest, "entry": row,
                "h": hash_of(canonical(row))} | ({"was": held.h} if held else {}) | more
        self.take("route", data, seq)
        self.latest = seq

    def create_namespace(self, seq, rules=5, **more):
        entry = {"ipv4": {"fib_notify_on_flag_change": 0}, "ipv6": {"fib_notify_on_flag_change": 0}, "name": "w1",
                 "nexthop_check": "open"}
        entries = [("namespace", entry), *(("rule", json.loads(text)) for text in rules_of("w1").values())]
        for number, (kind, row) in enumerate(entries[:1 + rules], seq):
            self.take(kind, {"op": "add", "seq": number, "version": number, "prev": self.latest, "entry": row,
                             "h": hash_of(canonical(row))} | more, number)
            self.latest = number

    def assertNoticed(self, complaint, call, *arguments, **more):
        with self.assertRaisesRegex(Violation, complaint):
            call(*arguments, **more)

    def test_it_resumes_and_goes_on(self):
        self.add(2, 1)
        self.hello("resume")
        self.add(9, 1, "192.0.2.9")
        self.sync(12)
        self.add(13, 2)
        self.assertEqual(sorted(self.subscriber.held), [Key("default", "10.1.0.1/32"), Key("default", "10.1.0.2/32")])
        self.assertEqual((self.subscriber.cursor, self.subscriber.numbers.floor), (f"{EPOCH}-13-0", 13))

    def test_a_new_replay_instead_of_a_resumption_is_noticed(self):
        self.assertNoticed("was not resumed", self.hello, "replay")

    def test_another_epoch_is_noticed(self):
        self.assertNoticed("epoch 6d269c8cb5772653 instead", self.hello, "resume", "6d269c8cb5772653")

    def test_a_lost_change_is_noticed(self):
        self.add(2, 1)
        self.hello("resume")
        self.assertNoticed("a change was lost", self.add, 4, 2, prev=3)

    def test_a_repeated_change_is_noticed(self):
        self.add(2, 1)
        self.hello("resume")
        self.assertNoticed("came after", self.add, 2, 1, prev=0)

    def test_a_broken_chain_is_noticed(self):
        self.add(2, 1)
        self.assertNoticed("2 came last", self.add, 3, 2, prev=1)

    def test_a_number_that_is_given_twice_is_noticed(self):
        other = Subscriber("another", "", self.subscriber.numbers, {})
        self.add(2, 1)
        self.subscriber, self.latest = other, 0
        self.hello("replay")
        self.sync(1)
        self.assertNoticed("number 2 was given twice", self.add, 2, 5)

    def test_a_number_that_is_answered_twice_is_noticed(self):
        numbers = self.subscriber.numbers
        numbers.answer(7, "one", after=3)
        self.assertNoticed("given twice", numbers.answer, 7, "another", after=3)
        self.assertNoticed("had been given before", numbers.answer, 8, "a third", after=8)

    def test_a_transaction_comes_whole(self):
        self.add(2, 1, "192.0.2.2", tx=2)
        self.add(3, 2, "192.0.2.2", tx=2)
        self.sync(3)

    def test_a_transaction_may_be_resumed_in_its_middle(self):
        self.add(2, 1, "192.0.2.2", tx=2)
        self.hello("resume")
        self.add(3, 2, "192.0.2.2", tx=2)
        self.sync(3)

    def test_half_a_transaction_is_noticed_at_the_sync(self):
        self.add(2, 1, "192.0.2.2", tx=2)
        self.assertNoticed("has 1 changes of 2", self.sync, 2)

    def test_half_a_transaction_is_noticed_at_another_change(self):
        self.add(2, 1, "192.0.2.2", tx=2)
        self.assertNoticed("has 1 changes of 2", self.add, 3, 5)

    def test_a_namespace_comes_with_its_rules(self):
        self.create_namespace(2, tx=2)
        self.sync(7)
        self.assertEqual({key: row.h for key, row in self.subscriber.held.items()}, namespace_rows("w1"))

    def test_a_namespace_that_lacks_a_rule_is_noticed(self):
        self.create_namespace(2, rules=4, tx=2)
        self.assertNoticed("has 5 changes of 6", self.sync, 6)

    def test_a_namespace_without_its_transaction_is_noticed(self):
        self.assertNoticed("adds a namespace, but has no tx", self.create_namespace, 2, rules=0)

    def test_a_part_without_its_transaction_is_noticed(self):
        self.assertNoticed("but has no tx", self.add, 2, 1, "192.0.2.2")

    def test_a_run_that_is_too_long_is_noticed(self):
        for number in range(1024):
            self.add(2 + number, number % 250, f"198.51.100.{number // 250}", tx=2, cause={"reason": "flush", "seq": 2})
            self.subscriber.group.gateway = ""  # a real run only deletes
        self.assertNoticed("longer than 1024", self.add, 1026, 1, tx=2, cause={"reason": "flush", "seq": 2})

    def test_another_digest_is_noticed(self):
        self.add(2, 1)
        self.assertNoticed("digests differ", self.sync, 2, ["00" * 16])

    def test_another_count_is_noticed(self):
        self.add(2, 1)
        self.assertNoticed("holds 0 entries", self.sync, 2, [])

    def test_another_hash_is_noticed(self):
        self.assertNoticed("not the hash", self.add, 2, 1, h="00" * 16)

    def test_a_replacement_of_what_is_not_here_is_noticed(self):
        self.assertNoticed("with was", self.add, 2, 1, was="00" * 16)

    def link(self, seq, op="add", carrier=True, **more):
        row = {"addresses": [], "ifname": "eth1", "mtu": 1500, "namespace": "default", "offload": True, "operstate": "UP"}
        h = hash_of(canonical(row))
        data = {"op": op, "seq": seq, "version": seq, "prev": self.latest, "entry": row, "h": h, "tx": seq,
                "status": {"carrier": carrier}} | ({"was": h} if op != "add" else {}) | more
        self.take("link", data, seq)
        self.latest = seq

    def test_what_follows_from_a_link_has_it_as_its_cause(self):
        self.link(2)
        self.add(3, 1, tx=2, cause={"reason": "link-added", "seq": 2})
        self.link(4, "status", carrier=False)
        self.assertEqual(self.subscriber.held[Key("default", "carrier eth1")], carrier_row(False))
        self.assertNoticed("the transaction begins with 4", self.add, 5, 2, tx=4, cause={"reason": "carrier-lost", "seq": 3})

    def test_a_status_is_kept_as_long_as_its_entry(self):
        self.add(2, 1)
        key = Key("default", "10.1.0.1/32")
        self.add(3, 1, op="status", tx=3, cause={"reason": "link-down", "seq": 1}, status={"flags": ["dead", "linkdown"]})
        self.assertEqual(self.subscriber.legs, {key: [["dead", "linkdown"]]})
        self.add(4, 1, "192.0.2.9")
        self.assertEqual(self.subscriber.legs, {})

    def test_a_status_of_another_entry_is_noticed(self):
        self.add(2, 1)
        self.assertNoticed("of status changes", self.add, 3, 1, "192.0.2.9", op="status", tx=3, status={"flags": []},
                           cause={"reason": "link-up", "seq": 1})


if __name__ == "__main__":
    unittest.main()
