"""A fibd as a child process, and a connection to it: what the tests of crashes and of many filters share.

Everything is bounded in time: whatever takes longer than `PATIENCE` seconds is a Violation that says what hung.
"""
import http.client
import json
import os
import pathlib
import re
import signal
import subprocess
import threading
from collections import deque
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

ROOT = pathlib.Path(__file__).resolve().parents[2]
BINARY = pathlib.Path(os.environ.get("FIBD_BINARY", ROOT / ".build/debug/fibd"))
STANDIN = ROOT / "Tests/crash/standin.py"
PATIENCE = 20.0
# The option --checkpoint-bytes: after how many bytes of journal the server begins a checkpoint.
CHECKPOINT_BYTES = "FIBD_CHECKPOINT_BYTES"


class Violation(Exception):
    """The server did what it must not, or nothing at all."""


class Lost(Exception):
    """The connection ended before the answer was there: what was asked for may have happened or not."""


def check(holds: object, message: str) -> None:
    if not holds:
        raise Violation(message)


class Server:
    """One life of a fibd, on a data directory or without one. It listens once its state is recovered."""

    def __init__(self, binary: pathlib.Path, directory: pathlib.Path | None, environment: Mapping[str, str] | None = None,
                 patience: float = PATIENCE):
        inherited = {k: v for k, v in os.environ.items() if not k.startswith("FIBD_")} | {"FIBD_SIMULATED_SWITCH": "none"}
        place = ["--ephemeral"] if directory is None else ["--data-dir", str(directory)]
        command = [str(binary), *place, "--listen", "127.0.0.1:0"]
        self.patience = patience
        self.process = subprocess.Popen(command, stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL,
                                        stderr=subprocess.PIPE, env=inherited | dict(environment or {}))
        self.log: deque[str] = deque(maxlen=40)
        self.address = ""
        self.killed = False  # or may be at any time
        self.may_fail = False  # may end by itself, with a word to those who listen
        self.told = threading.Event()  # it listens, or closed its log: it is ending
        self._reader = threading.Thread(target=self._read_log, daemon=True)
        self._reader.start()

    def _read_log(self) -> None:
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

    def listens_within(self, seconds: float) -> bool:
        return self.told.wait(seconds) and bool(self.address)

    def await_listening(self) -> "Server":
        if not self.listens_within(self.patience):
            if not self.told.is_set():
                self.kill()
                raise Violation(f"the server did not listen within {self.patience:g} s; {self.words()}")
            raise Violation(f"the server ended with {self.end()} before it listened; {self.words()}")
        return self

    @property
    def peak_mebibytes(self) -> float:
        text = pathlib.Path(f"/proc/{self.process.pid}/status").read_text()
        found = re.search(r"VmHWM:\s*(\d+) kB", text)
        return int(found[1]) / 1024 if found else 0.0

    def words(self) -> str:
        return "its last words: " + (" | ".join(list(self.log)[-4:]) or "none")

    def kill(self) -> None:
        """SIGKILL, to this child only."""
        self.killed = True
        self.process.send_signal(signal.SIGKILL)
        self.end()

    def stop(self) -> None:
        self.killed = True
        self.process.send_signal(signal.SIGTERM)
        status = self.end()
        check(status == 0, f"the server ended with {status} after SIGTERM; {self.words()}")

    def end(self) -> int:
        """The status, once it has ended; of a server that was killed the signal, negative."""
        try:
            status = self.process.wait(self.patience)
        except subprocess.TimeoutExpired:
            self.process.kill()
            self.process.wait()
            raise Violation(f"the server did not end within {self.patience:g} s; {self.words()}") from None
        finally:
            self._reader.join(self.patience)
            if self.process.stderr:
                self.process.stderr.close()
        return status

    @property
    def has_ended(self) -> bool:
        return self.process.poll() is not None

    def __enter__(self) -> "Server":
        return self

    def __exit__(self, *_: object) -> None:
        if not self.has_ended:
            self.kill()
        else:
            self.end()


@dataclass(frozen=True)
class Request:
    method: str
    path: str
    body: str = ""
    is_ndjson: bool = False


@dataclass(frozen=True)
class Answer:
    status: int
    seq: int
    text: str
    headers: Mapping[str, str]

    @property
    def json(self) -> Any:
        return json.loads(self.text)

    @property
    def has_succeeded(self) -> bool:
        return 200 <= self.status < 300


class Client:
    """One keep-alive connection. Who waits for a disk that takes nothing wants to know soon (RFC 7240)."""

    def __init__(self, address: str, wait: int = 1):
        self.wait = wait
        self.connection = http.client.HTTPConnection(address, timeout=PATIENCE)

    def send(self, request: Request) -> Answer:
        # Lists as NDJSON would wait for the disk too.
        headers = {"Accept": "application/json", "Prefer": f"wait={self.wait}"}
        body = request.body.encode() if request.body else None
        if body is not None:
            headers["Content-Type"] = "application/x-ndjson" if request.is_ndjson else "application/json"
        try:
            self.connection.request(request.method, request.path, body, headers)
            response = self.connection.getresponse()
            text = response.read().decode()
        except TimeoutError:
            raise Violation(f"{request.method} {request.path} had no answer within {PATIENCE:g} s") from None
        except (OSError, http.client.HTTPException) as error:
            raise Lost(f"{request.method} {request.path}: {type(error).__name__} {error}") from None
        return Answer(response.status, int(response.headers.get("Fibd-Seq") or 0), text, dict(response.headers.items()))

    def get_any(self, path: str) -> Answer:
        return self.send(Request("GET", path))

    def get(self, path: str) -> Answer:
        answer = self.get_any(path)
        check(answer.status == 200, f"GET {path}: {answer.status} {answer.text[:300]}")
        return answer

    def close(self) -> None:
        self.connection.close()

    def __enter__(self) -> "Client":
        return self

    def __exit__(self, *_: object) -> None:
        self.close()
