"""What the example tests share: a server of their own, and a client that speaks to it."""
import http.client
import json
import os
import pathlib
import signal
import subprocess
import sys

# Who is started in the background by a shell ignores Ctrl-C, and all that it starts would too.
if signal.getsignal(signal.SIGINT) is signal.SIG_IGN:
    signal.signal(signal.SIGINT, signal.default_int_handler)

ROOT = pathlib.Path(__file__).resolve().parents[2]
BINARY = pathlib.Path(os.environ.get("FIBD_BINARY", ROOT / ".build/debug/fibd"))
FOLLOW = ROOT / "Tests/examples/verify.py"


class Server:
    """A fibd, on a free port and with nothing in it unless the arguments say otherwise."""

    def __init__(self, *arguments):
        keeps = [] if "--data-dir" in arguments else ["--ephemeral"]
        listen = [] if "--listen" in arguments else ["--listen", "127.0.0.1:0"]
        switch = [] if "--simulated-switch" in arguments else ["--simulated-switch", "none"]
        command = [str(BINARY), *listen, *keeps, *switch, *arguments]
        environment = {k: v for k, v in os.environ.items() if not k.startswith("FIBD_")}
        self.process = subprocess.Popen(command, stderr=subprocess.PIPE, env=environment)
        for line in self.process.stderr:
            entry = json.loads(line)
            if entry["message"] == "listening":
                self.address = entry["address"]
                return
        raise AssertionError(f"{BINARY} ended with {self.process.wait()} before it listened")

    @property
    def url(self):
        return f"http://{self.address}"

    def __enter__(self):
        return self

    def kill(self):
        """Ends it as a crash would."""
        self.process.kill()
        self.process.wait()

    def __exit__(self, *_):
        if self.process.returncode is not None:
            return self.process.stderr.close()
        self.process.terminate()
        try:
            status = self.process.wait(timeout=10)
        except subprocess.TimeoutExpired:
            self.process.kill()
            self.process.wait()
            raise AssertionError("fibd did not stop within 10 seconds of SIGTERM") from None
        finally:
            self.process.stderr.close()
        assert status == 0, f"fibd ended with status {status}"


class Client:
    """One connection to a server."""

    def __init__(self, server):
        self.connection = http.client.HTTPConnection(server.address, timeout=30)

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.connection.close()

    def call(self, method, path, body=None, expect=range(200, 300)):
        """The status, and the body as JSON or text. A list of lines is sent as NDJSON."""
        headers = {"Content-Type": "application/json"} if body is not None else {}
        if isinstance(body, str):
            headers["Content-Type"] = "application/x-ndjson"
        elif body is not None:
            body = json.dumps(body)
        self.connection.request(method, path, body, headers)
        response = self.connection.getresponse()
        text = response.read().decode()
        if response.status not in expect:
            raise AssertionError(f"{method} {path}: {response.status} {text}")
        is_json = response.headers.get_content_type() in ("application/json", "application/problem+json")
        return response.status, json.loads(text) if is_json else text

    def add_hosts(self, network, count):
        """Adds that many routes to single addresses."""
        rows = [f'{{"dst":"{network}.{n >> 8}.{n & 255}","dev":"lo"}}\n' for n in range(count)]
        self.call("POST", "/v1/routes", "".join(rows))

    def dump(self, query=""):
        """The sync of a consistent dump: what the server itself says of the state."""
        _, text = self.call("GET", f"/v1/events?until=sync&{query}")
        sync = text.strip().split("\n\n")[-1]
        assert "event: sync" in sync, sync
        return json.loads(sync.split("data: ", 1)[1])


def follower(url, *options):
    """Starts verify.py, which checks every promise of a stream."""
    return subprocess.Popen(
        [sys.executable, str(FOLLOW), url, "--quiet", *map(str, options)],
        stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)


def verdict(process, timeout=60):
    """Exit status of a follower, what it verified, if it did, and its complaints."""
    try:
        out, err = process.communicate(timeout=timeout)
    except subprocess.TimeoutExpired:
        process.kill()
        out, err = process.communicate()
    last = (out.strip().splitlines() or [""])[-1]
    return process.returncode, json.loads(last.removeprefix("verified ")) if last.startswith("verified") else {}, err
