#!/usr/bin/env python3
"""What fibd does with a disk that is full, read-only or broken, and with a directory that isn't as it left it.

    nice -n 10 Tests/crash/disk.py --binary .build/release/fibd
    nice -n 10 Tests/crash/disk.py --seed 7 --flips 200 a_flipped_bit

Each function below is one expectation and is called what is expected; arguments choose those whose names begin so.
Those that mount a small tmpfs need root, and are skipped without. Exit status 1 if one fails; its directory is kept.
"""
import argparse
import pathlib
import random
import shutil
import signal
import sqlite3
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from dataclasses import dataclass

from faults import library
from model import Write
from servers import BINARY, PATIENCE, Client, Lost, Server, Violation, check
from state import State, listed, without_default
from world import World, await_ready, ended_with_a_sentence, has_a_sentence

DATABASE = "fibd.db"
TMPFS_BYTES = 8 << 20


class Skipped(Exception):
    """It can't be tried here."""


@dataclass
class Place:
    """Where a test may write, and what it is tried with."""

    binary: pathlib.Path
    library: pathlib.Path
    directory: pathlib.Path
    seed: int
    flips: int

    @property
    def data(self) -> pathlib.Path:
        return self.directory / "data"

    @property
    def switch(self) -> pathlib.Path:
        return self.directory / "switch"

    def world(self) -> World:
        return World(self.binary, self.data, self.seed)

    def faulty(self, kind: str, action: str) -> dict[str, str]:
        """A disk that fails as long as the switch is there."""
        self.data.mkdir(exist_ok=True)
        return {"LD_PRELOAD": str(self.library), "CRASH_FAULT_DIR": str(self.data), "CRASH_FAULT_KIND": kind,
                "CRASH_FAULT_ACTION": action, "CRASH_FAULT_AT": "1", "CRASH_FAULT_SWITCH": str(self.switch)}

    @contextmanager
    def small_disk(self) -> Iterator[pathlib.Path]:
        """A tmpfs with the data directory in it."""
        disk = self.directory / "disk"
        disk.mkdir()
        mount(f"size={TMPFS_BYTES}", disk)
        try:
            yield disk
        finally:
            subprocess.run(["umount", "--lazy", str(disk)], check=True, timeout=PATIENCE)
            disk.rmdir()


def mount(options: str, disk: pathlib.Path) -> None:
    command = ["mount", "-t", "tmpfs", "-o", options, "fibd-crash", str(disk)]
    result = subprocess.run(command, capture_output=True, text=True, timeout=PATIENCE)
    if result.returncode:
        raise Skipped(f"a tmpfs can't be mounted here: {result.stderr.strip()}")


def fill(disk: pathlib.Path) -> pathlib.Path:
    """Leaves not a byte."""
    ballast = disk / "ballast"
    with ballast.open("ab", buffering=0) as file:
        for size in (1 << 16, 1 << 12, 1):
            try:
                while file.write(b"x" * size):
                    pass
            except OSError:
                pass
    return ballast


def await_status(client: Client, path: str, status: int) -> str:
    """The text that comes with it. A poll, since the server can't say when it will."""
    end = time.monotonic() + PATIENCE
    while (answer := client.get_any(path)).status != status:
        check(time.monotonic() < end, f"{path} is still {answer.status} after {PATIENCE:g} s, not {status}")
        time.sleep(0.02)
    return answer.text


def array(world: World) -> Write:
    write = world.lots.array(world.space.current())
    world.sizes[write.gateway] = len(write.changes)
    return write


def written(place: Place, count: int = 30, in_order: bool = True) -> World:
    """A directory that was written to, and its server stopped in order, or killed."""
    world = place.world()
    with world.start() as server:
        server.await_listening()
        following = world.follow(server)
        with Client(server.address) as client:
            world.epoch = client.get("/v1").json["epoch"]
            world.write_some(client, count)
            while world.space.pending:  # the last ones asked for no more than ack=applied
                world.write_some(client, 1)
        (server.stop if in_order else server.kill)()
        following.join(PATIENCE)
        world.life_is_over()
    return world


def holds_out(world: World, server: Server, client: Client, break_it: Callable[[], object], mend: Callable[[], object],
              code: str) -> None:
    """A disk that takes no writes: they are refused, all else goes on, and writing resumes by itself."""
    world.epoch = client.get("/v1").json["epoch"]
    world.write_some(client, 10)
    break_it()
    statuses = []
    for _ in range(2_000):  # what is there already may be overwritten for a while
        statuses.append(world.offer(client, array(world)).status)
        if statuses[-1] == 507:
            break
    check(statuses[-1] == 507, f"no write was refused, but answered {sorted(set(statuses))}")
    check(set(statuses) <= {200, 503, 507}, f"writes were answered {sorted(set(statuses))}")
    problem = client.send(array(world).request)
    check(problem.status == 507 and problem.json["code"] == code, f"{problem.status} {problem.text[:200]}")
    check(problem.headers.get("Content-Type") == "application/problem+json", f"the 507 is {problem.headers}")
    why = await_status(client, "/readyz", 503)
    check(len(why.strip()) > 10, f"/readyz does not say why: {why!r}")
    syncs = world.subscriber.syncs
    state, _ = listed(client)
    current = world.space.current()
    check({key: row.h for key, row in state.items() if world.space.owns(key)} ==
          {key: row.h for key, row in current.items()}, "what is listed is not what was applied")
    end = time.monotonic() + PATIENCE
    while world.subscriber.syncs < syncs + 2:
        check(time.monotonic() < end and not server.has_ended, "streams have no heartbeat meanwhile")
        world.raise_failures()
        time.sleep(0.05)
    mend()
    await_ready(client)
    unknown = [write for write in world.space.pending if write.seq]
    world.write_some(client, 5)
    end = time.monotonic() + PATIENCE
    while unknown and world.subscriber.position < unknown[-1].seq:
        check(time.monotonic() < end, f"{unknown[-1].seq}, answered with 503, has not become durable")
        time.sleep(0.02)


def a_full_disk_refuses_writes_and_writing_resumes_when_there_is_room(place: Place) -> None:
    with place.small_disk() as disk:
        world = World(place.binary, disk / "data", place.seed)
        with world.start() as server:
            server.await_listening()
            following = world.follow(server)
            with Client(server.address) as client:
                holds_out(world, server, client, lambda: fill(disk), lambda: (disk / "ballast").unlink(), "ENOSPC")
            server.kill()
            following.join(PATIENCE)
            world.life_is_over()
        world.verify_anew()


def a_disk_that_is_full_at_the_start_loses_nothing(place: Place) -> None:
    with place.small_disk() as disk:
        place.directory = disk
        world = written(place)
        ballast = fill(disk)
        with world.start() as server:
            if server.listens_within(PATIENCE):
                server.kill()
            else:
                ended_with_a_sentence(server)
        ballast.unlink()
        world.verify_anew()


def no_space_from_any_write_refuses_and_resumes(place: Place) -> None:
    through_the_switch(place, "enospc", "ENOSPC")


def a_disk_that_turns_read_only_refuses_and_resumes(place: Place) -> None:
    # Only a failure makes a file system read-only while a file on it is open for writing; remounting it is refused.
    through_the_switch(place, "erofs", "")


def through_the_switch(place: Place, action: str, code: str) -> None:
    world = place.world()
    with world.start(place.faulty("write", action)) as server:
        server.await_listening()
        following = world.follow(server)
        with Client(server.address) as client:
            if not code:
                code = code_of_refusal(place, world, client)
            holds_out(world, server, client, place.switch.touch, place.switch.unlink, code)
        server.kill()
        following.join(PATIENCE)
        world.life_is_over()
    world.verify_anew()


def code_of_refusal(place: Place, world: World, client: Client) -> str:
    """The interface promises no certain code for a disk that is read-only; but it is always the same."""
    place.switch.touch()
    for _ in range(100):
        answer = world.offer(client, array(world))
        if answer.status == 507:
            break
    place.switch.unlink()
    await_ready(client)
    return str(answer.json["code"])


def a_read_only_file_system_at_the_start_is_told_and_loses_nothing(place: Place) -> None:
    with place.small_disk() as disk:
        place.directory = disk
        world = written(place)
        mount("remount,ro", disk)
        with world.start() as server:
            ended_with_a_sentence(server)
        mount("remount,rw", disk)
        world.verify_anew()


def a_stop_tells_who_waits_for_a_full_disk_that_it_is_not_written(place: Place) -> None:
    world = place.world()
    with world.start(place.faulty("write", "enospc")) as server:
        server.await_listening()
        following = world.follow(server)
        with Client(server.address) as client, Client(server.address, wait=int(PATIENCE)) as waiting:
            world.epoch = client.get("/v1").json["epoch"]
            world.write_some(client, 5)
            write = array(world)
            with ThreadPoolExecutor(1) as pool:
                place.switch.touch()
                answer = pool.submit(world.offer, waiting, write)
                await_status(client, "/readyz", 503)
                server.process.send_signal(signal.SIGTERM)
                check(answer.result(PATIENCE).json.get("outcome") == "unknown", f"it was told {answer.result()}")
        status = server.end()
        check(status == 1 and has_a_sentence(server), f"it ended with {status}; {server.words()}")
        check(f" to {write.seq}. " in server.log[-1], f"it names other numbers; {server.words()}")
        following.join(PATIENCE)
        check(world.subscriber.ended_with.startswith("drain"), f"the stream ended with '{world.subscriber.ended_with}'")
        world.life_is_over()
    place.switch.unlink()
    world.verify_anew()


def a_failed_sync_ends_the_server_and_acknowledges_nothing_more(place: Place) -> None:
    world = place.world()
    with world.start(place.faulty("sync", "eio")) as server:
        server.await_listening()
        following = world.follow(server)
        check(world.subscriber.synced.wait(PATIENCE), "no sync")
        with Client(server.address) as client:
            world.epoch = client.get("/v1").json["epoch"]
            world.write_some(client, 20)
            place.switch.touch()
            try:
                for _ in range(100):
                    write = array(world)
                    answer = world.offer(client, write)
                    check(write.is_applied or not answer.has_succeeded, f"acknowledged after a failed sync: {answer}")
            except Lost:
                pass
        status = server.end()
        check(status == 1, f"it ended with {status}; {server.words()}")
        following.join(PATIENCE)
        check(world.subscriber.ended_with.startswith("error"), f"the stream ended with '{world.subscriber.ended_with}'")
        world.life_is_over()
    place.switch.unlink()
    world.verify_anew()


def contents(data: pathlib.Path) -> dict[str, bytes]:
    return {path.name: path.read_bytes() for path in sorted(data.iterdir())}


def restore(data: pathlib.Path, files: dict[str, bytes]) -> None:
    for path in data.iterdir():
        path.unlink()
    for name, content in files.items():
        (data / name).write_bytes(content)


def recovers_exactly_or_refuses(world: World, accepted: list[State], what: str) -> bool:
    """Whether it recovered."""
    with world.start() as server:
        if not server.listens_within(PATIENCE):
            check(server.told.is_set(), f"{what}: it hangs before it listens")
            try:
                ended_with_a_sentence(server)
            except Violation as violation:
                raise Violation(f"{what}: {violation}") from None
            return False
        try:
            with Client(server.address) as client:
                found = without_default(listed(client)[0])
        except (Lost, Violation) as error:
            raise Violation(f"{what}: it starts, and then: {error}; {server.words()}") from None
        server.kill()
    check(found in accepted, f"{what}: it starts with {len(found)} entries, a state that never was")
    return True


def exact(world: World) -> State:
    """The state as the server lists it when nothing is wrong, with all versions."""
    with world.start() as server:
        server.await_listening()
        with Client(server.address) as client:
            found = without_default(listed(client)[0])
        server.stop()
    world.space.resolve(found)
    return found


def a_flipped_bit_is_told_or_does_no_harm(place: Place) -> None:
    world = written(place)
    state, files = exact(world), contents(place.data)
    lots = random.Random(place.seed)
    refused = 0
    for number in range(place.flips):
        content = bytearray(files[DATABASE])
        bit = lots.randrange(len(content) * 8)
        content[bit // 8] ^= 1 << bit % 8
        restore(place.data, files | {DATABASE: bytes(content)})
        what = f"bit {bit % 8} of byte {bit // 8} of {len(content)} in {DATABASE}"
        refused += not recovers_exactly_or_refuses(world, [state], what)
    check(place.flips < 20 or refused, f"none of {place.flips} flipped bits was noticed")


def a_flipped_bit_in_the_log_loses_the_last_write_at_most(place: Place) -> None:
    """A last commit that is not as it was written can't be told from one that a crash tore."""
    world = written(place, in_order=False)
    files = contents(place.data)
    log = f"{DATABASE}-wal"
    if not files.get(log):
        raise Skipped(f"the server leaves no {log} behind")
    with world.start() as server:
        server.await_listening()
        with Client(server.address) as client:
            earlier = without_default(listed(client)[0])
            world.write_some(client, 1)
            state = without_default(listed(client)[0])
        server.kill()
    files, lots = contents(place.data), random.Random(place.seed)
    for _ in range(place.flips // 2):
        content = bytearray(files[log])
        bit = lots.randrange(len(content) * 8)
        content[bit // 8] ^= 1 << bit % 8
        restore(place.data, files | {log: bytes(content)})
        what = f"bit {bit % 8} of byte {bit // 8} of {len(content)} in {log}"
        recovers_exactly_or_refuses(world, [state, earlier], what)


def a_truncated_database_is_refused(place: Place) -> None:
    world = written(place)
    state, files = exact(world), contents(place.data)
    whole = files[DATABASE]
    for length in (50, 512, 4096, len(whole) // 2, len(whole) // 2 // 4096 * 4096, len(whole) - 4096, len(whole) - 1):
        restore(place.data, files | {DATABASE: whole[:length]})
        what = f"{DATABASE} with {length} of {len(whole)} bytes"
        is_recovered = recovers_exactly_or_refuses(world, [state], what)
        # SQLite rounds sizes up to pages, and the last byte of the last one may be unused.
        check(not is_recovered or length == len(whole) - 1, f"{what} was taken for whole")
    restore(place.data, files)
    world.verify_anew()


def is_refused_and_left_alone(place: Place, words: tuple[str, ...]) -> None:
    world, before = place.world(), (place.data / DATABASE).read_bytes()
    with world.start() as server:
        sentence = ended_with_a_sentence(server)
    check(DATABASE in sentence or str(place.data) in sentence, f"the sentence names no file: {sentence}")
    check(any(word in sentence for word in words), f"the sentence has none of {words}: {sentence}")
    check((place.data / DATABASE).read_bytes() == before, "the file was changed")


def a_text_file_is_refused_and_left_alone(place: Place) -> None:
    place.data.mkdir()
    (place.data / DATABASE).write_text("Not a database, but the only copy of a letter.\n" * 200)
    is_refused_and_left_alone(place, ("not a", "isn't", "no database"))


def a_foreign_database_is_refused_and_left_alone(place: Place) -> None:
    place.data.mkdir()
    with_sqlite(place.data / DATABASE, "CREATE TABLE letters(text); INSERT INTO letters VALUES('dear')")
    is_refused_and_left_alone(place, ("not a", "isn't", "no database", "another"))


def a_database_of_a_newer_version_is_refused_and_left_alone(place: Place) -> None:
    written(place)
    with_sqlite(place.data / DATABASE, "PRAGMA user_version = 1000000")
    is_refused_and_left_alone(place, ("newer", "version"))


def with_sqlite(path: pathlib.Path, script: str) -> None:
    database = sqlite3.connect(path)
    database.executescript(script)
    database.close()


def a_second_server_names_the_first_and_harms_nothing(place: Place) -> None:
    world = place.world()
    with world.start() as server:
        server.await_listening()
        following = world.follow(server)
        with Client(server.address) as client:
            world.epoch = client.get("/v1").json["epoch"]
            world.write_some(client, 5)
            with Server(place.binary, place.data) as second:
                sentence = ended_with_a_sentence(second)
            check(str(server.process.pid) in sentence, f"process {server.process.pid} is not named: {sentence}")
            world.write_some(client, 5)
        server.kill()
        following.join(PATIENCE)
        world.life_is_over()
    world.verify_anew()


def a_lock_that_a_killed_server_left_is_no_hindrance(place: Place) -> None:
    world = written(place, count=5, in_order=False)
    world.verify_anew()


EXPECTATIONS: list[Callable[[Place], None]] = [
    a_full_disk_refuses_writes_and_writing_resumes_when_there_is_room,
    a_disk_that_is_full_at_the_start_loses_nothing,
    no_space_from_any_write_refuses_and_resumes,
    a_disk_that_turns_read_only_refuses_and_resumes,
    a_read_only_file_system_at_the_start_is_told_and_loses_nothing,
    a_stop_tells_who_waits_for_a_full_disk_that_it_is_not_written,
    a_failed_sync_ends_the_server_and_acknowledges_nothing_more,
    a_flipped_bit_is_told_or_does_no_harm,
    a_flipped_bit_in_the_log_loses_the_last_write_at_most,
    a_truncated_database_is_refused,
    a_text_file_is_refused_and_left_alone,
    a_foreign_database_is_refused_and_left_alone,
    a_database_of_a_newer_version_is_refused_and_left_alone,
    a_second_server_names_the_first_and_harms_nothing,
    a_lock_that_a_killed_server_left_is_no_hindrance,
]


def expect(expectation: Callable[[Place], None], binary: pathlib.Path, seed: int = 1, flips: int = 60) -> None:
    """Raises Violation or Skipped."""
    directory = pathlib.Path(tempfile.mkdtemp(prefix="fibd-disk-"))
    try:
        expectation(Place(binary, library(directory), directory, seed, flips))
    except Skipped:
        shutil.rmtree(directory)
        raise
    except Exception as error:
        what = str(error) if isinstance(error, Violation) else repr(error)
        raise Violation(f"{what}; seed {seed}, the directory is kept: {directory}") from error
    shutil.rmtree(directory)


def main() -> int:
    parser = argparse.ArgumentParser(description=(__doc__ or "").split("\n")[0])
    parser.add_argument("names", nargs="*", metavar="NAME", help="only expectations that begin so")
    parser.add_argument("--binary", type=pathlib.Path, default=BINARY, metavar="PATH")
    parser.add_argument("--seed", type=int, default=1, metavar="S")
    parser.add_argument("--flips", type=int, default=60, metavar="N", help="how many bits to flip")
    options = parser.parse_args()
    chosen = [each for each in EXPECTATIONS if each.__name__.startswith(tuple(options.names) or "")]
    if not chosen:
        parser.error(f"no expectation begins with {' or '.join(options.names)}")
    outcomes: list[str] = []
    for expectation in chosen:
        name = expectation.__name__
        try:
            expect(expectation, options.binary.resolve(), options.seed, options.flips)
            outcomes.append("held")
        except Skipped as why:
            outcomes.append("skipped")
            print(f"disk: skipped {name}: {why}")
        except Violation as violation:
            outcomes.append("failed")
            print(f"disk: FAILED {name}: {violation}", file=sys.stderr)
    counts = {outcome: outcomes.count(outcome) for outcome in ("held", "failed", "skipped")}
    print(f"disk: {'ok' if not counts['failed'] else 'FAILED'}, {counts['held']} expectations held, "
          f"{counts['failed']} failed, {counts['skipped']} skipped")
    return 1 if counts["failed"] else 0


if __name__ == "__main__":
    sys.exit(main())
