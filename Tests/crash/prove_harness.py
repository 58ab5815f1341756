#!/usr/bin/env python3
"""The crash tests can fail, and can pass: each defect of standin.py is noticed and named, and without one all is well.

    nice -n 10 python3 -W error Tests/crash/prove_harness.py

Takes minutes, and says nothing of fibd; for changes of the crash tests themselves.
"""
import os
import pathlib
import re
import shutil
import subprocess
import sys
import tempfile
import unittest
from unittest import mock

import disk
import faults
import kill
from servers import STANDIN, Violation

KEPT = re.compile(r"kept: (\S+)")


def forget(text: str) -> str:
    """Removes what a failure left behind; here failures are what is wanted."""
    for place in KEPT.findall(text):
        shutil.rmtree(place, ignore_errors=True)
    return text


class DefectCase(unittest.TestCase):
    def broken(self, defect: str):
        return mock.patch.dict(os.environ, {"STANDIN_DEFECT": defect})


class KillTests(DefectCase):
    def assertNoticed(self, defect: str, *complaints: str, kills: int = 30) -> None:
        """In one of a few runs: most defects show only where a kill falls into the right moment."""
        with self.broken(defect):
            for seed in range(3, 9):
                holds, line = kill.run(STANDIN, kills, seed, drives=False, objects=False)
                if not holds:
                    break
        self.assertFalse(holds, line)
        self.assertRegex(forget(line), "|".join(complaints))

    def test_without_a_defect_all_is_well(self):
        holds, line = kill.run(STANDIN, 30, 1, drives=False, objects=False)
        self.assertTrue(holds, line)

    def test_state_in_memory_only_is_noticed(self):
        self.assertNoticed("forget", "was durable", "another state than is listed")

    def test_an_answer_before_the_commit_is_noticed(self):
        self.assertNoticed("early-ack", "are not there", "neither as before", "was durable", "another state")

    def test_half_a_transaction_is_noticed(self):
        self.assertNoticed("split", "neither as before nor as after", "changes of")

    def test_numbers_that_are_used_again_are_noticed(self):
        self.assertNoticed("reuse", "given twice", "had been given before")

    def test_a_stream_ahead_of_the_disk_is_noticed(self):
        self.assertNoticed("ahead", "holds another state", "was durable", "the server holds")

    def test_a_new_epoch_is_noticed(self):
        self.assertNoticed("epoch", "epoch .* instead of")

    def test_a_change_that_comes_again_is_noticed(self):
        self.assertNoticed("twice", "came after")

    def test_a_change_that_is_left_out_is_noticed(self):
        self.assertNoticed("skip", "a change was lost", "the server holds", "with was", "digests differ")

    def test_a_wrong_digest_is_noticed(self):
        self.assertNoticed("digest", "digests differ", "the server holds")

    def test_a_replay_instead_of_a_resumption_is_noticed(self):
        self.assertNoticed("replay", "was not resumed")

    def test_another_content_is_noticed(self):
        self.assertNoticed("content", "neither as before", "acknowledged writes are not there")

    def test_a_deletion_that_is_forgotten_is_noticed(self):
        self.assertNoticed("resurrect", "neither as before", "are not there", "another state", "the server holds")

    def test_half_a_flush_is_noticed(self):
        self.assertNoticed("half-flush", "neither as before", kills=60)

    def test_another_version_is_noticed(self):
        self.assertNoticed("late-version", "neither as before", "acknowledged writes are not there", "there is version")

    def test_changes_without_their_transaction_are_noticed(self):
        self.assertNoticed("no-tx", "has no tx")

    def test_a_server_that_does_not_get_ready_is_noticed(self):
        with mock.patch("servers.PATIENCE", 1.0):
            self.assertNoticed("hang", "did not listen within 1 s")


class FaultTests(DefectCase):
    def assertNoticed(self, defect: str, plan: tuple[str, str], complaint: str, stride: int = 1) -> None:
        with self.broken(defect):
            holds, line = faults.run(STANDIN, [plan], stride)
        self.assertFalse(holds, line)
        self.assertRegex(forget(line), complaint)

    def test_without_a_defect_all_is_well(self):
        holds, line = faults.run(STANDIN, stride=97)
        self.assertTrue(holds, line)

    def test_going_on_after_a_failed_sync_is_noticed(self):
        self.assertNoticed("ignore-fsync", ("sync", "eio"), "acknowledged after a failed sync|goes on after")

    def test_what_a_cut_of_power_takes_is_noticed(self):
        self.assertNoticed("early-ack", ("sync", "cut"), "was durable|not there|neither as before|another state")

    def test_half_a_transaction_is_noticed(self):
        self.assertNoticed("split", ("sync", "cut"), "neither as before|not there|changes of")


class DiskTests(DefectCase):
    def assertNoticed(self, defect: str, expectation, complaint: str) -> None:
        with self.broken(defect), self.assertRaises(Violation) as caught:
            disk.expect(expectation, STANDIN)
        self.assertRegex(forget(str(caught.exception)), complaint)

    def test_acknowledging_what_there_is_no_room_for_is_noticed(self):
        self.assertNoticed("no-507", disk.no_space_from_any_write_refuses_and_resumes, "no write was refused")

    def test_going_on_after_a_failed_sync_is_noticed(self):
        self.assertNoticed("ignore-fsync", disk.a_failed_sync_ends_the_server_and_acknowledges_nothing_more,
                           "acknowledged after a failed sync")

    def test_a_stop_that_keeps_to_itself_what_is_lost_is_noticed(self):
        self.assertNoticed("silent-stop", disk.a_stop_tells_who_waits_for_a_full_disk_that_it_is_not_written,
                           "it ended with 0")

    def test_a_second_server_is_noticed(self):
        self.assertNoticed("no-lock", disk.a_second_server_names_the_first_and_harms_nothing, "it started|did not end")

    def test_damaged_rows_are_noticed(self):
        self.assertNoticed("no-check", disk.a_flipped_bit_is_told_or_does_no_harm,
                           "it starts|without a sentence")

    def test_a_log_that_is_not_checked_is_noticed(self):
        # SQLite itself takes a damaged frame for the end of its log, and so does the stand-in.
        self.assertNoticed("", disk.a_flipped_bit_in_the_log_loses_the_last_write_at_most, "a state that never was")

    def test_without_a_defect_all_else_is_well(self):
        for expectation in disk.EXPECTATIONS:
            if expectation != disk.a_flipped_bit_in_the_log_loses_the_last_write_at_most:
                with self.subTest(expectation.__name__):
                    try:
                        disk.expect(expectation, STANDIN, flips=20)
                    except disk.Skipped as why:
                        print(f"skipped {expectation.__name__}: {why}", file=sys.stderr)


INSERTS = """
import sqlite3, sys
database = sqlite3.connect(sys.argv[1], isolation_level=None)
database.execute("PRAGMA journal_mode = WAL")
database.execute(f"PRAGMA synchronous = {sys.argv[2]}")
database.execute("CREATE TABLE IF NOT EXISTS t(n)")
for n in range(int(sys.argv[3])):
    database.execute("INSERT INTO t VALUES(?)", [n])
    print(n, flush=True)
print(*database.execute("SELECT count(*) FROM t").fetchone(), *database.execute("PRAGMA integrity_check").fetchone())
"""


class PowerTests(unittest.TestCase):
    """The cut of power, with SQLite alone: it takes what was not synced, and nothing else."""

    def survivors(self, synchronous: str, action: str) -> tuple[int, int]:
        """How many rows were acknowledged, and how many are there after the cut."""
        with tempfile.TemporaryDirectory(prefix="fibd-prove-") as place:
            built, data = faults.library(pathlib.Path(place)), pathlib.Path(place) / "data"
            data.mkdir()
            # The 200th write falls behind some 60 rows.
            fault = faults.Fault("write", action, 200).environment(built, data, pathlib.Path(place) / "report")
            command = [sys.executable, "-c", INSERTS, str(data / "x.db"), synchronous]
            first = subprocess.run([*command, "500"], env=os.environ | fault, stdout=subprocess.PIPE, text=True, timeout=60)
            self.assertEqual(first.returncode, -9)
            then = subprocess.run([*command, "0"], stdout=subprocess.PIPE, text=True, timeout=60)
            count, health = then.stdout.split()
            self.assertEqual(health, "ok")
            return len(first.stdout.split()), int(count)

    def test_synced_commits_survive(self):
        for action in ("cut", "half", "tear"):
            with self.subTest(action):
                acknowledged, there = self.survivors("FULL", action)
                self.assertGreater(acknowledged, 20)
                self.assertGreaterEqual(there, acknowledged)

    def test_commits_that_were_not_synced_are_lost(self):
        for action in ("cut", "half"):
            with self.subTest(action):
                acknowledged, there = self.survivors("OFF", action)
                self.assertLess(there, acknowledged)


if __name__ == "__main__":
    unittest.main()
