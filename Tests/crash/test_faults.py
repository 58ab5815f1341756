"""A short run of faults.py: few of the calls to the disk fail, but of every kind and in every way."""
import unittest

import faults
from servers import BINARY


class FaultTests(unittest.TestCase):
    def test_what_was_promised_survives_every_fault(self):
        holds, line = faults.run(BINARY, stride=101)
        self.assertTrue(holds, line)


if __name__ == "__main__":
    unittest.main()
