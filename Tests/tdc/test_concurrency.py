"""A short run of concurrency.py; and what it must not let pass."""
import contextlib
import io
import unittest

import concurrency
from cases import Case, cases
from concurrency import expect_answers, expect_state, expect_stream
from observer import BINARY, Violation
from writers import Result


class ConcurrencyTests(unittest.TestCase):
    def run_all(self, chosen: list[Case], in_transactions: bool) -> None:
        lines, errors = io.StringIO(), io.StringIO()
        with contextlib.redirect_stdout(lines), contextlib.redirect_stderr(errors):
            holds = concurrency.run_all(BINARY, chosen, True, in_transactions)
        self.assertTrue(holds, errors.getvalue())
        self.assertEqual(len(chosen), lines.getvalue().count(": ok, "), lines.getvalue())

    def test_cases_hold(self):
        self.run_all(cases(800, 4), in_transactions=False)

    def test_cases_hold_with_deletions_in_transactions(self):
        self.run_all([case for case in cases(800, 4) if case.deleted and not case.races_to_delete], in_transactions=True)


def answers(of: str) -> tuple[Case, list[Result]]:
    """A case of 40 filters, and answers as they must be."""
    case = next(each for each in cases(40, 4) if each.id == of)
    results = []
    for number, batch in enumerate(case.together):
        result = Result()
        if batch.verb == "add":
            result.created = batch.count
        elif batch.verb == "replace":
            result.replaced = batch.count
        elif case.races_to_delete:
            result.deleted = bytearray(number == 0 for _ in range(batch.count))
            result.missed = 0 if number == 0 else batch.count
        else:
            result.deleted = bytearray(b"\1" * batch.count)
        results.append(result)
    return case, results


class Shown:
    """Instead of a server: what it would show of a case, with or without what is wrong."""

    def __init__(self, case: Case):
        self.marks = {handle: min(case.marks(handle)) for handle in case.left}
        count = len(case.left)
        actions = min(count, 1) if case.shares else count
        self.counts = {"filters": count, "gact": actions, "chains": min(count, 1)}
        self.rows = {"filter": count, "action": actions, "chain": min(count, 1)}
        self.told = dict(self.rows)
        self.bindings = count

    def listed(self):
        return self.marks

    def count(self, path):
        return self.counts[path.rsplit("/", 1)[1]]

    def replayed(self):
        return {kind: count for kind, count in self.rows.items() if count}, self.told

    def send(self, *_):
        return {"ref": self.bindings, "bind": self.bindings}


class FailureTests(unittest.TestCase):
    def test_right_answers_pass(self):
        for case in cases(40, 4):
            with self.subTest(case.id):
                expect_answers(*answers(case.id))
                expect_state(case, Shown(case))

    def test_what_is_wrong_with_an_answer_is_found(self):
        def spoil(of, change, word):
            case, results = answers(of)
            change(results)
            with self.subTest(f"{of} {word}"), self.assertRaisesRegex(Violation, word):
                expect_answers(case, results)

        spoil("e41d", lambda all: all[1].refused.append("500"), "1 refused: 500")
        spoil("e41d", lambda all: setattr(all[2], "created", 9), "39 created instead of 40")
        spoil("c9da", lambda all: setattr(all[2], "created", 1), "1 created instead of 0")
        spoil("14be", lambda all: setattr(all[0], "replaced", 9), "39 replaced instead of 40")
        spoil("6f52", lambda all: all[3].deleted.__setitem__(9, 0), "39 were deleted instead of 40")
        spoil("0c44", lambda all: all[2].deleted.__setitem__(5, 1), "deleted by more than one: .6")
        spoil("0c44", lambda all: setattr(all[2], "missed", 9), "29 missed instead of 30")
        spoil("ab62", lambda all: setattr(all[2], "missed", 1), "1 missed instead of 0")

    def test_what_is_wrong_with_the_state_is_found(self):
        def spoil(of, change, word):
            case = answers(of)[0]
            shown = Shown(case)
            change(shown)
            with self.subTest(f"{of} {word}"), self.assertRaisesRegex(Violation, word):
                expect_state(case, shown)

        spoil("e41d", lambda shown: shown.marks.pop(7), "39 are listed instead of 40")
        spoil("6e8f", lambda shown: shown.marks.update({20: 0}), "21 are listed instead of 20")
        spoil("c9da", lambda shown: shown.marks.update({7: 3}), "1 have the addresses of others: .7")
        spoil("14be", lambda shown: shown.counts.update(gact=11), "'action': 11")
        spoil("0c44", lambda shown: shown.counts.update(chains=1), "'chain': 1")
        spoil("e41d", lambda shown: shown.rows.update(filter=39), "a stream replays")
        spoil("e41d", lambda shown: shown.told.update(action=41), "a stream counts")
        spoil("d052", lambda shown: setattr(shown, "bindings", 39), "the action: .*39")

    def test_what_is_left_of_a_qdisc_is_found(self):
        shown = Shown(answers("e41d")[0])
        with self.assertRaises(Violation):
            expect_stream(shown, {})


if __name__ == "__main__":
    unittest.main()
