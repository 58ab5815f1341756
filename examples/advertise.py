#!/usr/bin/env python3
"""Announce routes to a peer only while they are in hardware, as a routing daemon does that follows a fibd server.

    examples/advertise.py --peer 127.0.0.1:1790                          # in one terminal: the peer, which prints its table
    examples/advertise.py http://localhost:8080 --to 127.0.0.1:1790      # in another: the speaker

A route is announced when every device that is to program it has said so, for exactly this version of it. It is withdrawn
before anything else is done when that doesn't hold any more: it is replaced, removed, has failed, or its device begins anew.
"""
import argparse
import contextlib
import http.client
import json
import socket
import socketserver
import sys
import time
import urllib.parse

IN_HARDWARE = {"offload", "trap", "offload+trap"}
QUERY = "/v1/events?kinds=route&view=best&hw_flags=1"


class Speaker:
    """What to tell a peer, decided from the frames of a stream. `send` gets the messages, in order."""

    def __init__(self, send):
        self.send, self.routes, self.announced = send, {}, {}
        self.is_whole = False  # before the sync of a replay, what was there before may be gone

    def take(self, event, data):
        if event in ("hello", "reset"):
            if event == "reset" or data["mode"] == "replay":
                self.withdraw_all()
                self.routes = {}
            self.is_whole = False
        elif event == "route":
            prefix = tuple(data["entry"][name] for name in ("namespace", "family", "table", "dst"))
            self.change(prefix, None if data["op"] == "delete" else data)
        elif event == "device":
            self.restart(data["entry"]["name"], is_gone=data["entry"]["generation"] is None)
        elif event == "sync":
            self.is_whole = True
            for prefix in self.routes:
                self.settle(prefix)

    def change(self, prefix, data):
        if data is None:
            self.routes.pop(prefix, None)
        else:
            hardware = data.get("hw", {})
            answers = hardware.get("devices") or {hardware.get("device"): hardware}
            states = {name: answer["state"] for name, answer in answers.items() if name}
            self.routes[prefix] = (data["version"], states)
        self.settle(prefix)

    def restart(self, device, is_gone):
        """What it said before counts as pending, or as nothing once it is gone."""
        for prefix, (_, states) in self.routes.items():
            if device in states:
                if is_gone:
                    del states[device]
                else:
                    states[device] = "pending"
                self.settle(prefix)

    def settle(self, prefix):
        version, states = self.routes.get(prefix, (None, {}))
        is_ready = self.is_whole and bool(states) and set(states.values()) <= IN_HARDWARE
        if self.announced.get(prefix) not in (None, version if is_ready else None):
            del self.announced[prefix]
            self.send({"withdraw": prefix})
        if is_ready and prefix not in self.announced:
            self.announced[prefix] = version
            self.send({"announce": prefix, "version": version})

    def withdraw_all(self):
        for prefix in list(self.announced):
            del self.announced[prefix]
            self.send({"withdraw": prefix})


def frames(server, cursor):
    """Server-sent events: name, id (None without one) and data."""
    connection = http.client.HTTPConnection(server, timeout=31)  # two heartbeats
    connection.request("GET", QUERY, headers={"Last-Event-ID": cursor} if cursor else {})
    frame = {}
    for line in connection.getresponse():
        name, _, value = line.decode().rstrip("\n").partition(":")
        if name:
            frame[name] = value.removeprefix(" ")
        elif "data" in frame:
            yield frame["event"], frame.get("id"), json.loads(frame["data"])
            frame = {}


def speak(server, peer):
    with socket.create_connection(peer) as connection, connection.makefile("w") as lines:
        speaker, cursor = Speaker(lambda message: print(json.dumps(message), file=lines, flush=True)), None
        while True:
            with contextlib.suppress(OSError, http.client.HTTPException):
                for event, identifier, data in frames(server, cursor):
                    if event in ("drain", "error"):
                        break
                    speaker.take(event, data)
                    cursor = identifier if identifier is not None else cursor
            # No one knows what hardware does meanwhile. What is known comes back with the next sync.
            speaker.withdraw_all()
            speaker.is_whole = False
            print("cut; connecting again", file=sys.stderr, flush=True)
            time.sleep(0.2)


class Peer(socketserver.StreamRequestHandler):
    """Holds what it was told, and forgets it with the connection."""

    def handle(self):
        table = {}
        for line in self.rfile:
            message = json.loads(line)
            if "announce" in message:
                table[tuple(message["announce"])] = message["version"]
            else:
                table.pop(tuple(message["withdraw"]), None)
            print(json.dumps(message | {"held": len(table)}), flush=True)


def address(text):
    host, _, port = text.rpartition(":")
    return host, int(port)


def main():
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    parser.add_argument("server", nargs="?", default="http://localhost:8080")
    parser.add_argument("--to", type=address, metavar="HOST:PORT", help="announce to the peer there")
    parser.add_argument("--peer", type=address, metavar="HOST:PORT", help="be that peer")
    options = parser.parse_args()
    if options.peer:
        with socketserver.TCPServer(options.peer, Peer) as server:
            server.serve_forever()
    elif options.to:
        speak(urllib.parse.urlsplit(options.server).netloc, options.to)
    else:
        parser.error("give --to or --peer")


if __name__ == "__main__":
    with contextlib.suppress(KeyboardInterrupt):
        main()
