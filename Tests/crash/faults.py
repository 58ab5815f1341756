#!/usr/bin/env python3
"""Let each single call that fibd makes to its disk fail, and prove each time that what it had promised is there.

    nice -n 10 Tests/crash/faults.py --binary .build/release/fibd
    nice -n 10 Tests/crash/faults.py --stride 23 --only sync:eio,write:half

For n = 1, 2, 3 … a server is started on an empty directory with a fault at call n of a kind (faults.c has the kinds
and actions), is written to with some 40 requests, and killed; then one without fault must have what the first
acknowledged, under the same numbers, and let the subscriber resume. This ends when a run makes fewer than n calls.

What is expected of the first one: ENOSPC and EROFS refuse writes or make them wait, but do not end it once it listens;
after EIO it may end with status 1, and after a failed sync it must: with nothing acknowledged later, and an error event
on its streams. Whatever fails while it starts may end it with status 1 and a sentence.
"""
import argparse
import concurrent.futures
import os
import pathlib
import shutil
import subprocess
import sys
import tempfile
import threading
import time
from dataclasses import dataclass

from model import Write
from servers import BINARY, PATIENCE, Client, Lost, Server, Violation, check
from world import World, await_ready, has_a_sentence, is_done

HERE = pathlib.Path(__file__).resolve().parent
WRITES = 40
FATAL = ("tear", "cut", "half")
PLANS = [("write", "eio"), ("write", "enospc"), ("write", "erofs"), ("write", "tear"), ("write", "cut"),
         ("write", "half"), ("sync", "eio"), ("sync", "cut"), ("sync", "half"), ("dirsync", "eio"), ("dirsync", "cut"),
         ("truncate", "eio"), ("truncate", "cut")]


def library(directory: pathlib.Path) -> pathlib.Path:
    """Compiles faults.c."""
    built = directory / "faults.so"
    compiler = os.environ.get("CC") or shutil.which("cc") or shutil.which("clang") or "cc"
    command = [compiler, "-std=c11", "-O1", "-Wall", "-Wextra", "-Werror", "-shared", "-fPIC", "-pthread",
               "-o", str(built), str(HERE / "faults.c")]
    result = subprocess.run(command, capture_output=True, text=True, timeout=60)
    if result.returncode:
        raise RuntimeError(f"{' '.join(command)}: {result.stderr}")
    return built


@dataclass(frozen=True)
class Fault:
    kind: str
    action: str
    at: int

    def environment(self, library: pathlib.Path, data: pathlib.Path, report: pathlib.Path) -> dict[str, str]:
        return {"LD_PRELOAD": str(library), "CRASH_FAULT_DIR": str(data), "CRASH_FAULT_REPORT": str(report),
                "CRASH_FAULT_KIND": self.kind, "CRASH_FAULT_ACTION": self.action, "CRASH_FAULT_AT": str(self.at),
                "CRASH_FAULT_SEED": str(self.at)}


class Attempt:
    """One server with a fault, and the one after it."""

    def __init__(self, binary: pathlib.Path, library: pathlib.Path, fault: Fault, place: pathlib.Path):
        self.library, self.fault, self.report = library, fault, place / "report"
        self.world = World(binary, place / "data")
        self.world.data.mkdir()

    def run(self) -> bool:
        """Whether call n was reached."""
        self.life_with_fault()
        self.world.verify_anew()
        return self.has_struck

    @property
    def has_struck(self) -> bool:
        return self.report.exists()

    @property
    def ends_it_now(self) -> bool:
        """After a failed sync no one knows what is on the disk."""
        return (self.fault.kind, self.fault.action) == ("sync", "eio") and self.has_struck

    def life_with_fault(self) -> None:
        world = self.world
        with world.start(self.fault.environment(self.library, world.data, self.report)) as server:
            # What the power takes with it says no word of farewell.
            server.killed = self.fault.action in FATAL
            server.may_fail = True
            if not server.listens_within(PATIENCE):
                check(server.told.is_set(), f"it hangs before it listens; {server.words()}")
                self.expect_end(server)
                return
            following = None
            try:
                with Client(server.address) as client:
                    following = world.follow(server)
                    world.epoch = client.get("/v1").json["epoch"]
                    for _ in range(WRITES):
                        self.write(client, world.draw())
                    end = time.monotonic() + PATIENCE
                    while self.ends_it_now:  # until the connection is lost
                        self.write(client, world.draw())
                        check(time.monotonic() < end, "it goes on after a failed sync")
                    await_ready(client)
            except Lost:
                self.expect_end(server)
            else:
                server.kill()
            if following:
                following.join(PATIENCE)
                check(not following.is_alive(), "the subscriber goes on without a server")
            world.life_is_over()

    def expect_end(self, server: Server) -> None:
        status = server.end()
        check(self.has_struck, f"the server ended with {status} before the fault; {server.words()}")
        if self.fault.action in FATAL:
            check(status == -9, f"the server ended with {status} instead of SIGKILL; {server.words()}")
            return
        check(status == 1, f"the server ended with {status} instead of 1; {server.words()}")
        check(has_a_sentence(server), f"it ended without a sentence; {server.words()}")
        check(not server.address or self.fault.action == "eio", f"{self.fault.action} ended it; {server.words()}")

    def write(self, client: Client, write: Write) -> None:
        """Sends it until it is applied."""
        end = time.monotonic() + PATIENCE
        while True:
            must_fail = self.ends_it_now and not write.is_applied
            answer = self.world.offer(client, write)
            check(not (must_fail and answer.has_succeeded), f"{write.kind} acknowledged after a failed sync: {answer}")
            if is_done(answer) or answer.status == 503 and write in self.world.space.pending and write.is_whole:
                return
            check(self.has_struck, f"refused without a fault: {answer.status} {answer.text[:300]}")
            check(self.fault.action != "enospc" or answer.has_succeeded or answer.json["code"] == "ENOSPC",
                  f"refused with another code than ENOSPC: {answer.text[:300]}")
            check(time.monotonic() < end, f"writing did not resume within {PATIENCE:g} s: {answer.text[:300]}")
            await_ready(client)


def attempt(binary: pathlib.Path, library: pathlib.Path, fault: Fault) -> bool:
    place = pathlib.Path(tempfile.mkdtemp(prefix="fibd-faults-"))
    try:
        is_reached = Attempt(binary, library, fault, place).run()
    except Exception as error:
        what = str(error) if isinstance(error, Violation) else repr(error)
        raise Violation(f"{fault.kind} {fault.action} at call {fault.at}: {what}\n"
                        f"faults: the data directory is kept: {place}") from error
    shutil.rmtree(place)
    return is_reached


def run(binary: pathlib.Path, plans: list[tuple[str, str]] = PLANS, stride: int = 1, jobs: int = 2) -> tuple[bool, str]:
    """Whether all promises were kept, and how many n's were tried, or what was wrong."""
    began = time.monotonic()
    stop = threading.Event()

    def tried(plan: tuple[str, str]) -> str:
        at, count = 1, 0
        while not stop.is_set() and attempt(binary, built, Fault(*plan, at)):
            at, count = at + stride, count + 1
        return f"{plan[0]} {plan[1]} {count}"

    with tempfile.TemporaryDirectory(prefix="fibd-faults-") as directory:
        built = library(pathlib.Path(directory))
        with concurrent.futures.ThreadPoolExecutor(jobs) as pool:
            try:
                counts = list(pool.map(tried, plans))
            except Violation as violation:
                stop.set()
                return False, f"faults: FAILED: {violation}"
    every = "every call" if stride == 1 else f"every {stride}th call"
    return True, f"faults: ok, {every}: {', '.join(counts)}; {time.monotonic() - began:.0f} s"


def main() -> int:
    parser = argparse.ArgumentParser(description=(__doc__ or "").split("\n")[0])
    parser.add_argument("--binary", type=pathlib.Path, default=BINARY, metavar="PATH")
    parser.add_argument("--stride", type=int, default=1, metavar="N", help="let only every Nth call fail")
    parser.add_argument("--only", metavar="KIND:ACTION,…", help="not everything, for example sync:eio,write:half")
    parser.add_argument("--at", type=int, metavar="N", help="only call N, to repeat a failure")
    options = parser.parse_args()
    plans = PLANS
    if options.only:
        plans = [(kind, action) for kind, _, action in (plan.partition(":") for plan in options.only.split(","))]
    if options.at:
        with tempfile.TemporaryDirectory(prefix="fibd-faults-") as directory:
            for plan in plans:
                attempt(options.binary.resolve(), library(pathlib.Path(directory)), Fault(*plan, options.at))
        return 0
    holds, line = run(options.binary.resolve(), plans, options.stride)
    print(line, file=sys.stdout if holds else sys.stderr)
    return 0 if holds else 1


if __name__ == "__main__":
    sys.exit(main())
