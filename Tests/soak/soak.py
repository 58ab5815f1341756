#!/usr/bin/env python3
"""Soak fibd: thousands of subscribers that come and go beside a writer, for minutes; memory, descriptors and streams must hold.

    Tests/soak/soak.py --binary .build/release/fibd
    Tests/soak/soak.py --seconds 60 --subscribers 500 --rate 500 --switch

2,000 streams of eight filters and two formats follow 1,000 changes a second. 20 of them read slowly; 20 a second are cut and come
back with their cursor, an old one, a foreign one or none. What holds:

* Every stream keeps the rules (follower.c): frames in order, no change missing unless a `reset`, a replay or an end says so, count
  and digest of every sync those of what came. At the end everyone holds what the writer has written.
* Memory doesn't grow: a straight line through the last half of the samples rises by 20 MiB or a twentieth at most.
* When all have left, as many descriptors are open as before they came, 4 more at most, and none is in CLOSE-WAIT; nor was one for
  longer than 5 s before.
* /livez answers within 5 s, and a sync is never later than its heartbeat and 45 s.

The log is small (--log-bytes), so that it is full, and slow ones are told so, long before the last half begins. On a machine where
others compute too, deliveries may fall behind, and streams be told that they did; how far and how many is printed, and no breach.

Exit status 0 if all that holds, 1 if not.
"""
import argparse
import contextlib
import json
import pathlib
import sys
import time
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parent.parent / "crash"))
from servers import BINARY, Client, Lost, Request, Server, Violation, check  # noqa: E402

from progress import Progress  # noqa: E402
from resources import Watch, close_waiting, sample  # noqa: E402
from subscribers import Subscribers  # noqa: E402
from writer import TRANSACTION, Table, Writer  # noqa: E402

LISTENERS = 8
SPARE_DESCRIPTORS = 4
# After how many seconds the subscribers say that a sync is missing (subscribers.c).
PATIENT = 45
# Until all streams have had their replay, and until all hold the last change: seconds.
BEGINNING, ENDING = 300.0, 240.0


@dataclass(frozen=True)
class Options:
    binary: pathlib.Path = BINARY
    seconds: float = 600
    subscribers: int = 2_000
    slow: int = 20
    rate: float = 1_000
    cuts: float = 20
    routes: int = 20_000
    log_bytes: int = 64 << 20
    heartbeat: int = 15
    slow_seconds: float = 90
    every: float = 10
    switch: bool = False
    seed: int = 1


class Soak:
    """One run, from an empty server to an empty server."""

    def __init__(self, options: Options, server: Server):
        self.options, self.server = options, server
        self.table = Table(options.routes, options.seed)
        self.watch = Watch(server.process.pid, server.address)
        self.wrong: list[str] = []

    def run(self) -> None:
        self.prepare()
        before = sample(self.server.process.pid).descriptors
        with Subscribers(self.server.address, **self.subscriber_options()) as subscribers:
            try:
                self.soak(subscribers)
                subscribers.leave()
            finally:
                self.wrong += subscribers.complaints
        self.watch.stop()
        self.wrong += self.watch.verdict()
        self.expect_nothing_left(before)

    def prepare(self) -> None:
        with Client(self.server.address) as client:
            answer = client.send(Request("POST", "/v1/routes", self.table.fill(), is_ndjson=True))
            check(answer.has_succeeded and answer.json["created"] == self.options.routes, f"the table: {answer.text[:300]}")
            for number in range(LISTENERS):
                answer = client.send(Request("POST", "/v1/listeners", json.dumps({"name": f"soak-{number}"})))
                check(answer.status == 201, f"a listener: {answer.status} {answer.text[:300]}")

    def subscriber_options(self) -> dict[str, float]:
        options = self.options
        return {"subscribers": options.subscribers, "slow": options.slow, "listeners": LISTENERS, "cuts": options.cuts,
                "heartbeat": options.heartbeat, "slow_seconds": options.slow_seconds, "transaction": TRANSACTION,
                "interval": options.every}

    def soak(self, subscribers: Subscribers) -> None:
        standing = subscribers.wait_for("standing", BEGINNING)
        print(f"{standing['open']:,} streams stand after {standing['seconds']:.1f} s and {standing['fast']['rows']:,} rows",
              flush=True)
        self.watch.start()
        writer = Writer(self.server.address, self.table, self.options.rate)
        progress = Progress(self.server.process.pid, self.watch, subscribers, writer)
        writer.start()
        while progress.seconds < self.options.seconds and not writer.error and not self.server.has_ended:
            # As often as the subscribers report; late reports are waited for, so that rates are those of whole intervals.
            left = max(0.05, self.options.seconds - progress.seconds)
            with contextlib.suppress(TimeoutError):
                subscribers.wait_for("running", min(1.5 * self.options.every, left))
                print(progress.line(), flush=True)
        writer.stop()
        check(not self.server.has_ended, f"the server ended; {self.server.words()}")
        progress.end()
        # A new connection: the server closes those that were idle for so long.
        with Client(self.server.address) as client:
            subscribers.tell(f"finish {client.get('/v1/routes?limit=1').seq}")
        finished = self.wait_for_all(subscribers, progress)
        print(*progress.summary(finished), sep="\n", flush=True)
        self.expect_state(finished)

    def wait_for_all(self, subscribers: Subscribers, progress: Progress) -> dict[str, Any]:
        """Until everyone holds the last change, or isn't expected to any more."""
        end = time.monotonic() + ENDING
        while time.monotonic() < end:
            with contextlib.suppress(TimeoutError):
                return subscribers.wait_for("finished", 1.5 * self.options.every)
            print(progress.line(), flush=True)
        raise Violation(f"the subscribers came to no end within {ENDING:g} s")

    def expect_state(self, finished: dict[str, Any]) -> None:
        missing = self.options.subscribers - finished["arrived"]
        if missing:
            self.wrong.append(f"{missing} subscribers didn't come to the last change within 180 s")
        expected = self.table.counts()
        for name, held in finished["filters"].items():
            if not missing and held["count"] != expected[name]:
                self.wrong.append(f"at the end streams of {name} hold {held['count']} entries, written were {expected[name]}")
        if finished["violations"]:
            self.wrong.append(f"{finished['violations']} times a stream broke a rule")
        if finished["stalls"]:
            self.wrong.append(f"{finished['stalls']} times a stream had no sync for {PATIENT} s more than its heartbeat")
        slow = finished["slow"]
        if self.options.slow and slow["resets"] + slow["errors"] == 0:
            self.wrong.append("no slow stream was told that it missed something: take more seconds, or fewer --log-bytes")

    def expect_nothing_left(self, before: int) -> None:
        """Waits for it, as a server may take its time to see that many have left."""
        pid, end = self.server.process.pid, time.monotonic() + 15
        while (now := sample(pid).descriptors) > before + SPARE_DESCRIPTORS and time.monotonic() < end:
            time.sleep(0.1)
        left = close_waiting(self.watch.port)
        print(f"descriptors: {before} before the streams, {now} after them; in CLOSE-WAIT: {len(left)}", flush=True)
        if now > before + SPARE_DESCRIPTORS:
            self.wrong.append(f"{now - before} descriptors are left open of {self.options.subscribers} streams")
        if left:
            self.wrong.append(f"{len(left)} connections are left in CLOSE-WAIT: {sorted(left)[:3]}")


@contextlib.contextmanager
def started(options: Options) -> Iterator[Server]:
    environment = {"FIBD_LOG_BYTES": str(options.log_bytes), "FIBD_MAX_CONNECTIONS": str(max(10_000, 2 * options.subscribers))}
    if options.switch:
        environment["FIBD_SIMULATED_SWITCH"] = "asic0"
    with Server(options.binary, None, environment) as server:
        yield server.await_listening()
        server.stop()


def run(options: Options) -> list[str]:
    """What is wrong."""
    soak = None
    try:
        with started(options) as server:
            soak = Soak(options, server)
            soak.run()
    except (Violation, Lost, TimeoutError) as error:
        return [*(soak.wrong if soak else []), str(error)]
    return soak.wrong


def main() -> int:
    parser = argparse.ArgumentParser(description=(__doc__ or "").split("\n")[0])
    defaults = Options()
    parser.add_argument("--binary", type=pathlib.Path, default=BINARY, metavar="PATH")
    for name, value in vars(defaults).items():
        if type(value) in (int, float):
            parser.add_argument(f"--{name.replace('_', '-')}", type=type(value), default=value, metavar="N",
                                help=f"default: {value:,}")
    parser.add_argument("--switch", action="store_true", help="with a simulated switch, whose flags are changes too")
    options = Options(**vars(parser.parse_args()))
    wrong = run(options)
    for line in wrong:
        print(f"BROKEN: {line}", file=sys.stderr)
    print("every rule was kept" if not wrong else f"{len(wrong)} breaches", flush=True)
    return 1 if wrong else 0


if __name__ == "__main__":
    sys.exit(main())
