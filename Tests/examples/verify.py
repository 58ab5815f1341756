#!/usr/bin/env python3
"""Follow a fibd server and check every promise that its event stream makes.

    Tests/examples/verify.py
    Tests/examples/verify.py 'http://localhost:8080/v1/events?within=10.0.0.0/8&heartbeat=1' --syncs 3

Keeps a copy of the state, compares it with the server's count and digest at each sync, and resumes after a lost
connection. Exit status: 0 all was right, 1 the stream broke a promise, 2 wrong usage, 3 no sync came, or fewer than
asked for.
"""
import argparse
import hashlib
import http.client
import json
import sys
import time
import urllib.parse


class Violation(Exception):
    """The stream did what it must not."""


class Cut(Exception):
    """The connection ended; what came before it holds."""


def check(holds, message):
    if not holds:
        raise Violation(message)


def hash_of(entry):
    """16 bytes of SHA-256 over the canonical form: keys sorted, no white space."""
    text = json.dumps(entry, sort_keys=True, separators=(",", ":"), ensure_ascii=False)
    return hashlib.sha256(text.encode()).hexdigest()[:32]


def digest_of(hashes):
    return f"{sum(int(h, 16) for h in hashes) % 2**128:032x}"


# Of several devices, the one that is worst off says what a route's state is.
SEVERITY = ["none", "offload", "offload+trap", "trap", "pending", "failed"]


def answers_of(data):
    """What each device says of the route in a row or delta, by its name."""
    hardware = data.get("hw", {"state": "none"})
    several = {name: answer["state"] for name, answer in hardware.get("devices", {}).items()}
    answers = several or ({hardware["device"]: hardware["state"]} if "device" in hardware else {})
    check(worst(answers) == hardware["state"], f"{answers} are not {hardware['state']}")
    return answers


def worst(answers):
    return max(answers.values(), key=SEVERITY.index, default="none")


def hardware_digest_of(states):
    """The sum over the routes of what `h` and state, as text one behind the other, hash to."""
    return digest_of(hashlib.sha256((h + worst(answers)).encode()).hexdigest()[:32] for h, answers in states.items())


class Mirror:
    """The state as the stream tells it, and how far that goes."""

    def __init__(self, hardware="1"):
        self.hardware = hardware          # hw_flags of the URL
        self.held = {}                    # h of each entry: its kind
        self.answers = {}                 # h of each route: what devices say of it
        self.devices = None               # generations by name; None while they aren't known
        self.begin = 0                    # the number that hello named: older changes are history
        self.position = 0                 # number of the last delta or sync
        self.cursor, self.epoch = "", ""  # where to resume
        self.stage, self.syncs, self.last = "start", 0, {}
        self.hardware_digests = 0         # how many were compared

    def take(self, event, cursor, data):
        if self.stage == "start":
            check(event in ("hello", "drain", "error"), f"the first frame is {event}, not hello")
        if event == "hello":
            self.hello(data)
        elif event == "reset":            # the server gave up on us: all anew, on this connection
            self.held, self.answers, self.devices, self.stage, self.cursor = {}, {}, None, "replay", ""
        elif event == "sync":
            self.sync(data)
        elif event == "error":
            raise Violation(data["detail"]) if data["status"] < 500 else Cut(data["detail"])
        elif event == "drain":
            raise Cut("the server is going away")
        elif event != "notice" and data["op"] == "replay":
            check(self.stage == "replay", f"a replay row in stage {self.stage}")
            self.put(event, data)
        elif event != "notice":
            self.delta(event, data)
        if cursor:
            check(cursor.rsplit("-", 1)[0] == f"{self.epoch}-{data['seq']}", f"{cursor} is not the id of {data['seq']}")
        if cursor is not None:
            self.cursor = cursor

    def hello(self, data):
        check(self.stage == "start", "a second hello")
        check(data["mode"] != "live", "with replay=none there is no state to check")
        if data["mode"] == "resume":
            check(self.cursor and data["epoch"] == self.epoch, f"resumed at '{self.cursor}', which is not ours")
        else:
            self.held, self.answers, self.position, self.epoch = {}, {}, 0, data["epoch"]
        # What is told of times before is told by the devices of now.
        for name in {name for answers in self.answers.values() for name in answers} - data["devices"].keys():
            self.void(name, None)
        self.devices, self.begin, self.stage = dict(data["devices"]), data["seq"], data["mode"]

    def delta(self, kind, data):
        op, seq, prev = data["op"], data["seq"], data["prev"]
        check(self.stage != "replay" or data.get("catchup"), f"change {seq} came before the sync that ends the replay")
        if not data.get("catchup"):
            check(prev <= self.position, f"a change was lost: {seq} follows {prev}, the last here is {self.position}")
            check(seq > self.position, f"change {seq} came after {self.position}")
            self.position = seq
        if op == "restart":              # of a device, which is told whatever the kinds, and is no entry
            check(kind == "device" and not data.keys() & {"h", "was"}, f"change {seq}: a restart of a {kind}")
            return self.device(seq, data["entry"]["name"], data["entry"]["generation"])
        check(("h" in data) == (op != "delete"), f"change {seq}: {op}, h {data.get('h')}")
        check("was" in data if op in ("delete", "replace", "flags", "status") else op != "add" or "was" not in data,
              f"change {seq}: {op}, was {data.get('was')}")
        if op == "status":
            check("status" in data and data["was"] == data["h"], f"change {seq} of status is another entry, or says nothing")
        if "was" in data:
            check(self.held.pop(data["was"], None) == kind, f"change {seq}: {data['was']} was not here")
            self.answers.pop(data["was"], None)
        if op == "delete":
            check(hash_of(data["entry"]) == data["was"], f"change {seq} deletes another entry than it shows")
        else:
            self.put(kind, data)

    def put(self, kind, data):
        check(hash_of(data["entry"]) == data["h"], f"h of change {data['seq']} is not the hash of its entry")
        check(data["h"] not in self.held, f"change {data['seq']}: {data['h']} is here already")
        self.held[data["h"]] = kind
        check("status" in data or kind not in ("link", "neigh"), f"change {data['seq']}: a {kind} without status")
        legs = data.get("status", {}).get("nexthops", [])
        check(not legs or len(legs) == len(data["entry"].get("nexthops", [])), f"change {data['seq']}: {legs} are its legs")
        if kind != "route" or self.hardware == "0":
            return
        # Nothing said of it means none, which is said where there are devices.
        if self.devices is not None:
            check(("hw" in data) == (self.devices != {}), f"change {data['seq']}: hw {data.get('hw')}, {self.devices}")
        self.answers[data["h"]] = answers_of(data)

    def device(self, seq, name, generation):
        check(self.hardware != "0", f"change {seq} is of {name}, which was not asked for")
        self.void(name, generation)
        if self.devices is not None and seq > self.begin:
            self.devices |= {name: generation}
            if not generation:
                del self.devices[name]

    def void(self, name, generation):
        """The device has begun anew, and what it said is pending; or it is gone, and what it said with it."""
        for answers in self.answers.values():
            if answers.pop(name, None) and generation:
                answers[name] = "pending"

    def sync(self, data):
        check(data["seq"] >= self.position, f"sync at {data['seq']} after change {self.position}")
        at = f"at {data['seq']}"
        check(data["count"] == len(self.held), f"{at} the server holds {data['count']} entries, we {len(self.held)}")
        check(data["digest"] == digest_of(self.held), f"{at} the digests differ")
        for kind in data["counts"].keys() | set(self.held.values()):
            hashes = [h for h, k in self.held.items() if k == kind]
            check(data["counts"].get(kind) == len(hashes), f"{at} the counts of {kind} differ")
            check(data["digests"].get(kind) == digest_of(hashes), f"{at} the digests of {kind} differ")
        if "hw_digest" in data:
            check(self.hardware == "1" and self.devices != {}, f"{at} there is an hw_digest")
            check(data["hw_digest"] == hardware_digest_of(self.answers), f"{at} the digests of hardware differ")
            self.hardware_digests += 1
        self.position, self.stage, self.last, self.syncs = data["seq"], "live", data, self.syncs + 1


def frames(response):
    """Server-sent events (WHATWG HTML): event, id (or None) and data. What has no end, for a cut, is dropped."""
    event, cursor, data = "", None, []
    for line in response:
        name, _, value = line.decode().rstrip("\r\n").partition(":")
        value = value.removeprefix(" ")
        if name == "event":
            event = value
        elif name == "id":
            cursor = value
        elif name == "data":
            data.append(value)
        elif not name and line.endswith(b"\n"):
            if data:
                yield event, cursor, json.loads("\n".join(data))
            event, cursor, data = "", None, []


def connect(url, cursor, timeout):
    kind = http.client.HTTPSConnection if url.scheme == "https" else http.client.HTTPConnection
    connection = kind(url.netloc, timeout=timeout)
    headers = {"Accept": "text/event-stream"} | ({"Last-Event-ID": cursor} if cursor else {})
    connection.request("GET", url.path + (f"?{url.query}" if url.query else ""), headers=headers)
    response = connection.getresponse()
    if response.status >= 500:
        raise Cut(f"status {response.status}")
    if response.status != 200:
        raise Violation(f"status {response.status}: {response.read(2000).decode(errors='replace')}")
    return connection, response


def tell(event, _, data):
    if event == "hello":
        line = f"epoch {data['epoch']}, {data['mode']} {data.get('reason', '')}"
    elif event == "sync":
        line = f"{data['seq']}: {data['count']} entries, digest {data['digest']}, as here"
    elif data.get("op") == "replay":
        return
    else:
        entry = data.get("entry", {})
        line = f"{data.get('seq', '')}: {data.get('op', '')} {entry.get('dst') or entry.get('name') or data}"
    print(f"{event:9} {line}".rstrip(), flush=True)


def follow(options, mirror):
    """Returns when the end that was asked for is reached."""
    url = urllib.parse.urlsplit(options.url)
    end = time.monotonic() + options.seconds
    wait, cut_after = 0.1, options.cut_after
    while (left := end - time.monotonic()) > 0:
        connection, mirror.stage = None, "start"
        try:
            # Silence for two heartbeats (15 s unless the URL says otherwise) is a dead connection.
            connection, response = connect(url, mirror.cursor, min(left, 2 * options.heartbeat + 1))
            for number, frame in enumerate(frames(response), 1):
                mirror.take(*frame)
                if not options.quiet:
                    tell(*frame)
                if frame[0] == "sync":
                    wait = 0.1
                    if mirror.syncs >= options.syncs or mirror.position >= options.until_seq:
                        return
                if time.monotonic() >= end:
                    return
                if number >= cut_after:
                    cut_after *= 2        # so that even a long replay comes to its end at some time
                    raise Cut("as --cut-after wishes")
            raise Cut("the server ended it")
        except (Cut, OSError, http.client.HTTPException) as reason:
            if time.monotonic() >= end:
                return
            print(f"cut       {reason or type(reason).__name__}; resuming at '{mirror.cursor}'", file=sys.stderr)
        finally:
            if connection:
                connection.close()
        time.sleep(max(0, min(wait, end - time.monotonic())))
        wait = min(wait * 2, 30)


def main():
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    parser.add_argument("url", nargs="?", default="http://localhost:8080/v1/events")

    def number(name, help, default=sys.maxsize):
        parser.add_argument(name, type=int, default=default, metavar="N", help=help)

    number("--until-seq", "end at the first sync that has reached number N")
    number("--syncs", "end after N syncs")
    number("--seconds", "end after N seconds")
    number("--cut-after", "cut the connection after N frames, the next one after 2N, 4N, …, to see it resume")
    parser.add_argument("--quiet", action="store_true", help="print the outcome only")
    options = parser.parse_args()
    query = urllib.parse.parse_qs(urllib.parse.urlsplit(options.url).query)
    options.heartbeat = int(query.get("heartbeat", ["15"])[0])
    mirror = Mirror(*query.get("hw_flags", []))
    try:
        follow(options, mirror)
    except KeyboardInterrupt:
        pass
    except (Violation, ValueError, LookupError, TypeError) as violation:
        print(f"verify.py: broken promise: {type(violation).__name__}: {violation}", file=sys.stderr)
        return 1
    if not mirror.last:
        print("verify.py: no sync came", file=sys.stderr)
        return 3
    last = {k: v for k, v in mirror.last.items() if k in ("seq", "count", "digest", "hw_digest")}
    print("verified " + json.dumps({"syncs": mirror.syncs, "hw_digests": mirror.hardware_digests} | last))
    asked = min(options.syncs, options.until_seq) < sys.maxsize
    return 3 if asked and mirror.syncs < options.syncs and mirror.last["seq"] < options.until_seq else 0


if __name__ == "__main__":
    sys.exit(main())
