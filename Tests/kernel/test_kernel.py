"""fibd beside the kernel of this machine, for a few seeds. More: `Tests/kernel/compare.py --seed N --steps N`."""

import pathlib
import subprocess
import sys
import unittest

COMPARE = pathlib.Path(__file__).with_name("compare.py")


class BesideTheKernel(unittest.TestCase):
    def test_random_operations_come_to_the_same(self):
        for seed in range(1, 13):
            with self.subTest(seed=seed):
                done = subprocess.run([sys.executable, "-W", "error", COMPARE, "--seed", str(seed), "--steps", "250"],
                                      capture_output=True, text=True, timeout=120)
                if done.returncode == 77:
                    self.skipTest(done.stdout.strip())
                self.assertEqual(done.returncode, 0, done.stdout[-6000:] + done.stderr[-2000:])


if __name__ == "__main__":
    unittest.main()
