#!/usr/bin/env python3
"""The cases of the kernel's tc-testing with 1,000,000 filters: ten writers change the flower filters of one priority at once.

    Tests/tdc/concurrency.py --binary .build/release/fibd

filters/concurrency.json (e41d 6f52 c9da 14be 0c44 ab62 6e8f) and d052 of filters/tests.json, over HTTP: what is a batch file
there is a body of NDJSON here, 100,000 lines each. Single filters aren't deleted in bulk, so that each deletion is a request of its
own on a connection that stays; with --transactions they are steps of one transaction a writer, in the cases where no one deletes
what another one does: a transaction is all or nothing.

After each case (R4-73): what writers were answered; each filter deleted once, all others told ENOENT; which handles are listed, and
with whose addresses; as many actions as filters; what a stream replays and counts. Then the qdisc goes, and nothing is left.

Exit status 0 if all is so, 1 if not, 2 if it is called wrongly.
"""
import argparse
import http.client
import pathlib
import sys
import tempfile
import time
from collections import Counter

from cases import Case, cases
from observer import BINARY, Observer, Server, Violation, check
from writers import BLOCK, Result, together

# In seconds: to begin and to end, with a million filters.
PATIENCE = 60.0


def expect_answers(case: Case, results: list[Result]) -> None:
    refused = [each for result in results for each in result.refused]
    check(not refused, f"{len(refused)} refused: {'; '.join(refused[:3])}")
    deletions: Counter[int] = Counter()
    for batch, result in zip(case.together, results):
        deletions.update(batch.first + place for place, is_deleted in enumerate(result.deleted) if is_deleted)
    twice = [handle for handle, count in deletions.items() if count > 1]
    check(not twice, f"{len(twice)} were deleted by more than one: {twice[:5]}")
    check(deletions.keys() == case.deleted, f"{len(deletions)} were deleted instead of {len(case.deleted)}")
    for name in ("created", "replaced", "missed"):
        found, expected = sum(getattr(result, name) for result in results), getattr(case, name)
        check(found == expected, f"{found} {name} instead of {expected}")


def expect_state(case: Case, observer: Observer) -> None:
    count = len(case.left)
    listed = observer.listed()
    check(listed.keys() == set(case.left), f"{len(listed)} are listed instead of {count}, or others")
    wrong = [handle for handle, mark in listed.items() if mark not in case.marks(handle)]
    check(not wrong, f"{len(wrong)} have the addresses of others: {wrong[:5]}")
    actions = min(count, 1) if case.shares else count
    found = {name: observer.count(path) for name, path in
             (("filter", f"{BLOCK}/filters"), ("action", "/v1/actions/gact"), ("chain", f"{BLOCK}/chains"))}
    expected = {"filter": count, "action": actions, "chain": min(count, 1)}
    check(found == expected, f"{found} instead of {expected}")
    expect_stream(observer, expected)
    if case.shares:
        action = observer.send("GET", "/v1/actions/gact/1")
        check((action["ref"], action["bind"]) == (count, count), f"the action: {action}")


def expect_stream(observer: Observer, expected: dict[str, int]) -> None:
    """It replays and counts that much of each kind."""
    kinds = {kind: count for kind, count in expected.items() if count}
    rows, counts = observer.replayed()
    check({kind: count for kind, count in counts.items() if count} == kinds, f"a stream counts {counts}")
    check(rows == kinds, f"a stream replays {dict(rows)} instead of {kinds}")


def run(case: Case, server: Server, in_transactions: bool) -> str:
    """One case from an empty server to an empty server; a line on it. Throws Violation or RuntimeError."""
    began = time.monotonic()
    observer = Observer(server)
    observer.send("POST", "/v1/links/eth0/qdiscs", '{"kind":"clsact"}')
    for result in together(server.address, case.first):
        check(not result.refused, f"at the start: {result.refused[:3]}")
    results = together(server.address, case.together, in_transactions and not case.races_to_delete)
    expect_answers(case, results)
    expect_state(case, observer)
    removal = time.monotonic()
    observer.send("DELETE", "/v1/links/eth0/qdiscs/clsact")
    removal = time.monotonic() - removal
    expect_stream(observer, {})
    check(observer.count("/v1/actions") == 0, "actions are left without their filters")
    seconds = max(each.ended for each in results) - min(each.began for each in results)
    changes = sum(batch.count for batch in case.together)
    return (f"{case.id}: ok, {case.name}: writers {len(case.together)}, {changes:,} changes in {seconds:.1f} s "
            f"({changes / seconds:,.0f}/s), {len(case.left):,} left and gone in {removal:.1f} s; "
            f"{time.monotonic() - began:.0f} s in all, peak {server.peak_mebibytes:,.0f} MiB")


def run_all(binary: pathlib.Path, chosen: list[Case], is_ephemeral: bool, in_transactions: bool) -> bool:
    holds = True
    for case in chosen:
        try:
            run_alone(binary, case, is_ephemeral, in_transactions)
        except (Violation, RuntimeError, OSError, http.client.HTTPException) as error:
            holds = False
            print(f"{case.id}: FAILED, {case.name}: {error or type(error).__name__}", file=sys.stderr, flush=True)
    return holds


def run_alone(binary: pathlib.Path, case: Case, is_ephemeral: bool, in_transactions: bool) -> None:
    """With a server of its own, whose peak of memory is so the case's."""
    with tempfile.TemporaryDirectory(prefix="fibd-tdc-") as place:
        with Server(binary, None if is_ephemeral else pathlib.Path(place), patience=PATIENCE) as server:
            try:
                server.await_listening()
                Observer(server).send("PUT", "/v1/links/eth0", '{"operstate":"UP"}')
                line = run(case, server, in_transactions)
                server.stop()
            except (Violation, RuntimeError, OSError, http.client.HTTPException) as error:
                raise RuntimeError(f"{error or type(error).__name__}; {server.words()}") from None
            print(line, flush=True)


def main() -> int:
    parser = argparse.ArgumentParser(description=(__doc__ or "").split("\n")[0])
    parser.add_argument("--binary", type=pathlib.Path, default=BINARY, metavar="PATH")
    parser.add_argument("--filters", type=int, default=1_000_000, metavar="N")
    parser.add_argument("--writers", type=int, default=10, metavar="N", help="2 to 100, an even number")
    parser.add_argument("--case", action="append", metavar="ID", help="only this one; may be given again")
    parser.add_argument("--ephemeral", action="store_true", help="without a data directory")
    parser.add_argument("--transactions", action="store_true", help="delete in transactions where no one races to")
    options = parser.parse_args()
    if not 2 <= options.writers <= 100 or options.writers % 2 or options.filters < options.writers:
        parser.error("--writers is even, from 2 to 100, and --filters at least as many")
    if options.transactions and options.filters // options.writers > 100_000:
        parser.error("a transaction has 100,000 steps at most: more --writers, or fewer --filters")
    every = cases(options.filters, options.writers)
    unknown = set(options.case or []) - {case.id for case in every}
    if unknown:
        parser.error(f"no case {', '.join(sorted(unknown))}; there are {', '.join(case.id for case in every)}")
    chosen = [case for case in every if not options.case or case.id in options.case]
    return 0 if run_all(options.binary.resolve(), chosen, options.ephemeral, options.transactions) else 1


if __name__ == "__main__":
    sys.exit(main())
