"""the size of the binary, the time until it listens, the memory it starts with"""
import time

from bench.lab import resident_bytes
from bench.report import Figure


def measure(lab):
    yield Figure("size of the binary", "MB", {"fibd": [lab.fibd_binary.stat().st_size / 1e6]})
    seconds, resident = [], []
    for _ in range(5):
        start = time.monotonic()
        with lab.fibd() as server:
            seconds.append((time.monotonic() - start) * 1000)
            resident.append(resident_bytes(server) / 1e6)
    yield Figure("from exec to listening", "ms", {"fibd": seconds})
    yield Figure("resident memory when empty", "MB", {"fibd": resident})
