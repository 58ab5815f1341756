"""Lives of one data directory: a server on which several work at once is killed, or ends cleanly, and what it had promised is looked at
after each start. What is promised, and who works, is for those who use this (filters.py, peers.py).
"""
import argparse
import json
import pathlib
import random
import shutil
import tempfile
import threading
import time
import urllib.request
from typing import Any

from servers import BINARY, CHECKPOINT_BYTES, PATIENCE, Client, Lost, Request, Server, Violation, check


class Worker(threading.Thread):
    """Sends requests for one life of the server, one after the other."""

    def __init__(self, server: Server, seed: float):
        super().__init__(daemon=True)
        self.server, self.random, self.error = server, random.Random(seed), None

    def run(self) -> None:
        try:
            with Client(self.server.address) as client:
                while not self.server.killed and self.step(client):
                    pass
        except Exception as error:  # told by the main thread
            self.error = error

    def step(self, client: Client) -> bool:
        """False if the server was killed meanwhile."""
        raise NotImplementedError

    def send(self, client: Client, method: str, path: str, body: Any = None) -> int | None:
        """The status; nil if the server was killed meanwhile."""
        try:
            return client.send(Request(method, path, json.dumps(body) if body is not None else "")).status
        except (Lost, Violation):
            if self.server.killed:
                return None
            raise


class Lives:
    """One data directory from its first start to the last kill."""

    def __init__(self, binary: pathlib.Path, directory: pathlib.Path, seed: int):
        self.binary, self.directory, self.random = binary, directory, random.Random(seed)

    def start(self) -> Server:
        return Server(self.binary, self.directory, {CHECKPOINT_BYTES: "100000"}).await_listening()

    def verify(self, client: Client) -> None:
        """What was promised, after a start."""
        raise NotImplementedError

    def workers(self, server: Server) -> list[Worker]:
        raise NotImplementedError

    def ended(self, workers: list[Worker]) -> None:
        """They have, none with an error."""

    def live(self, ends_cleanly: bool) -> None:
        server = self.start()
        with Client(server.address) as client:
            self.verify(client)
        workers = self.workers(server)
        for worker in workers:
            worker.start()
        time.sleep(self.random.uniform(0.1, 0.8))
        if ends_cleanly:
            server.killed = True
        else:
            server.kill()
        for worker in workers:
            worker.join()
            if worker.error:
                raise worker.error
        self.ended(workers)
        if ends_cleanly:
            before = digests(server)
            server.stop()
            with self.start() as again:
                check(digests(again) == before, f"{digests(again)} after a clean end, {before} before it")


def digests(server: Server) -> Any:
    """Of each kind, as a stream tells them."""
    with urllib.request.urlopen(f"http://{server.address}/v1/events?until=sync&kinds=all", timeout=PATIENCE) as stream:
        return json.loads(stream.read().decode().split("data: ")[-1])["digests"]


def run(of: type[Lives], binary: pathlib.Path, kills: int, seed: int) -> tuple[bool, str]:
    """Every third life ends cleanly."""
    directory = pathlib.Path(tempfile.mkdtemp(prefix="fibd-lives-"))
    life = 0
    try:
        lives = of(binary, directory, seed)
        for life in range(kills):
            lives.live(ends_cleanly=life % 3 == 2)
        with lives.start() as server, Client(server.address) as client:
            lives.verify(client)
    except Violation as violation:
        return False, f"life {life}: {violation}; the data directory is {directory}"
    shutil.rmtree(directory)
    return True, f"{kills} lives, every promise kept"


def main(of: type[Lives], purpose: str) -> int:
    """Exit status 0 if all promises were kept, 1 if one was broken: then the data directory stays, and its path is printed."""
    parser = argparse.ArgumentParser(description=purpose.split("\n", maxsplit=1)[0])
    parser.add_argument("--binary", type=pathlib.Path, default=BINARY, metavar="PATH")
    parser.add_argument("--kills", type=int, default=100, metavar="N")
    parser.add_argument("--seed", type=int, default=1, metavar="N")
    options = parser.parse_args()
    holds, line = run(of, options.binary.resolve(), options.kills, options.seed)
    print(line, flush=True)
    return 0 if holds else 1
