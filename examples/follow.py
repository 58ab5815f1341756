#!/usr/bin/env python3
"""Follow a fibd server: keep a copy of its state, prove it right at every sync, resume after a cut.

    examples/follow.py 'http://localhost:8080/v1/events?within=10.0.0.0/8' --syncs 3

Exits 1 if the stream broke a promise.
"""
import argparse
import hashlib
import http.client
import json
import sys
import time
import urllib.parse


def check(holds, message):
    if not holds:
        sys.exit(f"follow.py: broken promise: {message}")


class Mirror:
    """The state as the stream tells it: the hash of every entry, and the number that it has come to."""

    def __init__(self):
        self.held, self.position, self.cursor, self.syncs = set(), 0, "", 0

    def take(self, event, cursor, data):
        if event in ("drain", "error"):
            raise ConnectionError(data["detail"])
        if event == "reset" or data.get("mode") == "replay":
            self.held, self.position = set(), 0
        elif event == "sync":
            digest = sum(int(h, 16) for h in self.held) % 2**128
            check((len(self.held), f"{digest:032x}") == (data["count"], data["digest"]), f"another state at {data}")
            self.position, self.syncs = data["seq"], self.syncs + 1
        elif "op" in data:
            self.change(data)
        if cursor is not None:
            self.cursor = cursor

    def change(self, data):
        if data["op"] != "replay" and "catchup" not in data:
            check(data["prev"] <= self.position < data["seq"], f"{data['seq']} does not follow {self.position}")
            self.position = data["seq"]
        if data["op"] == "restart":  # of a device, which is no entry
            return
        entry = json.dumps(data["entry"], sort_keys=True, separators=(",", ":"), ensure_ascii=False)
        h = hashlib.sha256(entry.encode()).hexdigest()[:32]
        check(h == data.get("h", data.get("was")), f"the hash of {entry} is {h}")
        if "was" in data:
            check(data["was"] in self.held, f"{data['was']} goes and never came")
            self.held.remove(data["was"])
        if "h" in data:
            check(h not in self.held, f"{h} came twice")
            self.held.add(h)


def frames(url, cursor):
    """Server-sent events: name, id (None without one) and data. What has no end is dropped."""
    parts = urllib.parse.urlsplit(url)
    connection = http.client.HTTPConnection(parts.netloc, timeout=60)
    connection.request("GET", f"{parts.path}?{parts.query}", headers={"Last-Event-ID": cursor} if cursor else {})
    frame = {}
    for line in connection.getresponse():
        name, _, value = line.decode().rstrip("\n").partition(":")
        if name:
            frame[name] = value.removeprefix(" ")
        elif "data" in frame:
            yield frame["event"], frame.get("id"), json.loads(frame["data"])
            frame = {}


def main():
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    parser.add_argument("url", nargs="?", default="http://localhost:8080/v1/events")
    parser.add_argument("--syncs", type=int, default=sys.maxsize, help="end after so many")
    options, mirror = parser.parse_args(), Mirror()
    while True:
        try:
            for event, cursor, data in frames(options.url, mirror.cursor):
                mirror.take(event, cursor, data)
                if data.get("op") != "replay":
                    print(event, json.dumps(data), flush=True)
                if mirror.syncs >= options.syncs:
                    return
        except (OSError, http.client.HTTPException) as reason:
            print(f"cut: {reason}; resuming", file=sys.stderr)
        time.sleep(1)


if __name__ == "__main__":
    main()
