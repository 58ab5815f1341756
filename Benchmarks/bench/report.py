"""Figures, the ratios between them, and how they are printed and kept."""
import json
import statistics


class Goal:
    """What fibd's figure should be: so much of another's, taken in the same round, or so much by itself."""

    def __init__(self, of=None, at_least=None, at_most=None):
        self.of, self.at_least, self.at_most = of, at_least, at_most

    @property
    def bound(self):
        return self.at_least if self.at_least is not None else self.at_most

    def reach(self, value):
        """How far the goal is reached: 1 is just so, more is better."""
        if self.at_least is not None:
            return value / self.at_least
        return min(10, self.at_most / value) if value else 10


class Figure:
    """One thing measured: of fibd, and of whatever it is compared with, a value a round. `at` says of which point of a
    curve it is, `texts` what to show in place of a value."""

    def __init__(self, case, unit, rounds, *goals, note="", at=None, texts=None):
        self.case, self.unit, self.goals, self.note, self.at, self.texts = case, unit, goals, note, at or {}, texts or {}
        self.rounds = {name: list(values) for name, values in rounds.items() if values}
        self.medians = {name: statistics.median(values) for name, values in self.rounds.items()}

    def ratio(self, name):
        """The median of fibd's ratios to the other, each of one round. None if either is missing."""
        mine, others = self.rounds.get("fibd"), self.rounds.get(name)
        if not mine or not others:
            return None
        # One that was measured once (because it takes long) is compared with every round of the other.
        length = max(len(mine), len(others))
        mine, others = (values * length if len(values) == 1 else values for values in (mine, others))
        return statistics.median(a / b for a, b in zip(mine, others)) if all(others) else None

    def judged(self):
        """Every goal that can be judged, with the value it is about and how far it is reached."""
        for goal in self.goals:
            value = self.medians.get("fibd") if goal.of is None else self.ratio(goal.of)
            if value is not None:
                yield goal, value, goal.reach(value)

    def record(self, row, command):
        return {
            "row": row, "case": self.case, "unit": self.unit, "command": command, "figures": self.medians,
            "rounds": self.rounds, "note": self.note, "at": self.at, "texts": self.texts,
            "ratios": {name: self.ratio(name) for name in self.medians if name != "fibd" and "fibd" in self.medians},
            "goals": [
                {"of": goal.of, "at_least": goal.at_least, "at_most": goal.at_most, "value": value, "reached": reached}
                for goal, value, reached in self.judged()
            ],
        }


class Percentiles(Figure):
    """The spread of one thing measured: a client's report a round, with p50_us … max_us behind a prefix. Ratios are those of
    the p50s."""

    NAMES = ("p50", "p90", "p99", "p999", "max")

    def __init__(self, case, rounds, prefix="", at=None):
        self.spread = {name: {share: statistics.median(result[f"{prefix}{share}_us"] / 1e3 for result in results)
                              for share in self.NAMES} for name, results in rounds.items() if results}
        super().__init__(case, "ms", {name: [result[f"{prefix}p50_us"] / 1e3 for result in results]
                                      for name, results in rounds.items()},
                         at=at, texts={name: " / ".join(shown(spread[share]) for share in self.NAMES)
                                       for name, spread in self.spread.items()})

    def record(self, row, command):
        return {**super().record(row, command), "spread": self.spread}


class Skipped:
    """Something that could not be compared, and why. It is no failure."""

    def __init__(self, what, reason):
        self.text = f"skipped: {what}: {reason}"


class Fault:
    """Something that fibd did wrong while it was measured."""

    def __init__(self, text):
        self.text = f"FAULT: {text}"


class Report:
    """Prints figures as they come and writes them to a file of JSON lines."""

    def __init__(self, path):
        self.file = open(path, "a", encoding="utf-8") if path else None

    def begin_row(self, name, about):
        print(f"\n== {name}: {about}", flush=True)

    def add(self, row, figure):
        if not isinstance(figure, Figure):
            print(f"  {figure.text}", flush=True)
            return
        texts = {**{name: shown(value, figure.unit) for name, value in figure.medians.items()}, **figure.texts}
        values = "   ".join(f"{name} {text}" for name, text in texts.items())
        print(f"  {figure.case:<52} {values}   {figure.unit}", flush=True)
        judged = {goal.of: (goal, value, reached) for goal, value, reached in figure.judged()}
        for name in [None, *figure.medians]:
            ratio = figure.ratio(name) if name else None
            if name in judged:
                print("      " + verdict(figure.unit, *judged[name]))
            elif ratio is not None and name != "fibd":
                print(f"      {ratio:.2f} × {name}")
        if figure.note:
            print(f"      {figure.note}")
        self.write(figure.record(row, f"Benchmarks/run {row}"))

    def write(self, record):
        if self.file:
            self.file.write(json.dumps(record) + "\n")
            self.file.flush()


def verdict(unit, goal, value, reached):
    subject = f"{value:.2f} × {goal.of}" if goal.of else shown(value, unit)
    bound = f"{'≥' if goal.at_least is not None else '≤'} {shown(goal.bound, '' if goal.of else unit)}"
    if reached >= 1:
        return f"{subject}, goal {bound}: met ({reached:.2f} of it)"
    return f"{subject}, goal {bound}: MISSED ({reached:.2f} of it)"


def shown(value, unit=""):
    """Three digits that count. Rates get a letter (1.29 M, 94.1 k), times and sizes are written out (26,200)."""
    rounded = float(f"{value:.3g}")
    if not unit.endswith("/s"):
        return f"{rounded:,.10g}"
    for factor, letter in ((1e9, " G"), (1e6, " M"), (1e3, " k")):
        if abs(rounded) >= factor:
            return f"{rounded / factor:.3g}{letter}"
    return f"{rounded:.3g}"
