#!/usr/bin/env python3
"""A small server that keeps fibd's promises of durability, or breaks one on purpose: to test the tests.

    STANDIN_DEFECT=reuse Tests/crash/kill.py --kills 20 --binary Tests/crash/standin.py

It knows as much of the interface as the crash tests use, stores into SQLite, and is no model of how fibd does it.
DEFECTS names what it can do wrong; each must be noticed (test_defects.py).
"""
import argparse
import bisect
import fcntl
import http.server
import json
import os
import pathlib
import signal
import sqlite3
import sys
import threading
import time
import urllib.parse
from typing import Any, NamedTuple

from state import Key, digest_of, kind_of, namespace_rows, route_hash, rules_of

DEFECTS = {
    "forget": "keeps nothing",
    "early-ack": "answers before the commit",
    "split": "commits a transaction in two halves",
    "reuse": "starts with the number behind the last durable one",
    "ahead": "sends changes before they are durable",
    "epoch": "begins a new epoch",
    "twice": "resumes one change too early",
    "skip": "resumes one change too late",
    "digest": "counts a wrong digest now and then",
    "replay": "never resumes",
    "content": "recovers another gateway",
    "resurrect": "forgets a deletion",
    "half-flush": "does not finish a flush",
    "late-version": "recovers rows with other versions",
    "no-tx": "tells changes of transactions without tx",
    "hang": "does not get ready",
    "ignore-fsync": "goes on when fsync fails",
    "no-507": "acknowledges what there is no room for",
    "silent-stop": "stops as if all were on disk",
    "no-lock": "lets another process in",
    "no-check": "takes a damaged row for good",
}
DEFECT = os.environ.get("STANDIN_DEFECT", "")
assert not DEFECT or DEFECT in DEFECTS, DEFECT
SCHEMA_VERSION = 1
APPLICATION = 0x66696264
RETAINED = 20_000
# After these no one knows what is on the disk.
FATAL = (sqlite3.SQLITE_IOERR_FSYNC, sqlite3.SQLITE_IOERR_DIR_FSYNC)
LISTS = {"/v1/namespaces": "namespace", "/v1/rules": "rule", "/v1/routes": "route"}
WAIT = 1.0  # seconds until an applied write is answered with 503, as the tests prefer


def log(level: str, message: str, **more: object) -> None:
    print(json.dumps({"level": level, "message": message, **more}), file=sys.stderr, flush=True)


def refuse(sentence: str) -> None:
    print(f"fibd: {sentence}", file=sys.stderr, flush=True)
    os._exit(1)


class Change(NamedTuple):
    seq: int
    op: str
    key: Key
    gateway: str
    h: str
    was: str
    tx: int
    cause: str


class Row(NamedTuple):
    h: str
    version: int
    gateway: str


class Refused(Exception):
    def __init__(self, status: int, code: str, detail: str, **more: object):
        super().__init__(detail)
        self.status = status
        self.body = {"type": "urn:fibd:problem:x", "title": "x", "status": status, "detail": detail, "code": code,
                     "reason": "x", **more}


def entry_text(key: Key, gateway: str) -> str:
    if not key.dst:
        return ('{"ipv4":{"fib_notify_on_flag_change":0},"ipv6":{"fib_notify_on_flag_change":0},"name":'
                f'"{key.namespace}","nexthop_check":"open"}}')
    if kind_of(key) == "rule":
        return rules_of(key.namespace)[key]
    return (f'{{"dst":"{key.dst}","family":"inet","gateway":"{gateway}","metric":0,"namespace":"{key.namespace}",'
            '"protocol":"boot","table":"main","type":"unicast"}')


def hash_for(key: Key, gateway: str) -> str:
    return route_hash(key, gateway) if kind_of(key) == "route" else namespace_rows(key.namespace)[key]


class Engine:
    def __init__(self, directory: pathlib.Path):
        self.lock = threading.Condition()
        self.committing = threading.Condition(self.lock)
        self.state: dict[Key, Row] = {}
        self.durable_state: dict[Key, Row] = {}
        self.history: list[Change] = []
        self.queue: list[list[Change]] = []
        self.trouble = self.failed = ""
        self.closing = False
        directory.mkdir(exist_ok=True)
        self.lock_directory(directory)
        try:
            self.open(directory / "fibd.db")
        except sqlite3.Error as error:
            refuse(f"{directory / 'fibd.db'}: {error}")
        threading.Thread(target=self.commit_forever, daemon=True).start()
        if not self.state:
            self.write([("set", key, "") for key in namespace_rows("default")], "durable", tx=True)

    def lock_directory(self, directory: pathlib.Path) -> None:
        try:
            self.lock_file = os.open(directory / "lock", os.O_RDWR | os.O_CREAT, 0o600)
            if DEFECT == "no-lock":
                return
            fcntl.flock(self.lock_file, fcntl.LOCK_EX | fcntl.LOCK_NB)
            os.ftruncate(self.lock_file, 0)
            os.pwrite(self.lock_file, str(os.getpid()).encode(), 0)
        except BlockingIOError:
            refuse(f"{directory} is in use by process {os.pread(self.lock_file, 20, 0).decode()}")
        except OSError as error:
            refuse(f"{directory} can't be written: {error}")

    def open(self, path: pathlib.Path) -> None:
        self.wal = f"{path}-wal"
        self.db = sqlite3.connect(path, isolation_level=None, check_same_thread=False)
        [application] = self.db.execute("PRAGMA application_id").fetchone()
        [version] = self.db.execute("PRAGMA user_version").fetchone()
        tables = self.db.execute("SELECT count(*) FROM sqlite_master").fetchone()[0]
        if tables and application != APPLICATION:
            refuse(f"{path} is not a database of fibd")
        if version > SCHEMA_VERSION:
            refuse(f"{path} was written by a newer version")
        if self.db.execute("PRAGMA journal_mode=WAL").fetchone()[0] != "wal":
            refuse(f"{path} can't be written")
        self.db.execute("PRAGMA synchronous=FULL")
        self.db.execute("PRAGMA wal_autocheckpoint=0")  # which would keep failures to itself
        self.db.executescript(f"""
            BEGIN; PRAGMA application_id={APPLICATION}; PRAGMA user_version={SCHEMA_VERSION};
            CREATE TABLE IF NOT EXISTS meta(name TEXT PRIMARY KEY, value);
            CREATE TABLE IF NOT EXISTS rows(namespace, dst, h, version, gateway, PRIMARY KEY(namespace, dst));
            CREATE TABLE IF NOT EXISTS changes(seq INTEGER PRIMARY KEY, op, namespace, dst, gateway, h, was, tx, cause);
            INSERT OR IGNORE INTO meta
                VALUES('epoch', '{os.urandom(8).hex()}'), ('reserved', 0), ('digest', '{"0" * 32}');
            COMMIT""")
        if self.db.execute("PRAGMA integrity_check").fetchone()[0] != "ok":
            refuse(f"{path} is damaged")
        self.recover(path)

    def recover(self, path: pathlib.Path) -> None:
        meta = dict(self.db.execute("SELECT * FROM meta"))
        if DEFECT == "epoch":
            meta["epoch"] = os.urandom(8).hex()
        self.epoch = meta["epoch"]
        for namespace, dst, h, version, gateway in self.db.execute("SELECT * FROM rows"):
            key = Key(namespace, dst)
            if DEFECT == "late-version" and dst.startswith("10.1.0."):
                version += 1_000_000
            self.state[key] = Row(h, version, gateway)
            if h != hash_for(key, gateway) and DEFECT != "no-check":
                refuse(f"{path} is damaged: the row of {key} has another hash")
        if digest_of(row.h for row in self.state.values()) != meta["digest"] and DEFECT != "no-check":
            refuse(f"{path} is damaged: the digest differs")
        self.history = [Change(c[0], c[1], Key(c[2], c[3]), *c[4:]) for c in
                        self.db.execute("SELECT * FROM changes ORDER BY seq")]
        if DEFECT == "content" and len(self.state) > 50:
            key = next(key for key in self.state if kind_of(key) == "route")
            self.state[key] = Row(route_hash(key, "9.9.9.9"), self.state[key].version, "9.9.9.9")
        if DEFECT == "resurrect" and self.history and self.history[-1].op == "delete" and self.history[-1].key.dst:
            gone = self.history[-1]
            self.state[gone.key] = Row(gone.was, gone.seq, gone.gateway)
        self.durable_state = dict(self.state)
        last = self.history[-1].seq if self.history else 0
        self.next = last if DEFECT in ("reuse", "forget") else max(last, int(meta["reserved"]))
        self.durable = self.head = self.next
        self.db.execute("UPDATE meta SET value = ? WHERE name = 'reserved'", [self.next + 1_000_000])

    # Writing

    def write(self, ops: list[tuple[str, Key, str]], ack: str, tx: bool, cause: str = "") -> tuple[int, int]:
        """Numbers of the first and the last change. Each op is (set or delete, key, gateway)."""
        with self.lock:
            if self.trouble and DEFECT != "no-507":
                raise Refused(507, "ENOSPC", self.trouble)
            first, run, changes = self.next + 1, 0, []
            for place, (op, key, gateway) in enumerate(ops):
                self.next += 1
                if (tx or cause and key.dst) and (not run or place % 1024 == 0):
                    run = self.next
                here = self.state.get(key)
                if op == "delete" and not here:
                    raise Refused(404, "ESRCH", f"no {key}")
                was = here.h if here else ""
                h = "" if op == "delete" else hash_for(key, gateway)
                name = "delete" if op == "delete" else "replace" if here else "add"
                why = json.dumps({"reason": cause, "seq": first}) if cause and key.dst else ""
                gateway = here.gateway if op == "delete" and here else gateway
                tells_tx = DEFECT != "no-tx" or cause
                changes.append(Change(self.next, name, key, gateway, h, was, run if tells_tx else 0, why))
                if op == "delete":
                    del self.state[key]
                else:
                    self.state[key] = Row(h, self.next, gateway)
            last = self.head = self.next
            halves = [changes[:len(changes) // 2], changes[len(changes) // 2:]]
            if cause and DEFECT == "half-flush" and len(changes) > 20:
                self.queue += halves
            elif tx and not cause and DEFECT == "split" and first > 1:  # what it begins with is whole
                self.queue += halves
            else:
                self.queue.append(changes)
            self.committing.notify_all()
            if ack == "durable" and DEFECT not in ("early-ack", "forget"):
                self.await_durable(last)
            return first, last

    def await_durable(self, seq: int) -> None:
        end = time.monotonic() + WAIT
        while self.durable < seq:
            if self.trouble and DEFECT == "no-507":
                return
            if self.failed or self.closing or time.monotonic() > end and self.trouble:
                raise Refused(503, "ENOSPC", self.failed or self.trouble, outcome="unknown", seq=seq)
            self.lock.wait(0.05)

    def commit_forever(self) -> None:
        while True:
            with self.lock:
                while not self.queue:
                    self.committing.wait()
                batches = self.queue[:1] if DEFECT in ("split", "half-flush") else list(self.queue)
            changes = [change for batch in batches for change in batch]
            if DEFECT in ("split", "half-flush", "early-ack"):
                time.sleep(0.03 if changes[0].cause else 0.003)
            try:
                if os.path.getsize(self.wal) > 1 << 20:
                    self.db.execute("PRAGMA wal_checkpoint(PASSIVE)")
                if DEFECT != "forget":
                    self.commit(changes)
            except sqlite3.Error as error:
                if error.sqlite_errorcode in FATAL and DEFECT != "ignore-fsync":
                    self.fail(str(error))
                if DEFECT == "ignore-fsync":
                    self.publish(changes, len(batches))
                    continue
                with self.lock:
                    self.trouble = f"the disk takes no writes: {error}"
                time.sleep(0.05)  # stands for the pause of fibd before it tries again
                continue
            self.publish(changes, len(batches))

    def close(self) -> None:
        with self.lock:
            while self.queue and not self.trouble:
                self.lock.wait(0.05)
            if self.queue:
                self.closing = True
                self.lock.notify_all()
                self.lock.wait_for(lambda: False, 0.3)  # for streams and those who wait to be told
                first, last = self.queue[0][0].seq, self.queue[-1][-1].seq
                if DEFECT == "silent-stop":
                    os._exit(0)
                print(f"fibd: stopped with changes that are not on disk: numbers {first} to {last}. None of them was "
                      "acknowledged as durable", file=sys.stderr, flush=True)
                os._exit(1)
            self.db.execute("PRAGMA wal_checkpoint(TRUNCATE)")
            self.db.close()
            os._exit(0)

    def fail(self, why: str) -> None:
        with self.lock:
            self.failed = why
            self.lock.notify_all()
        time.sleep(0.2)  # for the streams to tell
        log("error", f"the disk failed: {why}")
        os._exit(1)

    def commit(self, changes: list[Change]) -> None:
        after = dict(self.durable_state)
        for change in changes:
            if change.op == "delete":
                after.pop(change.key, None)
            else:
                after[change.key] = Row(change.h, change.seq, change.gateway)
        self.db.execute("BEGIN IMMEDIATE")
        try:
            self.db.executemany("INSERT INTO changes VALUES(?, ?, ?, ?, ?, ?, ?, ?, ?)",
                                [(c.seq, c.op, *c.key, *c[3:]) for c in changes])
            for key in {change.key for change in changes}:
                if row := after.get(key):
                    self.db.execute("INSERT OR REPLACE INTO rows VALUES(?, ?, ?, ?, ?)", (*key, *row))
                else:
                    self.db.execute("DELETE FROM rows WHERE namespace = ? AND dst = ?", key)
            self.db.execute("UPDATE meta SET value = ? WHERE name = 'digest'", [digest_of(r.h for r in after.values())])
            if len(self.history) > RETAINED:
                self.db.execute("DELETE FROM changes WHERE seq < ?", [self.history[-RETAINED].seq])
            self.db.execute("COMMIT")
        except BaseException:
            if self.db.in_transaction:
                self.db.execute("ROLLBACK")
            raise

    def publish(self, changes: list[Change], count: int) -> None:
        with self.lock:
            del self.queue[:count]
            self.trouble = ""
            for change in changes:
                if change.op == "delete":
                    self.durable_state.pop(change.key, None)
                else:
                    self.durable_state[change.key] = Row(change.h, change.seq, change.gateway)
            self.history = (self.history + changes)[-RETAINED:]
            self.durable = changes[-1].seq
            self.lock.notify_all()


class Selection:
    """The filter of a request."""

    def __init__(self, query: dict[str, str]):
        self.namespace, within = query.get("namespace"), query.get("within")
        self.network = None
        if within:
            base, length = within.split("/")
            self.shift = 32 - int(length)
            self.network = number_of(base) >> self.shift
        self.name = "abc123" if self.namespace or within else "0"

    def __call__(self, key: Key) -> bool:
        if self.namespace and key.namespace != self.namespace:
            return False
        if self.network is None:
            return True
        return kind_of(key) == "route" and number_of(key.dst.split("/")[0]) >> self.shift == self.network


def number_of(text: str) -> int:
    a, b, c, d = map(int, text.split("."))
    return a << 24 | b << 16 | c << 8 | d


class Handler(http.server.BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    disable_nagle_algorithm = True
    wbufsize = -1
    engine: Engine

    def log_message(self, *_: object) -> None:
        pass

    def reply(self, status: int, body: str = "", seq: int = 0, kind: str = "application/json", **more: str) -> None:
        self.send_response(status)
        headers = {"Content-Type": kind, "Fibd-Seq": str(seq), "Content-Length": str(len(body)), **more}
        for name, value in headers.items():
            self.send_header(name, value)
        self.end_headers()
        self.wfile.write(body.encode())

    def handle_request(self) -> None:
        url = urllib.parse.urlsplit(self.path)
        query = dict(urllib.parse.parse_qsl(url.query))
        body = self.rfile.read(int(self.headers.get("Content-Length") or 0)).decode()
        try:
            self.dispatch(url.path, query, body)
        except Refused as refusal:
            self.reply(refusal.status, json.dumps(refusal.body), kind="application/problem+json")

    do_GET = do_PUT = do_POST = do_DELETE = handle_request

    def dispatch(self, path: str, query: dict[str, str], body: str) -> None:
        engine, method, ack = self.engine, self.command, query.get("ack", "durable")
        namespace = query.get("namespace", "default")
        if path == "/v1/events":
            self.stream(query)
        elif path == "/readyz":
            self.reply(503 if engine.trouble else 200, engine.trouble or "ok\n", kind="text/plain")
        elif path == "/v1":
            self.reply(200, json.dumps({"epoch": engine.epoch}), engine.head)
        elif path in ("/v1/devices", "/v1/links", "/v1/neighbors"):
            self.reply(200, "[]", engine.head, **{"Fibd-Count": "0"})
        elif method == "GET":
            self.send_list(Selection(query), LISTS[path])
        elif path.startswith("/v1/namespaces/"):
            key = Key(path.rsplit("/", 1)[1], "")
            if method == "PUT":
                self.write([("set", each, "") for each in namespace_rows(key.namespace)], ack, tx=True)
            else:
                gone = [key, *(k for k in list(engine.state) if k.dst and k.namespace == key.namespace)]
                self.write([("delete", k, "") for k in gone], ack, tx=False, cause="namespace-deleted")
        elif path.startswith("/v1/routes/"):
            key = Key(namespace, path.removeprefix("/v1/routes/"))
            gateway = json.loads(body)["gateway"] if body else ""
            self.write([("set" if method == "PUT" else "delete", key, gateway)], ack, tx=False)
        elif method == "DELETE":
            selects = Selection(query)
            gone = [key for key in list(engine.state) if kind_of(key) == "route" and selects(key)]
            self.write([("delete", key, "") for key in gone], ack, tx=False, cause="flush")
        elif path == "/v1/transactions":
            operations = json.loads(body)["operations"]
            self.write([("delete" if o["op"] == "delete" else "set", Key(namespace, o["value"]["dst"]),
                         o["value"].get("gateway", "")) for o in operations], ack, tx=True)
        elif self.headers["Content-Type"] == "application/x-ndjson":
            rows = [json.loads(line) for line in body.splitlines()]
            for start in range(0, len(rows), 100):
                last = start + 100 >= len(rows)
                ops = [("set", Key(namespace, row["dst"]), row["gateway"]) for row in rows[start:start + 100]]
                if last:
                    self.write(ops, ack, tx=False)
                else:
                    engine.write(ops, "applied", tx=False)
        else:
            self.write([("set", Key(namespace, row["dst"]), row["gateway"]) for row in json.loads(body)], ack, tx=True)

    def write(self, ops: list[tuple[str, Key, str]], ack: str, tx: bool, cause: str = "") -> None:
        first, last = self.engine.write(ops, ack, tx, cause)
        self.reply(200, json.dumps({"seq": last, "first": first}), last)

    def send_list(self, selects: Selection, kind: str) -> None:
        with self.engine.lock:
            rows, head = sorted(self.engine.state.items()), self.engine.head
        lines = [f'{{"h":"{row.h}","seq":{row.version},"version":{row.version},{entry_text(key, row.gateway)[1:]}'
                 for key, row in rows if kind_of(key) == kind and selects(key)]
        self.reply(200, f"[{','.join(lines)}]", head, **{"Fibd-Count": str(len(lines))})

    # Streams

    def frame(self, event: str, data: dict[str, Any] | str, cursor: str | None = None) -> None:
        text = data if isinstance(data, str) else json.dumps(data)
        head = "" if cursor is None else f"id: {cursor}\n"
        self.wfile.write(f"{head}event: {event}\ndata: {text}\n\n".encode())

    def stream(self, query: dict[str, str]) -> None:
        self.send_response(200)
        self.send_header("Content-Type", "text/event-stream")
        self.send_header("Connection", "close")
        self.end_headers()
        self.close_connection = True
        try:
            self.send_stream(Selection(query), self.headers.get("Last-Event-ID", ""))
        except OSError:
            pass  # the client left

    def send_stream(self, selects: Selection, cursor: str) -> None:
        engine = self.engine
        epoch, _, rest = cursor.partition("-")
        with engine.lock:
            position = engine.durable
            rows = sorted(engine.durable_state.items())
        mode = "resume" if epoch == engine.epoch and DEFECT != "replay" else "replay"
        self.frame("hello", {"epoch": engine.epoch, "mode": mode, "seq": position, "heartbeat": 1, "devices": {}},
                   None if mode == "resume" else "")
        if mode == "resume":
            position = int(rest.split("-")[0])
            missed = [change.seq for change in engine.history if change.seq > position]
            if DEFECT == "skip" and missed:
                position = missed[0]
            if DEFECT == "twice" and engine.history and len(missed) < len(engine.history):
                position = engine.history[len(engine.history) - len(missed) - 1].seq - 1
        else:
            for key, row in (item for item in rows if selects(item[0])):
                self.frame(kind_of(key), f'{{"op":"replay","seq":{row.version},"version":'
                           f'{row.version},"entry":{entry_text(key, row.gateway)},"h":"{row.h}"}}')
            self.sync(position, [row.h for key, row in rows if selects(key)], selects)
        latest = max((c.seq for c in engine.history if c.seq <= position and selects(c.key)), default=0)
        latest = latest or min(position, engine.history[0].seq if engine.history else 0)
        sync_at = 0.0
        while True:
            with engine.lock:
                if engine.closing:
                    self.frame("drain", {"status": 503, "detail": "stopping"})
                    return
                if engine.failed:
                    self.frame("error", {"status": 503, "detail": engine.failed})
                    return
                pending = [c for batch in engine.queue for c in batch] if DEFECT == "ahead" else []
                history = engine.history + pending
                changes = history[bisect.bisect_right(history, position, key=lambda c: c.seq):]
                at = max([engine.durable] + [c.seq for c in pending])
                whole = engine.state if DEFECT == "ahead" else engine.durable_state
                hashes = [row.h for key, row in whole.items() if selects(key)]
                if not changes and time.monotonic() < sync_at:
                    engine.lock.wait(0.2)
                    continue
            for change in changes:
                position = change.seq
                if selects(change.key):
                    self.frame(kind_of(change.key), self.delta(change, latest),
                               f"{engine.epoch}-{change.seq}-{selects.name}")
                    latest = change.seq
            if time.monotonic() >= sync_at:
                position = at
                if DEFECT == "digest" and os.getpid() % 3 == 0:
                    hashes = hashes[1:] + hashes[:1] * 2
                self.sync(at, hashes, selects)
                sync_at = time.monotonic() + 1
            self.wfile.flush()

    def sync(self, at: int, hashes: list[str], selects: Selection) -> None:
        sync = {"seq": at, "count": len(hashes), "digest": digest_of(hashes), "counts": {}, "digests": {}}
        self.frame("sync", sync, f"{self.engine.epoch}-{at}-{selects.name}")

    def delta(self, change: Change, latest: int) -> str:
        more = f',"h":"{change.h}"' if change.h else ""
        more += f',"was":"{change.was}"' if change.was else ""
        more += f',"cause":{change.cause}' if change.cause else ""
        more += f',"tx":{change.tx}' if change.tx else ""
        return (f'{{"op":"{change.op}","seq":{change.seq},"version":{change.seq},"prev":{latest},'
                f'"entry":{entry_text(change.key, change.gateway)}{more}}}')


def main() -> None:
    parser = argparse.ArgumentParser(description=(__doc__ or "").split("\n")[0])
    parser.add_argument("--data-dir", type=pathlib.Path, required=True)
    parser.add_argument("--listen", default="127.0.0.1:0")
    options = parser.parse_args()
    if DEFECT == "hang":
        threading.Event().wait()
    try:
        Handler.engine = Engine(options.data_dir)
    except Refused as refusal:
        refuse(str(refusal))
    host, port = options.listen.split(":")
    server = http.server.ThreadingHTTPServer((host, int(port)), Handler)
    server.daemon_threads = True
    log("info", "listening", address=f"{host}:{server.server_address[1]}")
    signal.signal(signal.SIGTERM, lambda *_: threading.Thread(target=Handler.engine.close).start())
    server.serve_forever()


if __name__ == "__main__":
    main()
