"""What a data directory must hold: the writes of one writer in their order, and how far they are certain.

A write is certain once its number, or a higher one, was acknowledged as durable or was seen on a stream: the journal is
in the order of the numbers. After a crash a space (the keys of one writer) must be as after all certain writes and some
number of those behind them, in their order and each as a whole; only an import may have come to any of its lines.
"""
from dataclasses import dataclass, field

from servers import Request, Violation
from state import Key, Row, State, agree, differences


@dataclass
class Write:
    """A request and what it changes: for each key the new hash, or None if it goes."""

    kind: str
    request: Request
    changes: list[tuple[Key, str | None]]
    gateway: str = ""
    is_whole: bool = True  # all or nothing; an import is a prefix of its lines
    is_numbered: bool = True  # its changes have consecutive numbers, the last of which is answered
    is_applied: bool = False  # asked for no more than ack=applied
    seq: int = 0  # as answered; 0 without an answer

    def rows(self) -> list[tuple[Key, Row | None]]:
        first = self.seq - len(self.changes) + 1 if self.seq and self.is_numbered else 0
        return [(key, Row(h, first + place if first else 0) if h else None)
                for place, (key, h) in enumerate(self.changes)]


@dataclass
class Space:
    """The keys of one writer."""

    name: str
    network: str  # the first two bytes of its prefixes in namespace default
    certain: State = field(default_factory=dict)
    pending: list[Write] = field(default_factory=list)
    happened: int = 0
    vanished: int = 0

    def owns(self, key: Key) -> bool:
        return key.namespace == self.name or (key.namespace == "default" and key.dst.startswith(self.network))

    @property
    def is_known(self) -> bool:
        return all(write.seq for write in self.pending)

    def current(self) -> State:
        """The state as the running server must have it, once all writes were answered."""
        state = dict(self.certain)
        for write in self.pending:
            apply(state, write)
        return state

    def settle(self, floor: int) -> None:
        """Writes up to that number, which was reached in the same life of the server, are certain."""
        while self.pending and 0 < self.pending[0].seq <= floor:
            apply(self.certain, self.pending.pop(0))

    def resolve(self, found: State) -> None:
        """Finds out what became of the pending writes, given the space's rows, or says what is wrong."""
        state = dict(self.certain)
        wrong = {key for key in state.keys() | found.keys() if not same(state.get(key), found.get(key))}
        best, count = None if wrong else 0, 0
        for count, write in enumerate(self.pending, 1):
            for key, row in write.rows():
                place(state, key, row)
                (wrong.discard if same(row, found.get(key)) else wrong.add)(key)
                if not wrong and not write.is_whole:
                    best = count
            if not wrong:
                best = count
        if best is None:
            raise Violation(self.complaint(found, state))
        self.happened, self.vanished = self.happened + best, self.vanished + len(self.pending) - best
        self.certain, self.pending = dict(found), []

    def complaint(self, found: State, last: State) -> str:
        if not self.pending:
            return f"{self.name}: acknowledged writes are not there: {'; '.join(differences(self.certain, found))}"
        tail = ", ".join(f"{write.kind} of {len(write.changes)} changes ({write.seq or 'unanswered'})"
                         for write in self.pending)
        return (f"{self.name}: the rows are neither as before nor as after any of these pending writes: {tail}; "
                f"before them it would be: {'; '.join(differences(self.certain, found)) or 'nothing wrong'}; "
                f"after them: {'; '.join(differences(last, found)) or 'nothing wrong'}")


def same(want: Row | None, have: Row | None) -> bool:
    return want is None and have is None if want is None or have is None else agree(want, have)


def place(state: State, key: Key, row: Row | None) -> None:
    if row:
        state[key] = row
    else:
        state.pop(key, None)


def apply(state: State, write: Write) -> None:
    for key, row in write.rows():
        place(state, key, row)
