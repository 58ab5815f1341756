"""The rules of follower.c: a right stream passes, and each way to break one is found. In both formats."""
import json
import subprocess
import unittest

import soak  # noqa: F401  finds what is shared with Tests/crash
from subscribers import build

EPOCH = "5d269c8cb5772653"
HASHES = [f"{number:02x}" * 16 for number in (0xa1, 0xf2, 0xc3)]
NONE = "00" * 16


def digest(*hashes):
    return f"{sum(int(h, 16) for h in hashes) % 2**128:032x}"


class Stream:
    """Frames as fibd writes them."""

    def __init__(self):
        self.frames = []

    def frame(self, event, data, cursor=None):
        self.frames.append((event, cursor, json.dumps(data, separators=(",", ":"))))
        return self

    def hello(self, mode="replay", **more):
        return self.frame("hello", {"epoch": EPOCH, "mode": mode, **more, "seq": 1}, "" if mode == "replay" else None)

    def row(self, h, seq=1):
        return self.frame("route", {"op": "replay", "seq": seq, "version": seq, "entry": {"dst": "::/0"}, "h": h})

    def sync(self, seq, *hashes, count=None, cursor=None):
        data = {"seq": seq, "count": len(hashes) if count is None else count, "digest": digest(*hashes), "counts": {}}
        return self.frame("sync", data, cursor or f"{EPOCH}-{seq}-0")

    def change(self, op, seq, prev, cursor=None, **more):
        data = {"op": op, "seq": seq, "version": seq, "prev": prev, "entry": {"dst": "::/0", "via": {"host": "::1"}}, **more}
        return self.frame("route", data, cursor or f"{EPOCH}-{seq}-0")

    def text(self, format):
        lines = []
        for event, cursor, data in self.frames:
            if format == "ndjson":
                identity = "" if cursor is None else f',"id":"{cursor}"'
                lines.append(f'{{"event":"{event}"{identity},"data":{data}}}\n')
            else:
                retry = "retry: 1000\n" if event == "hello" else ""
                identity = "" if cursor is None else f"id: {cursor}\n"
                lines.append(f"{retry}{identity}event: {event}\ndata: {data}\n\n")
        return "".join(lines)


def standing():
    """With one entry, at 2."""
    return Stream().hello().row(HASHES[0]).sync(2, HASHES[0])


class RuleTests(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        cls.program = str(build() / "check-stream")

    def verdicts(self, stream, expected="replay", transaction=0):
        for format in ("sse", "ndjson"):
            result = subprocess.run([self.program, format, expected, str(transaction)], input=stream.text(format),
                                    capture_output=True, text=True, timeout=20)
            self.assertEqual(result.returncode, 0 if result.stdout == "ok\n" else 1)
            yield format, result.stdout.strip()

    def assertKept(self, stream, **options):
        for format, verdict in self.verdicts(stream, **options):
            with self.subTest(format):
                self.assertEqual(verdict, "ok")

    def assertBroken(self, stream, words, **options):
        for format, verdict in self.verdicts(stream, **options):
            with self.subTest(format):
                self.assertRegex(verdict, words)

    def test_a_right_stream_passes(self):
        stream = standing().change("add", 3, 2, h=HASHES[1]).change("replace", 4, 3, h=HASHES[2], was=HASHES[0])
        stream.sync(4, HASHES[1], HASHES[2]).change("delete", 9, 4, was=HASHES[1]).sync(9, HASHES[2])
        self.assertKept(stream)

    def test_a_lost_change_is_found(self):
        self.assertBroken(standing().change("add", 5, 4, h=HASHES[1]), "UNANNOUNCED LOSS: change 5 follows 4")

    def test_a_repeated_change_is_found(self):
        self.assertBroken(standing().change("add", 2, 1, h=HASHES[1]), "change 2 came after 2")

    def test_another_digest_or_count_is_found(self):
        self.assertBroken(standing().sync(3, HASHES[1]), "SILENT LOSS: at 3 the digest")
        self.assertBroken(standing().sync(3, HASHES[0], count=2), "SILENT LOSS: at 3 the server counts 2")
        self.assertBroken(standing().change("delete", 3, 2, was=HASHES[1]).sync(3), "SILENT LOSS: at 3 the digest")

    def test_a_sync_that_goes_back_is_found(self):
        self.assertBroken(standing().change("add", 5, 2, h=NONE).sync(4, HASHES[0], NONE), "a sync at 4 after change 5")

    def test_frames_out_of_order_are_found(self):
        self.assertBroken(Stream().sync(2), "first frame is sync")
        self.assertBroken(standing().hello(), "second hello")
        self.assertBroken(standing().row(HASHES[1]), "a row of a replay in sequence")
        self.assertBroken(Stream().hello().change("add", 3, 1, h=HASHES[1]), "change 3 came among its rows")
        self.assertBroken(standing().frame("error", {"reason": "overflow"}).sync(3, HASHES[0]), "behind the end")

    def test_a_hello_that_was_not_asked_for_is_found(self):
        self.assertBroken(Stream().hello(reason="epoch"), "says replay epoch, expected was resume", expected="resume|replay")
        self.assertKept(Stream().hello(reason="too-old").sync(2), expected="resume|replay:too-old")

    def test_it_resumes_where_it_was(self):
        self.assertKept(Stream().hello("resume").change("add", 12, 9, h=HASHES[1]).sync(12, HASHES[1]), expected="resume")
        self.assertBroken(Stream().hello("resume").change("add", 12, 11, h=HASHES[1]), "UNANNOUNCED", expected="resume")

    def test_a_reset_is_followed_by_a_replay(self):
        stream = standing().frame("reset", {"reason": "overflow", "attempt": 1}, "").row(HASHES[2]).sync(90, HASHES[2])
        self.assertKept(stream)
        self.assertBroken(standing().frame("reset", {"reason": "overflow", "attempt": 1}, "").sync(90, HASHES[0]), "SILENT LOSS")

    def test_a_difference_belongs_to_a_replay(self):
        more = {"h": HASHES[1], "tx": 7, "catchup": True}
        data = {"op": "add", "seq": 7, "version": 7, "prev": 1, "entry": {"dst": "::/0"}, **more}
        self.assertKept(Stream().hello().row(HASHES[0]).frame("route", data).sync(7, HASHES[0], HASHES[1]))
        self.assertBroken(standing().frame("route", data), "a difference in sequence")

    def test_a_transaction_comes_whole(self):
        first = standing().change("add", 3, 2, h=HASHES[1], tx=3)
        self.assertBroken(first.sync(3, HASHES[0], HASHES[1]), "transaction 3 has 1 changes of 2", transaction=2)
        whole = standing().change("add", 3, 2, h=HASHES[1], tx=3).change("flags", 4, 3, h=NONE, was=NONE, tx=3)
        self.assertKept(whole.sync(4, HASHES[0], HASHES[1]), transaction=2)
        rest = Stream().hello("resume").change("add", 11, 10, h=HASHES[1], tx=10).sync(11, HASHES[1])
        self.assertKept(rest, expected="resume", transaction=2)

    def test_an_id_of_another_change_is_found(self):
        self.assertBroken(standing().change("add", 3, 2, cursor=f"{EPOCH}-4-0", h=HASHES[1]), "the id of 3 is")
        self.assertBroken(standing().sync(3, HASHES[0], cursor=f"{EPOCH}-3-a"), "filter a instead of 0")

    def test_what_is_no_frame_is_found(self):
        self.assertBroken(standing().frame("route", {"op": "add"}), "another form")
        self.assertBroken(standing().change("add", 3, 2), "another form")


if __name__ == "__main__":
    unittest.main()
