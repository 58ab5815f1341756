#!/usr/bin/env python3
"""Kill fibd at random moments, and prove each time that what it had promised is there.

    nice -n 10 Tests/crash/kill.py --kills 200 --seed 1 --binary .build/release/fibd

Writers with disjoint keys write in every way there is; they set up links, whose fate takes and marks routes, and switches,
which say at any time what has become of these. Subscribers follow from life to life with their cursors, and a driver
programs every route and says so. The server is killed (SIGKILL) while they do, sometimes as something large is being removed,
just after it came up, and while it recovers; checkpoints are made so often that kills fall into them. After each start:
acknowledged writes are there, unanswered ones wholly or not at all, no number is given twice, subscribers resume where they
were, and all digests agree. The same seed draws the same lots, but threads and kills are as the machine has it.

Exit status 0 if all promises were kept, 1 if one was broken: then the data directory stays, and its path is printed.
"""
import argparse
import pathlib
import random
import shutil
import sys
import tempfile
import threading
import time
from collections.abc import Callable
from dataclasses import dataclass

from driver import Driver, Driving
from lots import Lots
from model import Space, Write, apply
from servers import BINARY, CHECKPOINT_BYTES, PATIENCE, Client, Lost, Server, Violation, check
from state import Key, State, differences, listed_with_legs, without_default
from stream import Following, Numbers, Subscriber

WRITERS = 6


class Writer(threading.Thread):
    """Writes for one life of the server, one request after the other."""

    def __init__(self, run: "Run", lots: Lots, server: Server, before: int):
        super().__init__(daemon=True)
        self.owner, self.lots, self.space, self.server, self.before = run, lots, lots.space, server, before

    def run(self) -> None:
        try:
            with Client(self.server.address) as client:
                state = self.space.current()
                while not self.server.killed and self.write(client, state):
                    pass
        except Exception as error:  # told by the main thread
            self.owner.fail(self.space.name, error)

    def write(self, client: Client, state: State) -> bool:
        write = self.lots.draw(state)
        if write.kind in ("array", "transaction"):
            self.owner.sizes[write.gateway] = len(write.changes)
        self.space.pending.append(write)
        if write.kind in ("flush", "namespace removal", "link"):
            self.owner.removing.set()
        try:
            answer = client.send(write.request)
        except (Lost, Violation) as error:
            if not self.server.killed:
                raise Violation(f"no answer from a server that lives: {error}") from None
            return False
        if answer.status == 503 and answer.json["code"] == "EBUSY":
            self.space.pending.pop()
            return True
        check(answer.has_succeeded and answer.seq,
              f"{write.request.method} {write.request.path}: {answer.status} {answer.text[:300]}")
        self.acknowledged(write, answer.seq)
        apply(state, write)
        return True

    def acknowledged(self, write: Write, seq: int) -> None:
        numbers = self.owner.numbers
        write.seq = seq
        name = f"{write.kind} {self.owner.acknowledged} of {self.space.name} in life {self.owner.life}"
        numbers.answer(seq, name, self.before)
        if write.is_numbered:
            first = seq - len(write.changes) + 1
            for place, (key, h) in enumerate(write.changes):
                numbers.give(first + place, key, h)
        numbers.reach(seq, is_durable=not write.is_applied)
        self.space.settle(numbers.floor)
        self.owner.acknowledged += 1


@dataclass
class Filter:
    name: str
    query: str
    selects: Callable[[Key], bool]


FILTERS = [
    Filter("subscriber of all", "&kinds=all", lambda key: True),
    Filter("subscriber of 10.0.0.0/15 in default", "&namespace=default&within=10.0.0.0/15",
           lambda key: key.namespace == "default" and key.dst.startswith(("10.0.", "10.1."))),
    Filter("subscriber of one namespace", "&namespace=w3", lambda key: key.namespace == "w3"),
]


class Run:
    """One data directory from its first start to the last kill."""

    def __init__(self, binary: pathlib.Path, directory: pathlib.Path, seed: int, checkpoint_bytes: int = 65_536,
                 drives: bool = True, objects: bool = True):
        self.binary, self.directory, self.random = binary, directory, random.Random(seed)
        self.environment = {CHECKPOINT_BYTES: str(checkpoint_bytes)}
        self.numbers, self.sizes = Numbers(), dict[str, int]()
        self.spaces = [Space(f"w{number}", f"10.{number}.") for number in range(WRITERS)]
        self.lots = [Lots(space, number, seed, objects=objects) for number, space in enumerate(self.spaces)]
        self.subscribers = [Subscriber(each.name, each.query, self.numbers, self.sizes) for each in FILTERS]
        self.driver = Driver(seed) if drives else None
        self.failures: list[str] = []
        self.failed = threading.Event()
        self.removing = threading.Event()  # something large is being removed
        self.epoch = ""
        self.life = self.acknowledged = self.in_recovery = self.soon = 0
        self.found: State = {}

    def fail(self, who: str, error: Exception) -> None:
        what = str(error) if isinstance(error, Violation) else f"{type(error).__name__}: {error}"
        self.failures.append(f"{who}: {what}")
        self.failed.set()

    def raise_failures(self) -> None:
        if self.failures:
            raise Violation("; ".join(self.failures[:3]))

    def kill_once(self) -> None:
        """One life of the server, to its kill."""
        self.life += 1
        lot = self.random.random()
        with Server(self.binary, self.directory, self.environment) as server:
            if lot < 0.15 and self.life > 1:
                if not server.listens_within(self.random.uniform(0, 0.06)):
                    self.in_recovery += 1
                check(server.killed or not server.has_ended, f"the server ended by itself; {server.words()}")
                server.kill()
                return
            server.await_listening()
            if lot < 0.3 and self.life > 1:
                self.soon += 1
                certain = [lots for lots in self.lots if not lots.space.pending]
                self.live(server, certain, self.random.uniform(0.005, 0.06))
            else:
                self.live(server, None, self.random.uniform(0.005, 0.3))

    def live(self, server: Server, lots: list[Lots] | None, seconds: float) -> None:
        """Without lots everything is verified first, and then nearly all write."""
        before = self.numbers.highest
        following = [Following(subscriber, server, self.fail) for subscriber in self.subscribers]
        for each in following:
            each.start()
        driving = [Driving(self.driver, server, self.fail)] if self.driver else []
        for thread in driving:
            thread.start()
        if lots is None:
            self.verify(server)
            lots = self.random.sample(self.lots, WRITERS - 1)
        self.removing.clear()
        writers = [Writer(self, each, server, before) for each in lots]
        for writer in writers:
            writer.start()
        if self.random.random() < 0.3:
            seconds = self.random.uniform(0, 0.015) if self.removing.wait(seconds) else 0
        self.failed.wait(seconds)
        check(not server.has_ended or self.failures, f"the server ended by itself; {server.words()}")
        server.kill()
        for thread in [*writers, *following, *driving]:
            thread.join(PATIENCE * 2)
            check(not thread.is_alive(), f"{thread} goes on without a server")
        self.raise_failures()
        for each in lots:
            # Now: what later lives reach says nothing of numbers that this one lost.
            each.space.settle(self.numbers.floor)

    def verify(self, server: Server) -> None:
        """Everything that was promised is there. Nothing is written meanwhile, though the driver reports."""
        floor = self.numbers.floor
        with Client(server.address) as client:
            epoch = client.get("/v1").json["epoch"]
            check(epoch == (self.epoch or epoch), f"epoch {epoch} instead of {self.epoch}")
            self.epoch = epoch
            self.found, legs, seq = listed_with_legs(client)
        check(seq >= floor, f"the server is at {seq}, but {floor} was durable")
        self.verify_spaces()
        for subscriber, each in zip(self.subscribers, FILTERS):
            check(subscriber.synced.wait(PATIENCE), f"{each.name}: no sync within {PATIENCE:g} s")
            self.raise_failures()
            expected = {key: row for key, row in self.found.items() if each.selects(key)}
            wrong = differences(expected, subscriber.held)
            check(not wrong, f"{each.name} holds another state than is listed: {'; '.join(wrong)}")
            told = {key: found for key, found in legs.items() if each.selects(key)}
            wrong = sorted(key.dst for key in told.keys() | subscriber.legs.keys() if told.get(key) != subscriber.legs.get(key))
            check(not wrong, f"{each.name} was told something else of the legs of {len(wrong)} routes than is listed: "
                             + ", ".join(f"{dst} {subscriber.legs.get(Key('default', dst))} instead of "
                                         f"{told.get(Key('default', dst))}" for dst in wrong[:5]))

    def verify_spaces(self) -> None:
        parts: dict[str, State] = {space.name: {} for space in self.spaces}
        networks = {space.network: space.name for space in self.spaces}
        for key, row in without_default(self.found).items():
            kind, _, names = key.dst.partition(" ")
            network = ".".join(key.dst.split(".")[:2]) + "."
            name = networks.get(network, "") if key.namespace == "default" else key.namespace
            if kind in ("link", "neigh", "carrier", "device"):
                name = f"w{names.split(' ')[0][3:]}"
            check(name in parts, f"{key} is there, which no one wrote")
            parts[name][key] = row
        for space in self.spaces:
            space.resolve(parts[space.name])

    def last_start(self) -> None:
        """After the last kill all is verified once more; and a server that was stopped in order has it too."""
        for _ in range(2):
            self.life += 1
            with Server(self.binary, self.directory, self.environment) as server:
                server.await_listening()
                following = [Following(subscriber, server, self.fail) for subscriber in self.subscribers]
                for each in following:
                    each.start()
                self.verify(server)
                server.stop()
                for each in following:
                    each.join(PATIENCE)
                self.raise_failures()

    def summary(self) -> str:
        happened, vanished = (sum(getattr(space, name) for space in self.spaces) for name in ("happened", "vanished"))
        changes, syncs = (sum(getattr(each, name) for each in self.subscribers) for name in ("changes", "syncs"))
        return (f"{self.in_recovery} in recovery, {self.soon} just after; {self.acknowledged} writes acknowledged, "
                f"of {happened + vanished} uncertain ones {happened} were there; {len(self.subscribers)} subscribers "
                f"saw {changes} changes and {syncs} syncs; {len(self.found)} entries, number {self.numbers.highest}"
                f"{self.driver.summary() if self.driver else ''}")


def run(binary: pathlib.Path, kills: int, seed: int, drives: bool = True, objects: bool = True) -> tuple[bool, str]:
    """Whether all promises were kept, and a line that says so or what was wrong. Without `drives` there is no driver."""
    began = time.monotonic()
    place = pathlib.Path(tempfile.mkdtemp(prefix="fibd-kill-"))
    life = Run(binary, place, seed, drives=drives, objects=objects)
    try:
        for _ in range(kills):
            life.kill_once()
        life.last_start()
    except Violation as violation:
        return False, (f"kill: FAILED with seed {seed} at start {life.life} of {kills} kills: {violation}\n"
                       f"kill: the data directory is kept: {place}")
    except BaseException:
        print(f"kill: the data directory is kept: {place}", file=sys.stderr)
        raise
    shutil.rmtree(place)
    return True, f"kill: ok, {kills} kills, {life.summary()}; seed {seed}, {time.monotonic() - began:.0f} s"


def main() -> int:
    parser = argparse.ArgumentParser(description=(__doc__ or "").split("\n")[0])
    parser.add_argument("--kills", type=int, default=200, metavar="N")
    parser.add_argument("--seed", type=int, default=None, metavar="S", help="what lots to draw; default: the time")
    parser.add_argument("--binary", type=pathlib.Path, default=BINARY, metavar="PATH")
    options = parser.parse_args()
    seed = int(time.time()) if options.seed is None else options.seed
    holds, line = run(options.binary.resolve(), options.kills, seed)
    print(line, file=sys.stdout if holds else sys.stderr)
    return 0 if holds else 1


if __name__ == "__main__":
    sys.exit(main())
