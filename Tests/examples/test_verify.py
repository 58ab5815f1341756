"""verify.py agrees with a server that is written to, and finds what is wrong with one that lies."""
import http.client
import http.server
import random
import socket
import sys
import threading
import time
import unittest

from support import ROOT, Client, Server, follower, verdict

sys.path.append(str(ROOT / "Tests/examples"))
import verify  # noqa: E402


def row(number, gateway=1, **more):
    return {"dst": f"10.{number >> 8 & 255}.{number & 255}.0/24", "gateway": f"192.0.2.{gateway}", "dev": "eth0"} | more


RULES = ["rule"] * 5  # what a namespace begins with


class Writer(threading.Thread):
    """Changes routes in one namespace in every way there is, from a seed. Writers don't get in each other's way."""

    def __init__(self, server, seed):
        super().__init__()
        self.server, self.random, self.seed, self.error = server, random.Random(seed), seed, None
        self.namespace = f"writer-{seed}"

    def run(self):
        try:
            with Client(self.server) as client:
                self.write(client)
        except BaseException as error:  # told by the test's thread
            self.error = error

    def write(self, client):
        client.call("PUT", f"/v1/namespaces/{self.namespace}")
        here = f"namespace={self.namespace}"
        for step in range(150):
            number = self.random.randrange(64)
            choice = self.random.randrange(10)
            if choice <= 1:
                client.call("POST", f"/v1/routes?{here}", row(number), expect=(201, 409))
            elif choice == 2:
                gateway = self.random.randrange(1, 250)
                client.call("PUT", f"/v1/routes/10.0.{number}.0/24?{here}", row(number, gateway))
            elif choice == 3:
                client.call("DELETE", f"/v1/routes/10.0.{number}.0/24?{here}", expect=(204, 404))
            elif choice == 4:
                append = row(number, self.random.randrange(1, 250), metric=self.random.choice([0, 10]))
                client.call("POST", f"/v1/routes?mode=append&{here}", append, expect=(200, 201, 409))
            elif choice == 5:
                values = [row(self.random.randrange(64), 2, metric=20), row(self.random.randrange(64), 3, metric=30)]
                values.append({"dst": f"2001:db8:{number:x}::/48", "gateway": "fe80::1", "dev": "eth1"})
                operations = [{"op": "replace", "kind": "route", "value": value} for value in values]
                client.call("POST", f"/v1/transactions?{here}", {"operations": operations})
            elif choice == 6:
                lines = [f'{{"dst":"172.16.{n}.0/24","dev":"eth2","metric":{step}}}\n' for n in range(16)]
                client.call("POST", f"/v1/routes?{here}&mode=replace", "".join(lines))
            elif choice == 7:
                link = {"operstate": self.random.choice(["UP", "DOWN"]), "disable_ipv6": self.random.random() < 0.2,
                        "addresses": [f"198.51.100.{self.random.randrange(1, 9)}/24", "2001:db8:ffff::1/64"]}
                client.call("PUT", f"/v1/links/eth{step % 3}?{here}", link)
            elif choice == 8 and step % 3 == 0:
                client.call("DELETE", f"/v1/links/eth{self.random.randrange(3)}?{here}", expect=(204, 404))
            elif choice == 8:
                carrier = {"carrier": self.random.random() < 0.5}
                client.call("PUT", f"/v1/links/eth{step % 2}/carrier?{here}", carrier, expect=(200, 404))
                client.call("PUT", f"/v1/neighbors/eth0/192.0.2.{number + 1}?{here}", {"state": ["STALE"]})
            elif step % 4 == 0:
                client.call("DELETE", f"/v1/routes?within=172.16.0.0/12&{here}")
        if self.seed % 2:
            client.call("DELETE", f"/v1/namespaces/{self.namespace}")


class FollowTests(unittest.TestCase):
    def test_followers_that_join_at_any_time_end_with_the_servers_state(self):
        filters = ["", "family=inet&within=10.0.0.0/8", "view=best"]
        # Followers must know beforehand where to end: what the writers leave short of this is filled up.
        end = 8_000
        with Server() as server, Client(server) as client:
            def join(*options):
                urls = [f"{server.url}/v1/events?heartbeat=1&{query}" for query in filters]
                return [(query, follower(url, "--until-seq", end, *options)) for query, url in zip(filters, urls)]

            client.add_hosts("10.9", 2_000)
            writers = [Writer(server, seed) for seed in range(4)]
            followers = join() + join("--cut-after", 150)
            for writer in writers:
                writer.start()
            followers += join("--cut-after", 700)
            for writer in writers:
                writer.join()
            self.assertEqual([writer.error for writer in writers], [None] * 4)
            rest = end - client.dump()["seq"]
            self.assertGreater(rest, 0, "the writers made more changes than thought")
            client.add_hosts("198.18", rest)
            followers += join()
            expected = {query: client.dump(query) for query in filters}
            self.assertEqual(expected[""]["seq"], end)
            for query, process in followers:
                status, outcome, complaints = verdict(process)
                with self.subTest(filter=query, options=process.args[3:]):
                    self.assertEqual(status, 0, complaints)
                    for name in ("seq", "count", "digest"):
                        self.assertEqual(outcome[name], expected[query][name])
                    self.assertEqual("--cut-after" in process.args, "as --cut-after wishes" in complaints)

    def test_a_server_that_starts_again_is_followed_anew(self):
        with Server() as server, Client(server) as client:
            client.call("POST", "/v1/routes", row(1))
            process = follower(f"{server.url}/v1/events?heartbeat=1", "--seconds", 30, "--syncs", 4)
            address = server.address
            time.sleep(1)
        with Server("--listen", address) as server:
            status, outcome, complaints = verdict(process)
        self.assertEqual((status, outcome["count"]), (0, 6), complaints)
        self.assertIn("the server is going away", complaints)


class DeviceTests(unittest.TestCase):
    def test_what_switches_are_set_to_is_followed_beside_their_restarts(self):
        with Server("--simulated-switch", "asic0") as server, Client(server) as client:
            url = f"{server.url}/v1/events?kinds=all&heartbeat=1"
            with follower(url, "--syncs", 3) as process:
                client.call("PUT", "/v1/devices/asic1", {"capacity": {"ipv4": 1}})
                client.call("PATCH", "/v1/devices/asic0", {"seed": 7})
                client.call("POST", "/v1/devices/asic0/restart")
                client.call("DELETE", "/v1/devices/asic1")
                status, outcome, complaints = verdict(process)
            self.assertEqual((status, outcome["count"]), (0, 7), complaints)


class SlowTests(unittest.TestCase):
    def connect(self, server):
        host, port = server.address.split(":")
        slow = socket.socket()
        slow.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 4096)
        slow.settimeout(30)
        slow.connect((host, int(port)))
        slow.sendall(b"GET /v1/events?heartbeat=1 HTTP/1.1\r\nHost: localhost\r\n\r\n")
        return slow

    def test_a_listener_that_does_not_read_is_told_and_holds_no_one_up(self):
        # A log of 64 KiB, about 300 changes, is soon too short for someone who doesn't read.
        with Server("--log-bytes", "65536") as server, Client(server) as client:
            mirror, events = verify.Mirror(), []
            with self.connect(server) as slow:
                lines = slow.makefile("rb")
                for frame in verify.frames(lines):
                    mirror.take(*frame)
                    if mirror.syncs:
                        break
                client.add_hosts("198.18", 30_000)
                end = client.dump()
                try:
                    for frame in verify.frames(lines):
                        events.append(frame[0])
                        mirror.take(*frame)
                        # The last change may come as one: what it adds up to is said by a sync behind it.
                        if frame[0] == "sync" and mirror.position == end["seq"]:
                            break
                except verify.Cut:  # it was reset so often while it slept that the server gave it up, and said so
                    self.assertEqual(events[-1], "error")
            self.assertIn("reset", events)
            if mirror.position != end["seq"]:
                mirror = verify.Mirror()
                with self.connect(server) as again:
                    for frame in verify.frames(again.makefile("rb")):
                        mirror.take(*frame)
                        if mirror.syncs:
                            break
            self.assertEqual(mirror.last["digest"], end["digest"])


class Liar(http.server.BaseHTTPRequestHandler):
    """Sends one stream, whatever it is asked."""
    stream = ""

    def do_GET(self):
        self.send_response(200)
        self.send_header("Content-Type", "text/event-stream")
        self.end_headers()
        self.wfile.write(self.stream.encode())

    def log_message(self, *_):
        pass


def read_until_sync(response):
    """The lines of a stream up to the end of the next sync."""
    is_sync = False
    for line in map(bytes.decode, response):
        yield line
        if line == "\n" and is_sync:
            return
        is_sync = is_sync and line != "\n" or line == "event: sync\n"


class Recorded(unittest.TestCase):
    """Followers of the recorded stream in `frames`, or of what was made of it."""

    def follow(self, frames, *options):
        handler = type("Handler", (Liar,), {"stream": "".join(frame + "\n\n" for frame in frames)})
        with http.server.ThreadingHTTPServer(("127.0.0.1", 0), handler) as server:
            thread = threading.Thread(target=server.serve_forever)
            thread.start()
            try:
                return verdict(follower(f"http://127.0.0.1:{server.server_port}/v1/events", *options or ("--syncs", 2)))
            finally:
                server.shutdown()
                thread.join()

    def assertNoticed(self, frames, complaint):
        status, _, complaints = self.follow(frames)
        self.assertEqual(status, 1, complaints)
        self.assertIn(complaint, complaints)

    def spoilt(self, index, old, new):
        frames = list(self.frames)
        self.assertIn(old, frames[index])
        frames[index] = frames[index].replace(old, new)
        return frames

    def without(self, index):
        return self.frames[:index] + self.frames[index + 1:]


class LieTests(Recorded):
    """A recorded stream passes; each way to spoil it is noticed and named."""

    @classmethod
    def setUpClass(cls):
        with Server() as server, Client(server) as client:
            client.call("POST", "/v1/routes", row(0))
            stream = http.client.HTTPConnection(server.address, timeout=30)
            stream.request("GET", "/v1/events?heartbeat=1")
            response = stream.getresponse()
            text = "".join(read_until_sync(response))
            client.call("POST", "/v1/routes", row(1))
            client.call("PUT", "/v1/routes/10.0.1.0/24", row(1, gateway=9))
            client.call("POST", "/v1/routes", row(2))
            client.call("DELETE", "/v1/routes/10.0.0.0/24")
            text += "".join(read_until_sync(response))
            response.close()
            stream.close()
        cls.frames = text.strip().split("\n\n")

    def test_the_stream_as_it_was_passes(self):
        names = [frame.split("event: ")[1].split("\n")[0] for frame in self.frames]
        self.assertEqual(names, ["hello", "namespace", *RULES, "route", "sync"] + ["route"] * 4 + ["sync"])
        status, outcome, complaints = self.follow(self.frames)
        self.assertEqual((status, outcome["count"]), (0, 8), complaints)

    def test_a_lost_change_is_noticed_by_the_next_one(self):
        self.assertNoticed(self.without(9), "a change was lost")

    def test_a_lost_last_change_is_noticed_at_the_sync(self):
        self.assertNoticed(self.without(12), "the server holds 8 entries, we 9")

    def test_a_lost_row_is_noticed_at_the_sync(self):
        self.assertNoticed(self.without(7), "the server holds 7 entries, we 6")

    def test_a_repeated_change_is_noticed(self):
        self.assertNoticed(self.frames[:10] + self.frames[9:], "came after")

    def test_another_entry_than_was_hashed_is_noticed(self):
        self.assertNoticed(self.spoilt(9, '"dev":"eth0"', '"dev":"eth7"'), "is not the hash of its entry")

    def test_a_wrong_h_is_noticed(self):
        self.assertNoticed(self.spoilt(11, '"h":"', '"h":"0'), "is not the hash of its entry")

    def test_a_wrong_digest_is_noticed(self):
        self.assertNoticed(self.spoilt(13, '"digest":"', '"digest":"0'), "the digests differ")

    def test_a_gap_of_prev_is_noticed(self):
        self.assertNoticed(self.spoilt(9, '"prev":7', '"prev":8'), "a change was lost")

    def test_a_was_that_never_was_is_noticed(self):
        self.assertNoticed(self.spoilt(10, '"was":"', '"was":"0'), "was not here")

    def test_an_id_of_another_number_is_noticed(self):
        self.assertNoticed(self.spoilt(10, "-9-0", "-10-0"), "is not the id of 9")

    def test_a_stream_without_hello_is_noticed(self):
        self.assertNoticed(self.frames[1:], "not hello")

    def test_a_change_within_the_replay_is_noticed(self):
        self.assertNoticed(self.without(8), "came before the sync that ends the replay")

    def test_what_is_not_json_is_noticed(self):
        self.assertNoticed(self.spoilt(9, '"h"', "h"), "broken promise")

    def test_a_stream_that_never_syncs_is_no_success(self):
        status, _, complaints = self.follow(self.frames[:8], "--seconds", "1")
        self.assertEqual((status, "no sync came" in complaints), (3, True), complaints)


class HardwareLieTests(Recorded):
    """The same of what a stream tells of hardware."""

    @classmethod
    def setUpClass(cls):
        with Server() as server, Client(server) as client:
            client.call("POST", "/v1/listeners", {"name": "asic1", "role": "driver"})
            _, route = client.call("POST", "/v1/routes", row(0))
            stream = http.client.HTTPConnection(server.address, timeout=30)
            stream.request("GET", "/v1/events?heartbeat=1")
            response = stream.getresponse()
            text = "".join(read_until_sync(response))
            report = {"route": {"dst": route["dst"]}, "version": route["version"], "state": "offload"}
            client.call("POST", "/v1/listeners/asic1/hardware", report)
            text += "".join(read_until_sync(response))
            client.call("DELETE", "/v1/listeners/asic1")
            client.call("POST", "/v1/routes", row(1))
            text += "".join(read_until_sync(response))
            response.close()
            stream.close()
        cls.frames = text.strip().split("\n\n")

    def test_the_stream_as_it_was_passes(self):
        names = [frame.split("event: ")[1].split("\n")[0] for frame in self.frames]
        self.assertEqual(names, ["hello", "namespace", *RULES, "route", "sync", "route", "sync", "device", "route", "sync"])
        status, outcome, complaints = self.follow(self.frames, "--syncs", 3)
        self.assertEqual((status, outcome["hw_digests"]), (0, 2), complaints)

    def test_another_state_is_noticed(self):
        self.assertNoticed(self.spoilt(9, '"state":"offload"', '"state":"trap"'), "the digests of hardware differ")

    def test_a_wrong_digest_is_noticed(self):
        self.assertNoticed(self.spoilt(10, '"hw_digest":"', '"hw_digest":"0'), "the digests of hardware differ")

    def test_a_lost_change_of_flags_is_noticed(self):
        self.assertNoticed(self.without(9), "the digests of hardware differ")

    def test_a_row_that_says_nothing_of_hardware_though_there_is_a_device_is_noticed(self):
        entry, _, _ = self.frames[7].partition(',"hw":')
        self.assertNoticed(self.frames[:7] + [entry + "}"] + self.frames[8:], "hw None")


if __name__ == "__main__":
    unittest.main()
