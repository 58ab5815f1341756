"""The program that reads thousands of streams (subscribers.c): built, started, told what to do."""
import json
import os
import pathlib
import queue
import shutil
import subprocess
import threading
import time
from typing import Any

from resources import processor_seconds
from servers import PATIENCE, Violation, check

HERE = pathlib.Path(__file__).resolve().parent


def build() -> pathlib.Path:
    """The directory of the programs. Debian has cc where gcc is installed; a Swift toolchain brings clang."""
    compiler = os.environ.get("CC") or shutil.which("cc") or shutil.which("clang") or "cc"
    result = subprocess.run(["make", "-s", "-C", str(HERE), f"CC={compiler}"], capture_output=True, text=True, timeout=120)
    if result.returncode:
        raise RuntimeError(f"the subscribers can't be built: {result.stderr}")
    return HERE / ".build"


class Subscribers:
    """All of them are one process. Its breaches of rules are lines of `complaints`."""

    def __init__(self, address: str, **options: float):
        words = [f"--{name.replace('_', '-')}={value}" for name, value in options.items()]
        self.process = subprocess.Popen([str(build() / "subscribers"), address, *words], stdin=subprocess.PIPE,
                                        stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)
        self.events: queue.Queue[dict[str, Any] | None] = queue.Queue()
        self.complaints: list[str] = []
        self.latest: dict[str, Any] = {}
        self._readers = [threading.Thread(target=read, daemon=True) for read in (self._read_events, self._read_complaints)]
        for reader in self._readers:
            reader.start()

    def _read_events(self) -> None:
        assert self.process.stdout
        for line in self.process.stdout:
            self.latest = json.loads(line)
            self.events.put(self.latest)
        self.events.put(None)

    def _read_complaints(self) -> None:
        assert self.process.stderr
        for line in self.process.stderr:
            self.complaints.append(line.rstrip())

    @property
    def processor_seconds(self) -> float:
        return processor_seconds(self.process.pid)

    def wait_for(self, event: str, seconds: float) -> dict[str, Any]:
        """The first such line from here on. Throws a TimeoutError if there is none."""
        end = time.monotonic() + seconds
        while (left := end - time.monotonic()) > 0:
            try:
                line = self.events.get(timeout=left)
            except queue.Empty:
                break
            check(line, f"the subscribers ended before they were {event}: {' | '.join(self.complaints)}")
            if line and line["event"] == event:
                return line
        raise TimeoutError(f"the subscribers were not {event} within {seconds:g} s; {self.latest}")

    def tell(self, command: str) -> None:
        assert self.process.stdin
        self.process.stdin.write(command + "\n")
        self.process.stdin.flush()

    def leave(self) -> None:
        """They close their connections, in different ways."""
        self.tell("leave")
        status = self.process.wait(PATIENCE)
        for reader in self._readers:
            reader.join(PATIENCE)
        check(status in (0, 1), f"the subscribers ended with {status}: {' | '.join(self.complaints)}")

    def __enter__(self) -> "Subscribers":
        return self

    def __exit__(self, *_: object) -> None:
        if self.process.poll() is None:
            self.process.kill()
            self.process.wait(PATIENCE)
        for pipe in (self.process.stdin, self.process.stdout, self.process.stderr):
            if pipe:
                pipe.close()
