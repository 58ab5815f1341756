"""examples/advertise.py announces a route only while hardware has said of this very version that it has it."""
import json
import random
import socket
import subprocess
import sys
import tempfile
import threading
import time
import unittest

from support import ROOT, Client, Server
from test_driver import Watcher, until
import verify

sys.path.append(str(ROOT / "examples"))
import advertise  # noqa: E402

PREFIX = ("default", "inet", "main", "10.0.0.0/8")


def entry(dst="10.0.0.0/8"):
    return dict(zip(("namespace", "family", "table", "dst"), PREFIX[:3] + (dst,)))


def hardware(**states):
    """As rows say it."""
    if not states:
        return {}
    worst = max(states, key=lambda name: verify.SEVERITY.index(states[name]))
    several = {"devices": {name: {"state": state} for name, state in states.items()}} if len(states) > 1 else {}
    return {"hw": {"device": worst, "state": states[worst]} | several}


class SpeakerTests(unittest.TestCase):
    def setUp(self):
        self.said, self.seq = [], 100
        self.speaker = advertise.Speaker(self.said.append)
        self.hello("replay", asic0=1, asic1=2)
        self.speaker.take("sync", {"seq": self.seq})

    def hello(self, mode, **devices):
        self.speaker.take("hello", {"mode": mode, "seq": self.seq, "devices": devices})

    def sync(self):
        self.speaker.take("sync", {"seq": self.seq})

    def route(self, op, version, dst="10.0.0.0/8", **states):
        self.seq += 1
        data = {"op": op, "seq": self.seq, "version": version, "entry": entry(dst)}
        self.speaker.take("route", data | ({} if op == "delete" else hardware(**states)))

    def device(self, name, generation):
        self.seq += 1
        self.speaker.take("device", {"op": "restart", "seq": self.seq, "entry": {"name": name, "generation": generation}})

    def expect(self, *said):
        """What it has said since the last time: +version or -, of the one prefix."""
        found = ["-" if "withdraw" in message else f"+{message['version']}" for message in self.said]
        self.assertEqual(found, list(said))
        for message in self.said:
            self.assertEqual((message.get("announce") or message.get("withdraw"), message["seq"]), (PREFIX, self.seq))
        self.said.clear()

    def announce(self, **states):
        self.route("add", 5, **(states or {"asic0": "offload"}))
        self.expect("+5")

    def test_a_route_is_announced_when_hardware_has_it_and_not_before(self):
        self.route("add", 5, asic0="pending")
        self.expect()
        self.route("flags", 5, asic0="trap")
        self.expect("+5")
        self.route("flags", 5, asic0="offload")
        self.expect()

    def test_what_takes_its_place_is_another_route_until_hardware_has_it(self):
        for op, version in (("replace", 6), ("append", 7), ("prepend", 8)):
            with self.subTest(op):
                self.route(op, version - 1, asic0="offload")
                self.said.clear()
                self.route(op, version, asic0="pending")
                self.expect("-")
                self.route("flags", version, asic0="offload")
                self.expect(f"+{version}")
        # The one that is first again was in hardware all the time.
        self.route("replace", 3, asic0="offload")
        self.expect("-", "+3")

    def test_it_is_withdrawn_when_it_fails_goes_or_is_for_no_device_any_more(self):
        for op, states in (("flags", {"asic0": "failed"}), ("flags", {"asic0": "pending"}), ("flags", {}),
                           ("flags", {"asic0": "none"}), ("delete", {})):
            with self.subTest(op, **states):
                self.announce()
                self.route(op, 5, **states)
                self.expect("-")

    def test_a_change_of_status_alone_changes_nothing(self):
        self.announce()
        self.route("status", 5, asic0="offload")
        self.expect()

    def test_all_devices_that_are_to_program_it_must_have_it(self):
        self.route("add", 5, asic0="offload", asic1="pending")
        self.expect()
        self.route("flags", 5, asic0="offload", asic1="trap")
        self.expect("+5")
        self.route("flags", 5, asic0="failed", asic1="trap")
        self.expect("-")
        # One that says that it is not for it is not asked.
        self.route("flags", 5, asic0="offload", asic1="none")
        self.expect("+5")
        # Once it begins anew it may be.
        self.device("asic1", 9)
        self.expect("-")

    def test_a_device_that_begins_anew_has_said_nothing_yet(self):
        self.announce()
        self.device("asic1", 8)
        self.expect()
        self.device("asic0", 9)
        self.expect("-")
        self.route("flags", 5, asic0="offload")
        self.expect("+5")

    def test_of_several_devices_those_count_that_are_left(self):
        self.announce(asic0="offload", asic1="offload")
        self.device("asic1", None)
        self.expect()
        self.device("asic0", None)
        self.expect("-")
        self.route("flags", 5, asic0="pending", asic1="offload")
        self.device("asic0", None)
        self.expect("+5")

    def test_without_a_stream_nothing_is_announced_and_after_a_resume_what_still_holds(self):
        self.announce()
        self.speaker.cut()
        self.expect("-")
        self.hello("resume", asic0=1, asic1=2)
        self.route("flags", 5, asic0="offload")
        self.expect()
        self.sync()
        self.expect("+5")
        self.sync()
        self.expect()

    def test_a_resume_tells_what_was_missed_first(self):
        self.announce()
        self.speaker.cut()
        self.said.clear()
        self.hello("resume", asic0=1, asic1=2)
        self.route("replace", 6, asic0="pending")
        self.sync()
        self.expect()

    def test_a_device_that_went_with_the_server_is_believed_no_more(self):
        self.announce()
        self.speaker.cut()
        self.said.clear()
        self.hello("resume", asic1=2)
        self.sync()
        self.expect()

    def test_a_replay_begins_with_nothing_known(self):
        for begin in (lambda: self.hello("replay", asic0=1), lambda: self.speaker.take("reset", {"reason": "overflow"})):
            self.announce()
            begin()
            self.expect("-")
            self.sync()
            self.expect()

    def test_what_a_replay_tells_counts_from_its_sync_on_with_what_followed_its_rows(self):
        self.speaker.take("reset", {"reason": "overflow"})
        self.route("replay", 5, asic0="offload")
        self.device("asic0", 9)  # as a difference, with catchup
        self.sync()
        self.expect()
        self.route("flags", 5, asic0="offload")
        self.expect("+5")


class Observer(Watcher):
    """Another follower, which checks what verify.py checks, and remembers of each prefix what hardware made of it when."""

    def __init__(self, server):
        super().__init__(server, "kinds=route&view=best")
        self.firsts = {}                          # version and h of each prefix
        self.history = {}                         # by prefix: numbers, and the version in hardware from there on, or None
        self.gaps = []                            # numbers between which a server ended

    def take(self, event, cursor, data):
        if event == "hello" and self.syncs:
            self.gaps.append([self.position, None])
        super().take(event, cursor, data)
        if event == "sync" and self.gaps and self.gaps[-1][1] is None:
            self.gaps[-1][1] = self.position
        if event == "route":
            prefix = tuple(data["entry"][name] for name in ("namespace", "family", "table", "dst"))
            self.firsts[prefix] = (data["version"], data.get("h"))
            self.note(prefix)
        elif event in ("device", "sync", "hello"):
            # When a stream ends, no one knows from the next number on.
            for prefix in self.firsts:
                self.note(prefix, int(event == "hello"))

    def note(self, prefix, later=0):
        version, h = self.firsts[prefix]
        state = verify.worst(self.answers.get(h, {}))
        present = version if self.stage == "live" and state in ("offload", "trap", "offload+trap") else None
        history = self.history.setdefault(prefix, [])
        if not history or history[-1][1] != present:
            history.append((self.position + later, present))

    def is_unknown(self, seq):
        return any(begin < seq <= end for begin, end in self.gaps)

    def at(self, prefix, seq):
        """The version in hardware as of that number."""
        return next((version for begin, version in reversed(self.history.get(prefix, [])) if begin <= seq), None)

    def end(self, prefix, seq):
        """When what was so then ended; None if it still holds."""
        return next((begin for begin, _ in self.history[prefix] if begin > seq), None)


class Announcing:
    """A peer and a speaker as processes, and what the peer was told."""

    def __init__(self, server):
        with socket.socket() as free:
            free.bind(("127.0.0.1", 0))
            self.where = f"127.0.0.1:{free.getsockname()[1]}"
        self.begin_peer()
        self.speaker = self.start(server.url, "--to", self.where)

    def begin_peer(self):
        self.messages, self.table = [], {}
        self.peer = self.start("--peer", self.where)
        self.thread = threading.Thread(target=self.listen, daemon=True)
        self.thread.start()

    def end_peer(self):
        self.peer.kill()
        self.thread.join(10)
        self.peer.communicate()

    def start(self, *options):
        command = [sys.executable, "-W", "error", str(ROOT / "examples/advertise.py"), *options]
        return subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)

    def listen(self):
        for line in self.peer.stdout:
            message = json.loads(line)
            prefix = tuple(message.get("announce") or message["withdraw"])
            self.table[prefix] = message["version"] if "announce" in message else None
            self.messages.append((prefix, message.get("version"), message["seq"]))

    def held(self):
        return {prefix: version for prefix, version in self.table.copy().items() if version}

    def __enter__(self):
        return self

    def __exit__(self, *_):
        ended = [process.poll() for process in (self.speaker, self.peer)]
        complaints = ""
        for process in (self.speaker, self.peer):
            process.kill()
            process.wait()
            self.thread.join(0 if process is self.speaker else 10)
            complaints += process.stderr.read()
            process.stderr.close()
            process.stdout.close()
        if ended != [None, None]:
            raise AssertionError(f"speaker and peer ended with {ended}: {complaints}")


class RunTests(unittest.TestCase):
    FAULTS = {"fail_every": 7, "reorder": True, "stale_every": 5, "duplicate_every": 4}

    def write(self, server, seconds, rng):
        """Writes that meet on few prefixes, and a switch that begins anew, from a seed."""
        with Client(server) as client:
            client.call("PATCH", "/v1/devices/asic0", {"latency_ms": {"max": 5}, "faults": self.FAULTS})
            end = time.monotonic() + seconds
            while time.monotonic() < end:
                dst, choice = f"10.{rng.randrange(12)}.0.0/16", rng.randrange(24)
                row = {"dst": dst, "gateway": f"192.0.2.{rng.randrange(1, 5)}", "dev": "eth0", "metric": rng.randrange(1, 4)}
                if choice < 14:
                    client.call("POST", "/v1/routes?mode=replace", row)
                elif choice < 18:
                    client.call("DELETE", f"/v1/routes/{dst}", expect=(204, 404))
                elif choice < 21:
                    legs = {"dst": f"2001:db8:{rng.randrange(3)}::/48", "gateway": f"fe80::{rng.randrange(1, 5)}", "dev": "eth0"}
                    client.call("POST", "/v1/routes?mode=append", legs, expect=(200, 201, 409))
                    if choice == 20:
                        query = f"gateway=fe80::{rng.randrange(1, 5)}"
                        client.call("DELETE", f"/v1/routes/{legs['dst']}?{query}", expect=(200, 204, 404))
                elif choice == 21:
                    state = {"state": [rng.choice(["FAILED", "REACHABLE"])]}
                    client.call("PUT", f"/v1/neighbors/eth0/192.0.2.{rng.randrange(1, 5)}", state)
                elif choice == 22 and rng.randrange(4) == 0:
                    client.call("POST", "/v1/devices/asic0/restart")
                elif choice == 23 and rng.randrange(4) == 0:
                    method = rng.choice(["PUT", "DELETE"])
                    client.call(method, "/v1/devices/asic1", {} if method == "PUT" else None, expect=(200, 201, 204, 404))

    def settle(self, server, observer, announcing):
        """Without faults all comes to hardware, and is announced."""
        with Client(server) as client:
            for device in client.call("GET", "/v1/devices")[1]:
                client.call("PATCH", f"/v1/devices/{device['name']}", {"faults": None, "latency_ms": None})
                client.call("POST", f"/v1/devices/{device['name']}/restart")

            def firsts():
                rows = client.call("GET", "/v1/routes")[1]
                best = {}
                for row in rows:
                    best.setdefault(tuple(row[name] for name in ("namespace", "family", "table", "dst")), row["version"])
                return best

            until(lambda: f"{firsts()}; the peer holds {announcing.held()}", lambda: firsts() == announcing.held(), 20)
            observer.compare(client)

    def test_every_announcement_was_true_as_long_as_it_held_across_restarts_and_a_crash(self):
        seed = random.randrange(1 << 32)
        rng = random.Random(seed)
        directory = self.enterContext(tempfile.TemporaryDirectory())
        options = ("--data-dir", directory, "--simulated-switch", "asic0")
        with self.subTest(seed=seed):
            with Server(*options) as server, Observer(server) as observer, Announcing(server) as announcing:
                self.write(server, 3, rng)
                server.kill()
                until(lambda: f"the peer holds {announcing.held()}", lambda: not announcing.held())
                with Server(*options, "--listen", server.address) as server:
                    self.write(server, 3, rng)
                    self.settle(server, observer, announcing)
                    self.assertEqual(observer.modes[-1], "resume")
                    last = observer.position
                    messages = list(announcing.messages)
                    observer.ends = True
            self.judge(observer, messages, last)

    def test_a_peer_that_begins_anew_is_told_all(self):
        with Server("--simulated-switch", "asic0") as server, Client(server) as client:
            client.add_hosts("10.9", 50)
            with Announcing(server) as announcing:
                until(lambda: announcing.held(), lambda: len(announcing.held()) == 50)
                announcing.end_peer()
                announcing.begin_peer()
                # Who has nothing to say doesn't learn that no one listens.
                until(lambda: announcing.held(), lambda: client.add_hosts("10.8", 1) or client.call(
                    "DELETE", "/v1/routes?within=10.8.0.0/16") and len(announcing.held()) >= 50)

    def judge(self, observer, messages, last):
        announced, judged = {}, 0
        for prefix, version, seq in messages:
            if prefix in announced:
                former, begin = announced.pop(prefix)
                end = observer.end(prefix, begin)
                if end is not None and not observer.is_unknown(end):
                    self.assertLessEqual(seq, end, f"{prefix} at {former} ended then")
            if version is None or observer.is_unknown(seq) or seq > last:
                continue
            judged += 1
            self.assertEqual(observer.at(prefix, seq), version, f"{prefix} was announced at {seq}")
            announced[prefix] = (version, seq)
        self.assertGreater(judged, 100)


if __name__ == "__main__":
    unittest.main()
