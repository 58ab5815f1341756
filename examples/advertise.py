#!/usr/bin/env python3
"""Announce routes to a peer only while they are in hardware, as a routing daemon does that follows a fibd server.

    examples/advertise.py --peer 127.0.0.1:1790                          # in one terminal: the peer, which prints its table
    examples/advertise.py http://localhost:8080 --to 127.0.0.1:1790      # in another: the speaker

A route is announced when every device that is to program it has said so, for exactly this version of it. It is withdrawn
before anything else is done when that doesn't hold any more: it is replaced, removed, has failed, its device begins anew or
goes, or there is no stream that would tell of it. Messages name the number up to which the speaker has been told everything.
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
QUERY = "/v1/events?kinds=route&view=best&hw_flags=1&heartbeat=5"


class Speaker:
    """What to tell a peer, decided from the frames of a stream. `send` gets the messages, in order."""

    def __init__(self, send):
        self.send, self.position = send, 0
        self.routes, self.announced = {}, {}  # by prefix: version and what devices say of it; version
        self.is_whole = False  # until the sync, what is known is of another time, or not all

    def take(self, event, data):
        self.position = data.get("seq", self.position)
        if event == "reset" or event == "hello" and data["mode"] == "replay":
            self.cut()
            self.routes = {}
        elif event == "hello":
            self.cut()
            # Of a device that went with the server there may be no event.
            for device in {name for _, states in self.routes.values() for name in states} - data["devices"].keys():
                self.begin(device, None)
        elif event == "route":
            prefix = tuple(data["entry"][name] for name in ("namespace", "family", "table", "dst"))
            self.change(prefix, None if data["op"] == "delete" else data)
        elif event == "device":
            self.begin(data["entry"]["name"], data["entry"]["generation"])
        elif event == "sync" and not self.is_whole:
            self.is_whole = True
            for prefix in self.routes:
                self.settle(prefix)

    def cut(self):
        """No one knows what hardware does without a stream. What is known counts again with the next sync."""
        self.is_whole = False
        for prefix in list(self.announced):
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

    def begin(self, device, generation):
        """What it said before counts as pending, or as nothing once it is gone: one event, and none for each route."""
        for prefix, (_, states) in self.routes.items():
            if device in states:
                states[device] = "pending"
                if generation is None:
                    del states[device]
                self.settle(prefix)

    def settle(self, prefix):
        version, states = self.routes.get(prefix, (None, {}))
        answers = set(states.values()) - {"none"}  # who says that is not to program it
        is_ready = self.is_whole and bool(answers) and answers <= IN_HARDWARE
        if prefix in self.announced and not (is_ready and self.announced[prefix] == version):
            del self.announced[prefix]
            self.send({"withdraw": prefix, "seq": self.position})
        if is_ready and prefix not in self.announced:
            self.announced[prefix] = version
            self.send({"announce": prefix, "version": version, "seq": self.position})


def frames(server, cursor):
    """Server-sent events: name, id (None without one) and data."""
    connection = http.client.HTTPConnection(server, timeout=11)  # two heartbeats
    with contextlib.closing(connection):
        connection.request("GET", QUERY, headers={"Last-Event-ID": cursor} if cursor else {})
        response, frame = connection.getresponse(), {}
        if response.status < 500 and response.status != 200:
            sys.exit(f"advertise.py: {response.status} {response.read().decode()}")
        for line in response:
            name, _, value = line.decode().rstrip("\n").partition(":")
            if name:
                frame[name] = value.removeprefix(" ")
            elif line.endswith(b"\n"):
                if "data" in frame:
                    yield frame["event"], frame.get("id"), json.loads(frame["data"])
                frame = {}


def follow(server, speaker):
    """Goes on until the peer can't be told any more."""
    cursor = None
    while True:
        with contextlib.suppress(OSError, http.client.HTTPException), contextlib.closing(frames(server, cursor)) as all:
            for event, identifier, data in all:
                if event in ("drain", "error"):
                    break
                speaker.take(event, data)
                cursor = identifier if identifier is not None else cursor
        speaker.cut()
        print("cut; connecting again", file=sys.stderr, flush=True)
        time.sleep(0.2)


def speak(server, peer):
    while True:
        with contextlib.suppress(OSError), socket.create_connection(peer) as connection:
            # Another connection is told all anew.
            follow(server, Speaker(lambda message: connection.sendall(json.dumps(message).encode() + b"\n")))
        print("no peer; connecting again", file=sys.stderr, flush=True)
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
        socketserver.ThreadingTCPServer.allow_reuse_address = socketserver.ThreadingTCPServer.daemon_threads = True
        with socketserver.ThreadingTCPServer(options.peer, Peer) as server:
            server.serve_forever()
    elif options.to:
        speak(urllib.parse.urlsplit(options.server).netloc, options.to)
    else:
        parser.error("give --to or --peer")


if __name__ == "__main__":
    with contextlib.suppress(KeyboardInterrupt):
        main()
