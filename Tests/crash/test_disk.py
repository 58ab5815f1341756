"""Every expectation of disk.py, as a test of its own."""
import unittest
from collections.abc import Callable

import disk
from servers import BINARY, Violation


class DiskTests(unittest.TestCase):
    pass


def tried(expectation: Callable[[disk.Place], None]) -> Callable[[unittest.TestCase], None]:
    def test(case: unittest.TestCase) -> None:
        try:
            disk.expect(expectation, BINARY, flips=20)
        except disk.Skipped as why:
            case.skipTest(str(why))
        except Violation as violation:
            case.fail(str(violation))
    return test


for each in disk.EXPECTATIONS:
    setattr(DiskTests, f"test_{each.__name__}", tried(each))


if __name__ == "__main__":
    unittest.main()
