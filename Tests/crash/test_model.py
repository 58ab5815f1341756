"""The model says what may be there after a crash, and nothing else."""
import unittest

from model import Space, Write
from servers import Request, Violation
from state import Key, Row, State


def key(number):
    return Key("default", f"10.1.0.{number}/32")


def write(numbers, h, seq=0, **more):
    return Write("array", Request("POST", ""), [(key(number), h) for number in numbers], seq=seq, **more)


class ResolveTests(unittest.TestCase):
    def resolve(self, pending: list[Write], found: State, certain: State | None = None) -> Space:
        space = Space("w1", "10.1.", dict(certain or {}), list(pending))
        space.resolve(found)
        self.assertEqual((space.certain, space.pending), (found, []))
        return space

    def assertRefused(self, pending, found, certain=None):
        with self.assertRaises(Violation):
            self.resolve(pending, found, certain)

    def test_certain_rows_must_be_there_at_their_versions(self):
        self.resolve([], {key(1): Row("a", 5)}, {key(1): Row("a", 5)})
        self.assertRefused([], {}, {key(1): Row("a", 5)})
        self.assertRefused([], {key(1): Row("a", 6)}, {key(1): Row("a", 5)})
        self.assertRefused([], {key(1): Row("b", 5)}, {key(1): Row("a", 5)})
        self.assertRefused([], {key(1): Row("a", 5), key(2): Row("b", 6)}, {key(1): Row("a", 5)})

    def test_an_unanswered_write_happened_wholly_or_not_at_all(self):
        unanswered = write([1, 2], "a")
        self.resolve([unanswered], {})
        self.resolve([unanswered], {key(1): Row("a", 3), key(2): Row("a", 4)})
        self.assertRefused([unanswered], {key(1): Row("a", 3)})

    def test_an_import_may_have_come_to_any_of_its_lines(self):
        unanswered = write([1, 2, 3], "a", is_whole=False, is_numbered=False)
        for count in range(4):
            self.resolve([unanswered], {key(number): Row("a", number) for number in range(1, count + 1)})
        self.assertRefused([unanswered], {key(1): Row("a", 1), key(3): Row("a", 3)})

    def test_pending_writes_vanish_from_the_end_only(self):
        pending = [write([1], "a", seq=7), write([2], "b", seq=8), write([3], "c")]
        space = self.resolve(pending, {key(1): Row("a", 7)})
        self.assertEqual((space.happened, space.vanished), (1, 2))
        self.assertRefused(pending, {key(2): Row("b", 8)})
        self.assertRefused(pending, {key(1): Row("a", 7), key(3): Row("c", 9)})

    def test_numbers_of_one_request_are_consecutive(self):
        answered = write([1, 2], "a", seq=9)
        self.resolve([answered], {key(1): Row("a", 8), key(2): Row("a", 9)})
        self.assertRefused([answered], {key(1): Row("a", 7), key(2): Row("a", 9)})

    def test_what_is_known_to_be_durable_may_not_vanish(self):
        space = Space("w1", "10.1.", {}, [write([1], "a", seq=7), write([2], "b", seq=8)])
        space.settle(7)
        with self.assertRaises(Violation):
            space.resolve({})


if __name__ == "__main__":
    unittest.main()
