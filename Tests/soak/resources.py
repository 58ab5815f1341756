"""What a server uses, sampled: memory, descriptors, threads, processor, connections that it doesn't close, and how soon it answers."""
import http.client
import os
import pathlib
import re
import threading
import time
from dataclasses import dataclass

from servers import Violation, check

CLOSE_WAIT = "08"
EVERY = 5.0
# Within this many seconds /livez has to answer: what a liveness probe gives it at most.
IN_TIME = 5.0
TICKS = os.sysconf("SC_CLK_TCK")


@dataclass(frozen=True)
class Sample:
    at: float
    mebibytes: float
    descriptors: int
    threads: int
    processor_seconds: float


def sample(pid: int) -> Sample:
    process = pathlib.Path(f"/proc/{pid}")
    status = dict(re.findall(r"^(VmRSS|Threads):\s*(\d+)", (process / "status").read_text(), re.MULTILINE))
    return Sample(time.monotonic(), int(status["VmRSS"]) / 1024, len(os.listdir(process / "fd")), int(status["Threads"]),
                  processor_seconds(pid))


def processor_seconds(pid: int) -> float:
    # The name, in parentheses, may have spaces.
    fields = pathlib.Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()
    return (int(fields[11]) + int(fields[12])) / TICKS


def machine_seconds() -> tuple[float, float]:
    """Of all processors since the start of the machine: idle, and given to others by the machine below."""
    with open("/proc/stat") as table:
        fields = [int(field) for field in table.readline().split()[1:]]
    return (fields[3] + fields[4]) / TICKS, fields[7] / TICKS


def close_waiting(port: int) -> set[str]:
    """Connections of the server whose clients have gone, by the client's address."""
    with open("/proc/net/tcp") as table:
        rows = [line.split() for line in table.readlines()[1:]]
    return {row[2] for row in rows if row[3] == CLOSE_WAIT and int(row[1].split(":")[1], 16) == port}


def share(values: list[float], part: float) -> float:
    """The value that this part of them doesn't exceed."""
    ordered = sorted(values)
    return ordered[min(len(ordered) - 1, int(len(ordered) * part))] if ordered else 0.0


def growth(samples: list[Sample]) -> float:
    """By how many MiB a straight line through the last half of them rises from its begin to its end."""
    half = samples[len(samples) // 2:]
    if len(half) < 2:
        return 0.0
    mean_at = sum(each.at for each in half) / len(half)
    mean = sum(each.mebibytes for each in half) / len(half)
    slope = (sum((each.at - mean_at) * (each.mebibytes - mean) for each in half)
             / sum((each.at - mean_at) ** 2 for each in half))
    return slope * (half[-1].at - half[0].at)


def allowed_growth(samples: list[Sample]) -> float:
    """20 MiB, or a twentieth where there is more."""
    return max(20.0, samples[len(samples) // 2].mebibytes / 20)


class Watch(threading.Thread):
    """Samples until it is stopped. What is wrong is kept for the end, so that one sees how it goes on."""

    def __init__(self, pid: int, address: str):
        super().__init__(daemon=True)
        self.pid, self.address, self.port = pid, address, int(address.rsplit(":", 1)[1])
        self.samples: list[Sample] = []
        self.answers: list[float] = []
        self.wrong: list[str] = []
        self.waiting: set[str] = set()
        self.stopped = threading.Event()

    def run(self) -> None:
        while not self.stopped.is_set():
            try:
                self.ask()
                if not self.samples or time.monotonic() >= self.samples[-1].at + EVERY:
                    self.look()
            except (OSError, Violation, http.client.HTTPException) as error:
                self.wrong.append(f"{type(error).__name__}: {error}")
            self.stopped.wait(0.25)

    def ask(self) -> None:
        """Over a connection of its own, as probes do."""
        began = time.monotonic()
        connection = http.client.HTTPConnection(self.address, timeout=4 * IN_TIME)
        try:
            connection.request("GET", "/livez")
            response = connection.getresponse()
            response.read()
            check(response.status == 200, f"/livez: {response.status}")
        finally:
            connection.close()
            took = time.monotonic() - began
            self.answers.append(took)
        check(took <= IN_TIME, f"/livez took {took:.1f} s")

    def look(self) -> None:
        self.samples.append(sample(self.pid))
        waiting = close_waiting(self.port)
        stuck = waiting & self.waiting
        self.waiting = waiting
        check(not stuck, f"{len(stuck)} connections are in CLOSE-WAIT for longer than {EVERY:g} s: {sorted(stuck)[:3]}")

    def stop(self) -> None:
        self.stopped.set()
        self.join()

    def verdict(self) -> list[str]:
        """What is wrong with all of it."""
        found, allowed = growth(self.samples), allowed_growth(self.samples)
        if found > allowed:
            return [*self.wrong, f"memory grows: {found:.1f} MiB over the last half of the run, {allowed:.1f} are allowed"]
        return self.wrong
