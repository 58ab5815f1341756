#!/usr/bin/env python3
"""Drive hardware from a fibd server: program the first route of each prefix, and report what became of it.

    examples/driver.py http://localhost:8080 --name asic1 --capacity 900

The hardware is a dict here. Put another class in its place; the rest is what every driver does.
"""
import argparse
import contextlib
import http.client
import itertools
import json
import sys
import time
import urllib.parse


class Hardware:
    def __init__(self, capacity):
        self.table, self.capacity = {}, capacity

    def program(self, prefix, entry):
        """What becomes of its packets, in the words of a report: they are forwarded here, or trapped for the CPU."""
        if prefix not in self.table and len(self.table) >= self.capacity:
            return {"state": "failed", "reason": f"no room: the table holds {self.capacity} prefixes"}
        self.table[prefix] = entry
        forwards = entry["type"] == "unicast" and not entry.keys().isdisjoint({"gateway", "via", "dev", "nexthops"})
        return {"state": "offload" if forwards else "trap"}


class Driver:
    def __init__(self, server, settings, hardware):
        self.server, self.settings, self.hardware = server, settings, hardware
        self.path = f"/v1/listeners/{settings['name']}"
        self.query = None                   # of the stream; None before it is registered
        self.wanted, self.refused = {}, {}  # the row or delta of each prefix, and of those that found no room
        self.owed = {}                      # reports that the server hasn't taken yet
        self.replay = None                  # what has come of a replay, until its sync
        self.generation, self.wait = None, 0.1

    def call(self, method, path, body=None):
        """The answer. FileNotFoundError: the listener is gone. FileExistsError: the name is taken."""
        connection = http.client.HTTPConnection(self.server, timeout=31)  # two heartbeats of a stream
        headers = {"Content-Type": "application/json", "Connection": "close"}
        connection.request(method, path, body and json.dumps(body), headers)
        answer = connection.getresponse()
        if answer.status >= 400:
            kinds = {404: FileNotFoundError, 409: FileExistsError}
            raise kinds.get(answer.status, ConnectionError)(json.load(answer)["detail"])
        return answer

    def register(self):
        try:
            self.call("POST", "/v1/listeners", self.settings)
        except FileExistsError:  # a driver of that name was here, and its lease runs on
            self.call("PATCH", self.path, self.settings)
        # What it had programmed isn't there any more, so the place that it had come to means nothing.
        self.query = "?replay=full"

    def follow(self):
        """Takes what has come by the time that someone looks, as one: a request for each route would be slow."""
        stream, rest = self.call("GET", f"{self.path}/events{self.query}"), b""
        while piece := stream.read1(1 << 18):
            *frames, rest = (rest + piece).split(b"\n\n")
            fields = [dict(line.split(": ", 1) for line in frame.decode().splitlines()) for frame in frames]
            self.take([(frame["event"], json.loads(frame["data"])) for frame in fields])
        raise ConnectionError("the stream ended")

    def take(self, frames):
        changes, position = {}, None
        for event, data in frames:
            if data.get("reason") == "taken-over":
                sys.exit(f"driver.py: {data['detail']}")
            if event in ("drain", "error"):
                raise ConnectionError(data["detail"])
            if event == "hello":
                self.replay = {} if data["mode"] == "replay" else None
                generation = data["devices"].get(self.settings["name"])
                if self.replay is None and generation != self.generation:  # the server has lost what we said
                    changes = dict(self.wanted)
                self.generation = generation
            elif event == "reset":  # we were too slow: a replay follows
                self.replay, changes = {}, {}
            elif event == "sync":
                if self.replay is not None:  # what isn't in it is gone
                    changes, self.replay = dict.fromkeys(self.wanted) | self.replay, None
            elif event == "route":
                prefix = tuple(data["entry"][name] for name in ("namespace", "family", "table", "dst"))
                rows = changes if self.replay is None else self.replay
                rows[prefix] = None if data["op"] == "delete" else data
            if event in ("sync", "route"):
                position = data["seq"]
        self.program(changes)
        self.report()
        if position and self.replay is None:  # the next connection goes on there
            self.call("PUT", f"{self.path}/acknowledged", {"seq": position})
            self.query, self.wait = "", 0.1

    def program(self, changes):
        """Changes are by prefix: its row or delta, None if it has no route any more."""
        self.wanted |= changes
        for prefix in [prefix for prefix in changes if not changes[prefix]]:
            for holder in self.wanted, self.refused, self.owed, self.hardware.table:
                holder.pop(prefix, None)
        # What was refused gets the room that there is now, before others.
        again = list(self.refused)[:self.hardware.capacity - len(self.hardware.table)]
        for prefix in dict.fromkeys(again + list(changes)):
            self.refused.pop(prefix, None)
            if data := self.wanted.get(prefix):
                outcome = self.hardware.program(prefix, data["entry"])
                if outcome["state"] == "failed":
                    self.refused[prefix] = data
                self.owed[prefix] = {"route": data["entry"], "version": data["version"]} | outcome

    def report(self):
        while some := dict(itertools.islice(self.owed.items(), 1000)):
            answer = json.load(self.call("POST", f"{self.path}/hardware", list(some.values())))
            for item in answer["rejected"]:
                if item["code"] != "ESTALE":  # stale: something newer is on its way to us
                    print(f"rejected: {item['detail']}", file=sys.stderr)
            for prefix in some:
                del self.owed[prefix]
            print(f"{len(self.hardware.table)} in hardware, {len(self.refused)} refused", flush=True)

    def run(self):
        while True:
            try:
                if self.query is None:
                    self.register()
                self.follow()
            except FileNotFoundError as gone:
                self.query, reason = None, gone
            except (OSError, http.client.HTTPException) as cut:
                reason = cut
            print(f"cut: {reason}; connecting again", file=sys.stderr, flush=True)
            time.sleep(self.wait)
            self.wait = min(2 * self.wait, 5)


def main():
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    parser.add_argument("server", nargs="?", default="http://localhost:8080")
    parser.add_argument("--name", default="asic1")
    parser.add_argument("--lease", type=int, default=10, metavar="SECONDS", help="how long it is waited for")
    parser.add_argument("--capacity", type=int, default=sys.maxsize, metavar="N", help="prefixes that find room")
    options = parser.parse_args()
    settings = {"name": options.name, "role": "driver", "lease": options.lease,
                "filter": {"kinds": ["route"], "view": "best", "hw_flags": "0"}}
    driver = Driver(urllib.parse.urlsplit(options.server).netloc, settings, Hardware(options.capacity))
    try:
        driver.run()
    except KeyboardInterrupt:  # without this, what it said would count until the lease is over
        with contextlib.suppress(OSError):
            driver.call("DELETE", driver.path)


if __name__ == "__main__":
    main()
