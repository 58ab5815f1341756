"""How a soak goes: a line now and then, and a summary."""
import time
from collections.abc import Iterator
from typing import Any

from resources import Watch, growth, machine_seconds, sample, share
from subscribers import Subscribers
from writer import Writer


class Progress:
    """What has happened since the last look, as a line; and all of it, as a summary."""

    def __init__(self, pid: int, watch: Watch, subscribers: Subscribers, writer: Writer):
        self.pid, self.watch, self.subscribers, self.writer = pid, watch, subscribers, writer
        self.began = time.monotonic()
        self.first = self.last = self.look()
        self.ended = self.first

    @property
    def seconds(self) -> float:
        return time.monotonic() - self.began

    def look(self) -> dict[str, float]:
        """Numbers that only grow."""
        latest = self.subscribers.latest
        idle, stolen = machine_seconds()
        return {"at": latest["seconds"], "wall": time.monotonic(), "bytes": latest["bytes"], "written": self.writer.written,
                "changes": sum(latest[who]["changes"] for who in ("fast", "slow")),
                "rows": sum(latest[who]["rows"] + latest[who]["catchups"] for who in ("fast", "slow")),
                "server": sample(self.pid).processor_seconds,
                "subscribers": self.subscribers.processor_seconds, "idle": idle, "stolen": stolen,
                "answers": len(self.watch.answers)}

    @staticmethod
    def rates(before: dict[str, float], now: dict[str, float]) -> str:
        streams, wall = max(0.001, now["at"] - before["at"]), max(0.001, now["wall"] - before["wall"])
        per = {name: (now[name] - before[name]) / streams for name in ("changes", "rows", "bytes")}
        busy = {name: (now[name] - before[name]) / wall * 100 for name in ("server", "subscribers", "idle", "stolen")}
        return (f"{(now['written'] - before['written']) / wall:,.0f} changes/s written, {per['changes']:,.0f} delivered/s, "
                f"{per['rows']:,.0f} rows/s, {per['bytes'] / 1e6:,.0f} MB/s; "
                f"fibd {busy['server']:.0f} %, subscribers {busy['subscribers']:.0f} % of a core, "
                f"{busy['idle']:.0f} % idle, {busy['stolen']:.0f} % stolen")

    def line(self) -> str:
        before, self.last = self.last, self.look()
        latest, used = self.subscribers.latest, sample(self.pid)
        answers = self.watch.answers[int(before["answers"]):]
        arrived = f"{latest['arrived']:,} have arrived, " if latest["arrived"] else ""
        return (f"{self.seconds:4.0f} s: {arrived}{latest['open']:,} open, {latest['in_sequence']:,} in sequence, "
                f"at most {latest['behind']:,} behind; {self.rates(before, self.last)}; {used.mebibytes:.0f} MiB, "
                f"{used.descriptors:,} descriptors, {used.threads} threads; /livez {share(answers, 1) * 1e3:.0f} ms at most; "
                f"resets {latest['fast']['resets']} and {latest['slow']['resets']} slow; broken rules {latest['violations']}, "
                f"stalled {latest['stalls']}")

    def end(self) -> None:
        self.ended = self.look()

    def summary(self, finished: dict[str, Any]) -> Iterator[str]:
        fast, slow, watch = finished["fast"], finished["slow"], self.watch
        yield f"in all: {self.rates(self.first, self.ended)}"
        yield (f"written: {self.writer.written:,} changes, {self.writer.transactions:,} transactions among them; an answer after "
               + times(self.writer.latencies))
        yield (f"delivered: {fast['changes'] + slow['changes']:,} changes, {fast['rows'] + slow['rows']:,} rows, "
               f"{fast['syncs'] + slow['syncs']:,} syncs of which all agree; {fast['transactions']:,} transactions, whole to who sees all")
        yield (f"streams: {finished['cuts']:,} cut; {fast['replays']:,} replays, of these {fast['refusals']:,} as the cursor was "
               f"refused, {fast['resumptions']:,} resumed, {fast['lives']:,} live; {finished['to_sync']:.1f} s to a first sync "
               f"at most, later ones at most {finished['late_sync']:.1f} s late")
        yield (f"told to have missed something: {fast['resets']} resets and {fast['errors']} ends of those who read at once, "
               f"{slow['resets']} and {slow['errors']} of slow ones, and {slow['catchups']:,} differences; "
               f"{finished['broken_off']} slow ones were broken off by TCP")
        yield f"/livez: {len(watch.answers):,} answers, {times(watch.answers)}"
        mebibytes = [each.mebibytes for each in watch.samples]
        yield (f"memory: {mebibytes[0]:.0f} MiB at first, {mebibytes[len(mebibytes) // 2]:.0f} in the middle, {mebibytes[-1]:.0f} "
               f"at the end, {max(mebibytes):.0f} at most; over the last half {growth(watch.samples):+.1f} MiB")


def times(seconds: list[float]) -> str:
    p50, p99, most = (share(seconds, part) * 1e3 for part in (0.5, 0.99, 1))
    return f"{p50:.1f} ms (p50), {p99:.1f} ms (p99), {most:.0f} ms at most"
