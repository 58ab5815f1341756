"""A short run of peers.py: 9 lives."""
import unittest

import lives
from peers import Lives
from servers import BINARY


class PeerTests(unittest.TestCase):
    def test_what_was_forgotten_stays_forgotten_after_every_kill(self):
        holds, line = lives.run(Lives, BINARY, kills=9, seed=77)
        self.assertTrue(holds, line)


if __name__ == "__main__":
    unittest.main()
