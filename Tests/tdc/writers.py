"""Who writes filters: processes of their own, each with one connection, that begin together and say what came of it."""
import http.client
import json
import multiprocessing
import multiprocessing.connection
import socket
import sys
import time
import traceback
from dataclasses import dataclass, field

BLOCK = "/v1/blocks/eth0:ingress"
PATIENCE = 900.0
# Requests that are on their way at once on a connection: who waits for each answer measures the way there and back.
WINDOW = 64


@dataclass(frozen=True)
class Batch:
    """What one writer does, filter by filter: as a line each to `tc -b` there."""
    verb: str  # add, replace or delete
    first: int  # of the handles
    count: int
    mark: int = 0  # the third byte of source addresses
    shares: bool = False  # all have one action


@dataclass
class Result:
    """What came of a batch."""
    created: int = 0
    replaced: int = 0
    deleted: bytearray = field(default_factory=bytearray)  # by handle from the first: 1 if this one deleted it
    missed: int = 0  # deletions of what was no longer there
    refused: list[str] = field(default_factory=list)
    began: float = 0.0
    ended: float = 0.0


def rows(batch: Batch) -> bytes:
    """As tc-testing makes them: no two have the same addresses."""
    lines = []
    index = ',"index":1' if batch.shares else ""
    for place in range(batch.count):
        mac = f"{place >> 16:02x}:{place >> 8 & 255:02x}:{place & 255:02x}"
        lines.append(f'{{"protocol":"ip","pref":1,"handle":{batch.first + place},"kind":"flower","options":{{"skip_hw":true,'
                     f'"keys":{{"src_mac":"e4:11:{batch.mark:02x}:{mac}","dst_mac":"e4:12:00:{mac}"}}}},'
                     f'"actions":[{{"kind":"gact","control_action":{{"type":"drop"}}{index}}}]}}\n')
    return "".join(lines).encode()


def transaction(batch: Batch) -> bytes:
    steps = (f'{{"op":"delete","kind":"filter","value":{{"block":"eth0:ingress","protocol":"ip","pref":1,"kind":"flower",'
             f'"handle":{batch.first + place}}}}}' for place in range(batch.count))
    return f'{{"operations":[{",".join(steps)}]}}'.encode()


class Writer:
    """One of them, in its own process: prepared first, then it waits for the word."""

    def __init__(self, address: str, batch: Batch, in_transactions: bool):
        self.address, self.batch, self.result = address, batch, Result()
        self.in_transactions = in_transactions
        self.body = b""
        if batch.verb != "delete":
            self.body = rows(batch)
        elif in_transactions:
            self.body = transaction(batch)

    def run(self) -> Result:
        self.result.began = time.monotonic()
        if self.batch.verb != "delete":
            self.write()
        elif self.in_transactions:
            self.delete_at_once()
        else:
            self.delete_each()
        self.result.ended = time.monotonic()
        return self.result

    def post(self, path: str, kind: str) -> tuple[int, bytes]:
        connection = http.client.HTTPConnection(self.address, timeout=PATIENCE)
        try:
            connection.request("POST", path, self.body, {"Content-Type": kind})
            response = connection.getresponse()
            return response.status, response.read()
        finally:
            connection.close()

    def write(self) -> None:
        status, text = self.post(f"{BLOCK}/filters?mode={self.batch.verb}", "application/x-ndjson")
        if status != 200:
            self.result.refused.append(f"{status} {text[:300]!r}")
            return
        answer = json.loads(text)
        self.result.created, self.result.replaced = answer["created"], answer["replaced"]
        if answer["rejected_count"]:
            self.result.refused.append(f"{answer['rejected_count']} rows: {answer['rejected'][:2]}")
        if answer["accepted"] + answer["rejected_count"] != self.batch.count:
            self.result.refused.append(f"{answer['accepted']} of {self.batch.count} accepted")

    def delete_at_once(self) -> None:
        """All or none: for those that no one else deletes."""
        status, text = self.post("/v1/transactions", "application/json")
        if status == 200:
            self.result.deleted = bytearray(b"\1" * self.batch.count)
        else:
            self.result.refused.append(f"{status} {text[:300]!r}")

    def delete_each(self) -> None:
        """A request each, `WINDOW` of them on their way."""
        host, port = self.address.rsplit(":", 1)
        self.result.deleted = bytearray(self.batch.count)
        with socket.create_connection((host, int(port)), timeout=PATIENCE) as connection, \
                connection.makefile("rb") as answers:
            connection.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
            for start in range(0, self.batch.count, WINDOW):
                places = range(start, min(start + WINDOW, self.batch.count))
                connection.sendall(b"".join(self.deletion(place) for place in places))
                for place in places:
                    status, text = read_answer(answers)
                    if status == 204:
                        self.result.deleted[place] = 1
                    elif status == 404 and b'"code":"ENOENT"' in text:
                        self.result.missed += 1
                    else:
                        self.result.refused.append(f"{status} {text[:300]!r}")

    def deletion(self, place: int) -> bytes:
        path = f"{BLOCK}/chains/0/filters/1/{self.batch.first + place}?ack=applied"
        return f"DELETE {path} HTTP/1.1\r\nHost: {self.address}\r\n\r\n".encode()


def read_answer(answers) -> tuple[int, bytes]:
    line = answers.readline()
    if not line.startswith(b"HTTP/1.1 "):
        raise ConnectionError(f"{line!r} instead of an answer")
    status, length = int(line[9:12]), 0
    while (header := answers.readline()) not in (b"\r\n", b""):
        name, _, value = header.partition(b":")
        if name.lower() == b"content-length":
            length = int(value)
    return status, answers.read(length) if length else b""


def work(channel: multiprocessing.connection.Connection, address: str, batch: Batch, in_transactions: bool) -> None:
    """A process: it says that it is prepared, and on a word back it works and says what came of it."""
    try:
        writer = Writer(address, batch, in_transactions)
        channel.send(None)
        channel.recv()
        channel.send(writer.run())
    except Exception:  # told by the main process
        channel.send(traceback.format_exc(limit=3))
    finally:
        channel.close()


def together(address: str, batches: list[Batch], in_transactions: bool = False) -> list[Result]:
    """Each batch in a process of its own, all at once. Throws RuntimeError if one fails."""
    context = multiprocessing.get_context("spawn")
    processes = []
    try:
        for batch in batches:
            here, there = context.Pipe()
            process = context.Process(target=work, args=(there, address, batch, in_transactions), daemon=True)
            process.start()
            there.close()
            processes.append((process, here))
        for _, channel in processes:
            heard(channel)
        for _, channel in processes:
            channel.send(None)
        return [heard(channel) for _, channel in processes]
    finally:
        for process, channel in processes:
            channel.close()
            process.join(5)
            if process.is_alive():
                process.kill()
                process.join()


def heard(channel: multiprocessing.connection.Connection):
    if not channel.poll(PATIENCE):
        raise RuntimeError(f"a writer said nothing for {PATIENCE:g} s")
    try:
        said = channel.recv()
    except EOFError:
        raise RuntimeError("a writer ended without a word") from None
    if isinstance(said, str):
        raise RuntimeError(f"a writer failed: {said}")
    return said


if __name__ == "__main__":
    sys.exit("this is a part of concurrency.py")
