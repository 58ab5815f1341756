"""A short run of filters.py: 9 lives."""
import unittest

import lives
from filters import Lives
from servers import BINARY


class FilterTests(unittest.TestCase):
    def test_what_was_promised_of_filters_survives_every_kill(self):
        holds, line = lives.run(Lives, BINARY, kills=9, seed=412)
        self.assertTrue(holds, line)


if __name__ == "__main__":
    unittest.main()
