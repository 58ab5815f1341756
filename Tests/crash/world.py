"""One data directory with one writer and one subscriber, and what it must hold: for tests that let the disk fail.

Writes go one after the other, and each is booked by its answer: acknowledged; refused, and so not there; or of unknown
outcome, with the number it will have if it becomes durable.
"""
import pathlib
import time
from collections.abc import Mapping

from lots import Lots
from model import Space, Write
from servers import CHECKPOINT_BYTES, PATIENCE, Answer, Client, Server, Violation, check
from state import listed, without_default
from stream import Following, Numbers, Subscriber


class World:
    def __init__(self, binary: pathlib.Path, data: pathlib.Path, seed: int = 7, import_size: int = 90):
        self.binary, self.data = binary, data
        self.space, self.numbers, self.sizes = Space("w1", "10.1."), Numbers(), dict[str, int]()
        self.lots = Lots(self.space, 1, seed, import_size)
        self.subscriber = Subscriber("subscriber", "", self.numbers, self.sizes)
        self.failures: list[str] = []
        self.epoch = ""
        self.before = 0  # the highest number of earlier lives
        # Checkpoints are to happen within the tests, so that faults fall into them.
        self.knobs = {CHECKPOINT_BYTES: "16384"}

    def start(self, environment: Mapping[str, str] | None = None) -> Server:
        self.before = self.numbers.highest
        return Server(self.binary, self.data, self.knobs | dict(environment or {}))

    def follow(self, server: Server) -> Following:
        following = Following(self.subscriber, server, self.fail)
        following.start()
        return following

    def fail(self, who: str, error: Exception) -> None:
        self.failures.append(f"{who}: {error if isinstance(error, Violation) else repr(error)}")

    def raise_failures(self) -> None:
        check(not self.failures, "; ".join(self.failures))

    def draw(self) -> Write:
        write = self.lots.draw(self.space.current())
        if write.kind in ("array", "transaction"):
            self.sizes[write.gateway] = len(write.changes)
        return write

    def offer(self, client: Client, write: Write) -> Answer:
        """Sends it once, and books what came of it. If the connection breaks, it stays pending."""
        if write not in self.space.pending:
            self.space.pending.append(write)
        answer = client.send(write.request)
        outcome = answer.json.get("outcome") if answer.status == 503 else None
        if answer.status in (503, 507) and not outcome and write.is_whole:
            self.space.pending.remove(write)
        elif outcome and write.is_whole:
            write.seq = answer.json.get("seq", 0)
            check(outcome == "unknown" and write.seq, f"503 of another kind: {answer.text[:300]}")
            self.numbers.reach(write.seq, is_durable=False)
        elif is_done(answer):
            write.seq = answer.seq
            self.numbers.answer(answer.seq, f"{write.kind} {write.gateway} {id(write)}", self.before)
            self.numbers.reach(answer.seq, is_durable=not write.is_applied)
            self.space.settle(self.numbers.floor)
        else:
            check(answer.status in (503, 507) or answer.has_succeeded,
                  f"{write.request.method} {write.request.path}: {answer.status} {answer.text[:300]}")
        return answer

    def write_some(self, client: Client, count: int) -> None:
        """All are acknowledged."""
        for _ in range(count):
            write = self.draw()
            answer = self.offer(client, write)
            check(is_done(answer), f"{write.kind}: {answer.status} {answer.text[:300]}")

    def life_is_over(self) -> None:
        """What this life has shown to be durable is certain from now on."""
        self.raise_failures()
        self.space.settle(self.numbers.floor)

    def verify(self, server: Server) -> None:
        """All that was promised is there, the subscriber resumes, and the server takes writes. Ends with a kill."""
        server.await_listening()
        following = self.follow(server)
        with Client(server.address) as client:
            epoch = client.get("/v1").json["epoch"]
            check(epoch == (self.epoch or epoch), f"epoch {epoch} instead of {self.epoch}")
            self.epoch = epoch
            found, seq = listed(client)
            check(seq >= self.numbers.floor, f"the server is at {seq}, but {self.numbers.floor} was durable")
            self.space.resolve(without_default(found))
            check(self.subscriber.synced.wait(PATIENCE), f"no sync within {PATIENCE:g} s")
            self.raise_failures()
            held, rows = ({key: row.h for key, row in state.items()} for state in (self.subscriber.held, found))
            check(held == rows, "the subscriber holds another state than is listed")
            answer = self.offer(client, self.lots.put(found))
            check(answer.has_succeeded, f"the server takes no writes: {answer.status} {answer.text[:300]}")
        server.kill()
        following.join(PATIENCE)
        check(not following.is_alive(), "the subscriber goes on without a server")
        self.life_is_over()

    def verify_anew(self) -> None:
        with self.start() as server:
            self.verify(server)


def is_done(answer: Answer) -> bool:
    """Acknowledged, and no line of an import refused."""
    if not answer.has_succeeded or not answer.seq:
        return False
    return "rejected_count" not in answer.text or answer.json["rejected_count"] == 0


def ended_with_a_sentence(server: Server) -> str:
    """The last word of a server that refused to start: status 1 and one line of text."""
    status = server.end()
    check(not server.address, "it started")
    check(status == 1, f"it ended with {status} instead of 1; {server.words()}")
    check(has_a_sentence(server), f"it ended without a sentence; {server.words()}")
    return server.log[-1]


def has_a_sentence(server: Server) -> bool:
    """Its last line is one of the log, or one as commands say why they end."""
    last = server.log[-1] if server.log else ""
    return last.startswith("fibd: ") or last.startswith("{") and '"message":' in last


def await_ready(client: Client) -> None:
    """Waits until /readyz answers 200: with a poll, since the server can't say when it will."""
    end = time.monotonic() + PATIENCE
    while (answer := client.get_any("/readyz")).status != 200:
        check(answer.status == 503, f"/readyz: {answer.status} {answer.text[:200]}")
        check(time.monotonic() < end, f"not ready again within {PATIENCE:g} s: {answer.text[:200]}")
        time.sleep(0.02)

