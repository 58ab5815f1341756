"""examples/follow.py follows a server to the end that was asked for, resumes after a cut, and notices a lie."""
import http.server
import subprocess
import sys
import threading
import unittest

from support import ROOT, Client, Server
from test_verify import read_until_sync, row


def run(url, syncs):
    return subprocess.run(
        [sys.executable, str(ROOT / "examples/follow.py"), url, "--syncs", str(syncs)],
        capture_output=True, text=True, timeout=60)


class Recording:
    """Serves pieces of a stream, one a connection, and keeps what Last-Event-ID came with each."""

    def __init__(self, pieces):
        cursors = self.cursors = []

        class Handler(http.server.BaseHTTPRequestHandler):
            def do_GET(self):
                cursors.append(self.headers["Last-Event-ID"])
                self.send_response(200)
                self.end_headers()
                self.wfile.write(pieces[min(len(cursors), len(pieces)) - 1].encode())

            def log_message(self, *_):
                pass

        self.server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self.thread = threading.Thread(target=self.server.serve_forever)

    def __enter__(self):
        self.thread.start()
        self.url = f"http://127.0.0.1:{self.server.server_port}/v1/events"
        return self

    def __exit__(self, *_):
        self.server.shutdown()
        self.thread.join()
        self.server.server_close()


class FollowTests(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        with Server() as server, Client(server) as client:
            for number in range(3):
                client.call("POST", "/v1/routes", row(number))
            begin = client.connection.__class__(server.address, timeout=30)
            begin.request("GET", "/v1/events?heartbeat=1")
            response = begin.getresponse()
            cls.replay = "".join(read_until_sync(response))
            client.call("PUT", "/v1/routes/10.0.1.0/24", row(1, gateway=9))
            client.call("DELETE", "/v1/routes/10.0.0.0/24")
            cls.changes = "".join(read_until_sync(response))
            response.close()
            begin.close()

    def test_a_real_server_is_followed(self):
        with Server() as server, Client(server) as client:
            client.call("POST", "/v1/routes", [row(number) for number in range(200)])
            result = run(f"{server.url}/v1/events?heartbeat=1", 3)
            self.assertEqual((result.returncode, result.stderr), (0, ""))
            self.assertEqual(result.stdout.count("sync "), 3)

    def test_devices_may_come_and_go_meanwhile(self):
        with Server() as server, Client(server) as client:
            _, route = client.call("POST", "/v1/routes", row(0))
            with subprocess.Popen(
                    [sys.executable, str(ROOT / "examples/follow.py"), f"{server.url}/v1/events?heartbeat=1",
                     "--syncs", "2"], stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True) as process:
                while not process.stdout.readline().startswith("sync "):
                    self.assertIsNone(process.poll())
                client.call("POST", "/v1/listeners", {"name": "asic1", "role": "driver"})
                report = {"route": {"dst": route["dst"]}, "version": route["version"], "state": "offload"}
                client.call("POST", "/v1/listeners/asic1/hardware", report)
                client.call("DELETE", "/v1/listeners/asic1")
                out, err = process.communicate(timeout=60)
            self.assertEqual((process.returncode, err), (0, ""))
            self.assertEqual([line.split()[0] for line in out.splitlines()], ["device", "route", "device", "sync"])

    def test_after_a_cut_it_resumes_where_it_was(self):
        with Recording([self.replay, "event: hello\ndata: {\"mode\":\"resume\"}\n\n" + self.changes]) as server:
            result = run(server.url, 2)
            self.assertEqual(result.returncode, 0, result.stderr)
            cursor = self.replay.split("\nid: ")[-1].split("\n")[0]
            self.assertEqual(server.cursors, [None, cursor])

    def assertNoticed(self, stream, complaint):
        with Recording([stream]) as server:
            result = run(server.url, 2)
            self.assertEqual(result.returncode, 1)
            self.assertIn(complaint, result.stderr)

    def test_a_lost_change_is_noticed(self):
        first, rest = self.changes.split("\n\n", 1)
        self.assertIn('"op":"replace"', first)
        self.assertNoticed(self.replay + rest, "does not follow")

    def test_another_entry_is_noticed(self):
        self.assertNoticed(self.replay.replace("192.0.2.1", "192.0.2.2", 1) + self.changes, "the hash of")

    def test_another_digest_is_noticed(self):
        start = self.replay.index('"digest":"') + len('"digest":"')
        digit = "0" if self.replay[start] != "0" else "1"
        self.assertNoticed(self.replay[:start] + digit + self.replay[start + 1:] + self.changes, "another state")


if __name__ == "__main__":
    unittest.main()
