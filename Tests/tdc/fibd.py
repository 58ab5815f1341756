"""A fibd on loopback, as a child process."""
import json
import os
import pathlib
import re
import subprocess
import threading
from collections import deque

ROOT = pathlib.Path(__file__).resolve().parents[2]
BINARY = pathlib.Path(os.environ.get("FIBD_BINARY", ROOT / ".build/debug/fibd"))
START, END = 30.0, 60.0


class Fibd:
    """Raises RuntimeError if it doesn't listen, or doesn't end as it should."""

    def __init__(self, binary: pathlib.Path, directory: pathlib.Path | None):
        place = ["--ephemeral"] if directory is None else ["--data-dir", str(directory / "data")]
        command = [str(binary), *place, "--listen", "127.0.0.1:0"]
        environment = {name: value for name, value in os.environ.items() if not name.startswith("FIBD_")}
        self.log: deque[str] = deque(maxlen=40)
        self.address = ""
        self.told = threading.Event()
        self.process = subprocess.Popen(command, stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL,
                                        stderr=subprocess.PIPE, env=environment)
        self.reader = threading.Thread(target=self.read_log, daemon=True)
        self.reader.start()

    def read_log(self) -> None:
        assert self.process.stderr
        for line in self.process.stderr:
            self.log.append(line.decode(errors="replace").rstrip())
            try:
                entry = json.loads(line)
            except ValueError:
                continue
            if isinstance(entry, dict) and entry.get("message") == "listening":
                self.address = entry["address"]
                self.told.set()
        self.told.set()

    @property
    def peak_mebibytes(self) -> float:
        text = pathlib.Path(f"/proc/{self.process.pid}/status").read_text()
        found = re.search(r"VmHWM:\s*(\d+) kB", text)
        return int(found[1]) / 1024 if found else 0.0

    def words(self) -> str:
        return "the server's last words: " + (" | ".join(list(self.log)[-3:]) or "none")

    def stop(self) -> None:
        self.process.terminate()
        try:
            status = self.process.wait(END)
        except subprocess.TimeoutExpired:
            raise RuntimeError(f"it did not end within {END:g} s after SIGTERM") from None
        if status:
            raise RuntimeError(f"it ended with {status} after SIGTERM")

    def __enter__(self) -> "Fibd":
        if not self.told.wait(START) or not self.address:
            self.__exit__()
            raise RuntimeError(f"it did not listen; {self.words()}")
        return self

    def __exit__(self, *_: object) -> None:
        if self.process.poll() is None:
            self.process.kill()
        self.process.wait()
        self.reader.join(END)
        if self.process.stderr:
            self.process.stderr.close()
