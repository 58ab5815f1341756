"""A short run of soak.py: 200 subscribers, 500 changes a second; and what its verdicts must not let pass."""
import contextlib
import io
import unittest

import soak
from resources import Sample, growth
from servers import BINARY
from writer import Table

SHORT = soak.Options(binary=BINARY, seconds=15, subscribers=200, slow=20, rate=200, cuts=10, routes=400, log_bytes=1 << 19,
                     heartbeat=2, slow_seconds=16, every=5)


class SoakTests(unittest.TestCase):
    def test_every_rule_is_kept(self):
        lines = io.StringIO()
        with contextlib.redirect_stdout(lines):
            wrong = soak.run(SHORT)
        self.assertEqual(wrong, [], lines.getvalue())


class VerdictTests(unittest.TestCase):
    def test_memory_that_grows_is_found(self):
        flat = [Sample(5.0 * number, 100 + number % 3, 9, 9, 0) for number in range(40)]
        self.assertLess(abs(growth(flat)), 1)
        rising = [Sample(5.0 * number, 100 + number, 9, 9, 0) for number in range(40)]
        self.assertAlmostEqual(growth(rising), 19)

    def test_a_table_counts_what_its_requests_leave(self):
        table = Table(1_000, seed=412)
        rows = table.fill().count("\n")
        for _ in range(500):
            table.request()
            table.transaction()
        self.assertEqual((rows, len(set(table.present + table.absent))), (1_000, 2_000))
        counts = table.counts()
        self.assertEqual(counts["route"], len(table.present))
        self.assertEqual(counts["inet"] + counts["inet6"] + 1, counts["all"])


if __name__ == "__main__":
    unittest.main()
