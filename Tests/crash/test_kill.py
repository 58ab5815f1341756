"""A short run of kill.py: 25 kills."""
import unittest

import kill
from servers import BINARY


class KillTests(unittest.TestCase):
    def test_what_was_promised_survives_every_kill(self):
        holds, line = kill.run(BINARY, kills=25, seed=412)
        self.assertTrue(holds, line)


if __name__ == "__main__":
    unittest.main()
