"""examples/driver.py programs the first route of each prefix and says so, whoever is killed meanwhile; and what streams
tell of hardware adds up to what the server says it does.
"""
import signal
import subprocess
import sys
import tempfile
import threading
import time
import unittest
import urllib.parse

from support import ROOT, Client, Server
from test_verify import Writer, row
import verify


def until(message, holds, seconds=10):
    """Waits for it. The message is asked for if it doesn't come."""
    end = time.monotonic() + seconds
    while not holds():
        if time.monotonic() > end:
            raise AssertionError(f"not within {seconds} s: {message()}")
        time.sleep(0.01)


class Driver:
    """examples/driver.py, of which a registration is left for a second after it was killed."""

    def __init__(self, server, *options):
        command = [sys.executable, str(ROOT / "examples/driver.py"), server.url, "--lease", "1", *map(str, options)]
        self.process = subprocess.Popen(command, stdout=subprocess.DEVNULL, stderr=subprocess.PIPE, text=True)

    def __enter__(self):
        return self

    def __exit__(self, *_):
        status = self.process.poll()
        self.process.kill()
        _, complaints = self.process.communicate()
        if status not in (None, 0, -signal.SIGKILL):
            raise AssertionError(f"driver.py ended with {status}: {complaints}")

    def end(self, number):
        """Ends it by that signal."""
        self.process.send_signal(number)
        self.process.wait(10)


class Watcher(verify.Mirror):
    """Follows in a thread and checks what verify.py checks. If it is to, it cuts its connection again and again."""

    def __init__(self, server, query="", cuts_after=lambda number, event: False):
        super().__init__()
        self.cuts_after = cuts_after
        self.url = urllib.parse.urlsplit(f"{server.url}/v1/events?heartbeat=1&{query}")
        self.generations, self.modes = [], []  # of all devices, as they were told; of hellos
        self.error, self.ends = None, False
        self.thread = threading.Thread(target=self.run, daemon=True)

    def take(self, event, cursor, data):
        super().take(event, cursor, data)
        if event == "hello":
            self.modes.append(data["mode"])
        if event == "device":
            self.generations.append(data["entry"]["generation"])

    def run(self):
        try:
            while not self.ends:
                try:
                    self.follow()
                except (OSError, verify.Cut, verify.http.client.HTTPException):
                    pass
                time.sleep(0.05)
        except BaseException as error:  # told by the test's thread
            self.error = error

    def follow(self):
        self.stage = "start"
        connection, response = verify.connect(self.url, self.cursor, 5)
        try:
            for number, frame in enumerate(verify.frames(response), 1):
                self.take(*frame)
                if self.ends or self.cursor and self.cuts_after(number, frame[0]):
                    return
        finally:
            connection.close()

    def until(self, what, holds):
        until(lambda: what, lambda: self.error or holds())
        if self.error:
            raise self.error

    def __enter__(self):
        self.thread.start()
        self.until("a first sync", lambda: self.syncs)
        return self

    def __exit__(self, *_):
        self.ends = True
        self.thread.join(10)
        if self.error:
            raise self.error

    def compare(self, client):
        """Waits for a sync at which what hardware makes of the routes now has been compared."""
        now = client.dump()["seq"]
        self.until("a sync with hw_digest", lambda: self.last["seq"] >= now and "hw_digest" in self.last)


class DriverTests(unittest.TestCase):
    def setUp(self):
        self.server = self.enterContext(Server())
        self.client = self.enterContext(Client(self.server))

    def add(self, *rows):
        self.client.call("POST", "/v1/routes", list(rows))

    def replace(self, row):
        self.client.call("PUT", f"/v1/routes/{row['dst']}", row)

    def delete(self, path):
        self.client.call("DELETE", f"/v1/routes/{path}")

    def listener(self):
        return self.client.call("GET", "/v1/listeners/asic1")[1]

    def route(self, dst):
        return self.client.call("GET", f"/v1/routes/{dst}")[1]

    def driver(self, *options):
        return self.enterContext(Driver(self.server, *options))

    def states(self):
        """What hardware makes of each route, by prefix, and by metric where there is one."""
        _, rows = self.client.call("GET", "/v1/routes")
        return {f"{row['dst']} {row['metric'] or ''}".rstrip(): row.get("hw", {}).get("state", "none") for row in rows}

    def expect(self, states):
        until(lambda: f"{states}; at last it was {self.states()}", lambda: self.states() == states)

    def test_what_is_there_and_what_comes_is_programmed(self):
        self.add(row(0), {"dst": "192.0.2.0/24", "type": "blackhole"})
        self.driver()
        self.expect({"10.0.0.0/24": "offload", "192.0.2.0/24": "trap"})
        self.add(row(1), {"dst": "2001:db8::/32", "gateway": "fe80::1", "dev": "eth0"},
                 {"dst": "2001:db8:1::/48", "type": "unreachable"})
        self.delete("10.0.0.0/24")
        self.replace({"dst": "192.0.2.0/24", "dev": "eth0"})
        self.expect({"10.0.1.0/24": "offload", "192.0.2.0/24": "offload", "2001:db8::/32 1024": "offload",
                     "2001:db8:1::/48 1024": "trap"})
        found = self.route("10.0.1.0/24")
        self.assertEqual((found["flags"], found["hw"]["device"]), (["rt_offload"], "asic1"))
        until(lambda: f"an acknowledgement: {self.listener()}", lambda: self.listener()["acknowledged"] >= found["seq"])

    def test_what_finds_no_room_has_failed_until_there_is_some(self):
        self.add(row(0), row(1))
        self.driver("--capacity", 2)
        self.expect({"10.0.0.0/24": "offload", "10.0.1.0/24": "offload"})
        self.add(row(2))
        full = {"10.0.0.0/24": "offload", "10.0.1.0/24": "offload", "10.0.2.0/24": "failed"}
        self.expect(full)
        found = self.route("10.0.2.0/24")
        self.assertEqual(found["flags"], ["rt_offload_failed"])
        self.assertEqual(found["hw"]["reason"], "no room: the table holds 2 prefixes")
        # What is there needs no more room for being another.
        self.replace(row(1, gateway=9))
        self.replace(row(2, gateway=9))
        self.expect(full)
        self.delete("10.0.0.0/24")
        self.expect({"10.0.1.0/24": "offload", "10.0.2.0/24": "offload"})
        self.add(row(3))
        self.delete("10.0.1.0/24")
        self.replace(row(3, gateway=9))
        self.expect({"10.0.2.0/24": "offload", "10.0.3.0/24": "offload"})

    def test_a_better_route_takes_the_place_of_another_and_gives_it_back(self):
        self.driver()
        self.add(row(0, metric=20))
        self.expect({"10.0.0.0/24 20": "offload"})
        self.add(row(0, gateway=9, metric=10))
        self.expect({"10.0.0.0/24 10": "offload", "10.0.0.0/24 20": "none"})
        self.delete("10.0.0.0/24?metric=10")
        self.expect({"10.0.0.0/24 20": "offload"})

    def test_what_a_killed_driver_said_is_void_when_its_lease_is_over(self):
        self.add(row(0), row(1))
        offloaded = {"10.0.0.0/24": "offload", "10.0.1.0/24": "offload"}
        with Watcher(self.server) as watcher:
            driver = self.driver()
            self.expect(offloaded)
            driver.end(signal.SIGKILL)
            watcher.until("a device without a generation", lambda: watcher.generations[-1] is None)
            self.expect(dict.fromkeys(offloaded, "none"))
            self.driver()
            self.expect(offloaded)
            watcher.compare(self.client)
        first, gone, second = watcher.generations
        self.assertEqual((gone, second > first), (None, True))

    def test_a_driver_that_starts_again_within_its_lease_programs_all_anew(self):
        self.add(row(0), row(1))
        driver = self.driver()
        self.expect({"10.0.0.0/24": "offload", "10.0.1.0/24": "offload"})
        driver.end(signal.SIGKILL)
        self.driver("--capacity", 1)
        self.expect({"10.0.0.0/24": "offload", "10.0.1.0/24": "failed"})

    def test_ctrl_c_ends_it_and_takes_back_what_it_said(self):
        self.add(row(0))
        driver = self.driver("--lease", 3600)
        self.expect({"10.0.0.0/24": "offload"})
        driver.end(signal.SIGINT)
        self.assertEqual(self.states(), {"10.0.0.0/24": "none"})

    def test_without_its_registration_it_registers_again_and_removes_what_is_gone(self):
        self.add(row(0))
        driver = self.driver("--capacity", 1)
        self.expect({"10.0.0.0/24": "offload"})
        # Stopped, so that it learns of all that at once.
        driver.process.send_signal(signal.SIGSTOP)
        self.client.call("DELETE", "/v1/listeners/asic1")
        self.delete("10.0.0.0/24")
        self.add(row(1))
        driver.process.send_signal(signal.SIGCONT)
        self.expect({"10.0.1.0/24": "offload"})

    def test_it_gives_way_to_another_of_its_name(self):
        self.add(row(0))
        first = Driver(self.server)
        self.expect({"10.0.0.0/24": "offload"})
        self.driver("--capacity", 0)
        _, complaint = first.process.communicate(timeout=10)
        self.assertEqual((first.process.returncode, "taken over" in complaint), (1, True), complaint)
        self.expect({"10.0.0.0/24": "failed"})

    def test_after_a_crash_of_the_server_all_is_reported_again(self):
        self.start_server_again(Server.kill)

    def test_after_a_restart_of_the_server_all_is_reported_again(self):
        self.start_server_again(lambda server: server.__exit__())

    def start_server_again(self, end):
        offloaded = {f"10.0.{number}.0/24": "offload" for number in range(20)}
        directory = self.enterContext(tempfile.TemporaryDirectory())
        with Server("--data-dir", directory) as self.server, Client(self.server) as self.client:
            self.driver("--lease", 60)
            self.add(*(row(number) for number in range(20)))
            self.expect(offloaded)
            before = self.listener()
            watchers = [self.enterContext(Watcher(self.server, query)) for query in ("", "view=best")]
            end(self.server)
        with Server("--data-dir", directory, "--listen", self.server.address) as self.server:
            with Client(self.server) as self.client:
                self.expect(offloaded)
                self.add(row(20))
                self.expect(offloaded | {"10.0.20.0/24": "offload"})
                self.assertEqual(self.listener()["id"], before["id"])
                self.assertGreater(self.listener()["generation"], before["generation"])
                for watcher in watchers:
                    watcher.compare(self.client)

    def test_followers_across_a_crash_of_the_server_know_what_is_void(self):
        """Also of routes that the device says nothing of any more: none of them gets a change of its own."""
        directory = self.enterContext(tempfile.TemporaryDirectory())
        with Server("--data-dir", directory) as self.server, Client(self.server) as self.client:
            self.add(row(0))  # before there is a device
            self.client.call("POST", "/v1/listeners", {"name": "asic1", "role": "driver"})
            self.add(row(1, metric=20), row(2))
            first = self.route("10.0.1.0/24")
            report = {"route": first, "version": first["version"], "state": "offload"}
            self.client.call("POST", "/v1/listeners/asic1/hardware", report)
            self.add(row(1, gateway=9, metric=10))  # until this is in hardware, what it has displaced stays there
            self.expect({"10.0.0.0/24": "none", "10.0.1.0/24 10": "pending", "10.0.1.0/24 20": "offload",
                         "10.0.2.0/24": "pending"})
            watchers = [self.enterContext(Watcher(self.server, query)) for query in ("", "view=best")]
            for watcher in watchers:
                watcher.compare(self.client)
            self.server.kill()
        with Server("--data-dir", directory, "--listen", self.server.address) as self.server:
            with Client(self.server) as self.client:
                self.expect(dict.fromkeys(self.states(), "none"))
                self.add(row(3))
                self.assertEqual(self.states()["10.0.3.0/24"], "pending")
                for watcher in watchers:
                    watcher.compare(self.client)
                    self.assertEqual(watcher.modes[-1], "resume")


class DigestTests(unittest.TestCase):
    def test_followers_agree_on_what_hardware_makes_of_routes(self):
        with Server() as server, Client(server) as client:
            def routes():
                return str(client.call("GET", "/v1/routes")[1])

            client.add_hosts("10.9", 200)
            watchers = [self.enterContext(Watcher(server, query, cuts_after))
                        for query in ("", "view=best", "family=inet&within=10.0.0.0/8", "hw_flags=1&protocol=boot")
                        for cuts_after in (lambda number, event: event == "sync", lambda number, event: number > 50)]
            writers = [Writer(server, seed) for seed in range(2)]
            with Driver(server, "--name", "large"), Driver(server, "--name", "small", "--capacity", 220) as small:
                for writer in writers:
                    writer.start()
                until(lambda: "a failure", lambda: "rt_offload_failed" in routes())
                small.end(signal.SIGKILL)
                watchers[0].until("one device less", lambda: None in watchers[0].generations)
                with Driver(server, "--name", "small", "--capacity", 230):
                    for writer in writers:
                        writer.join()
                    self.assertEqual([writer.error for writer in writers], [None] * 2)
                    until(lambda: "an answer for each route", lambda: "'pending'" not in routes())
                    for watcher in watchers:
                        watcher.compare(client)


if __name__ == "__main__":
    unittest.main()
