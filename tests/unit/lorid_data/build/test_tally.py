"""A student's choice over many rows: what is held in numbers says the same as everything at once."""

from __future__ import annotations

import math
import random
from statistics import fmean

import pytest

from lorid_data.build.by_student import Given, Prior, best_by_student, prior
from lorid_data.build.student_worth import compared
from lorid_data.build.tally import NONE, Tally, Teacher
from lorid_data.intervals import Z_95

Lists = list[tuple[Teacher, bool, dict[int, bool]]]
"""Of a row: whose each list is, whether it can be used, and its draws."""


def drawn(seed: int, n: int) -> list[tuple[Lists, int | None, str]]:
    """Rows of one to four teachers, with ties, lists without draws, rows without a usable list."""
    rng = random.Random(seed)
    rows = []
    for i in range(n):
        lists: Lists = []
        for name in rng.sample("abcd", rng.randrange(1, 5)):
            n_draws = rng.choice([0, 1, 2, 4, 4, 9])
            draws = {k: rng.random() < 0.6 for k in range(n_draws) if rng.random() < 0.9}
            lists.append((("scripted", name), rng.random() < 0.8, draws))
        usable = [k for k, (_, is_usable, _) in enumerate(lists) if is_usable]
        rows.append((lists, rng.choice(usable) if usable else None, f"original {i // 3}"))
    return rows


def tally_of(rows: list[tuple[Lists, int | None, str]]) -> Tally:
    tally = Tally()
    for lists, audited, original in rows:
        usable = [k for k, (_, is_usable, _) in enumerate(lists) if is_usable]
        tally.add([t for t, _, _ in lists], usable, [d for _, _, d in lists], audited=audited, original_id=original)  # fmt: skip
    return tally


class AllAtOnce:
    """The same with every draw of every list in memory."""

    def __init__(self, rows: list[tuple[Lists, int | None, str]], half: int | None) -> None:
        self.rows = [
            [(t, use, {n: ok for n, ok in d.items() if half is None or n % 2 == half}) for t, use, d in lists]
            for lists, _, _ in rows
        ]  # fmt: skip
        self.audited = [audited for _, audited, _ in rows]

    def priors(self) -> dict[Teacher, Prior]:
        counts: dict[Teacher, list[tuple[int, int]]] = {}
        for lists in self.rows:
            for teacher, _, draws in lists:
                counts.setdefault(teacher, []).append((sum(draws.values()), len(draws)))
        return {t: prior(found) for t, found in counts.items()}

    def picked(self) -> list[int | None]:
        of = self.priors()
        found = []
        for lists, audited in zip(self.rows, self.audited, strict=True):
            best = [
                (-round(of[t].shrunk(sum(draws.values()), len(draws)), 9), i != audited, i)
                for i, (t, use, draws) in enumerate(lists)
                if use
            ]
            found.append(min(best)[2] if best else None)
        return found


@pytest.mark.parametrize("seed", range(8))
def test_numbers_choose_what_all_draws_choose(seed: int) -> None:
    rows = drawn(seed, 700)
    tally = tally_of(rows)
    for half in (None, 0, 1):
        wanted = AllAtOnce(rows, half)
        got = {t: tally.priors(half)[n] for t, n in tally.teachers.items()}
        assert got == wanted.priors()
        assert [None if p == NONE else p for p in tally.picked(half)] == wanted.picked()
    assert len(tally) == 700
    assert tally.has_draws


@pytest.mark.parametrize("seed", range(4))
def test_what_it_is_worth_is_that_of_all_draws(seed: int) -> None:
    rows = drawn(seed, 700)
    halves = [AllAtOnce(rows, half) for half in (0, 1)]
    picked = [of.picked() for of in halves]
    by_row: list[tuple[float, float, str]] = []
    for i, (_, audited, original) in enumerate(rows):
        pairs = []
        for half in (0, 1):
            mine, chooser, measurer = picked[half][i], halves[half].rows[i], halves[1 - half].rows[i]  # fmt: skip
            if mine is None or audited is None or not any(d for _, _, d in chooser):
                continue
            a, b = measurer[mine][2], measurer[audited][2]
            if a and b:
                pairs.append((fmean(a.values()), fmean(b.values())))
        if pairs:
            by_row.append((fmean(a for a, _ in pairs), fmean(b for _, b in pairs), original))
    found = compared(tally_of(rows))
    assert found is not None
    assert found.n_rows == len(by_row) > 100
    assert found.student == fmean(a for a, _, _ in by_row)
    assert found.audit == fmean(b for _, b, _ in by_row)
    mean, sums = fmean(a - b for a, b, _ in by_row), dict[str, float]()
    for a, b, original in by_row:
        sums[original] = sums.get(original, 0.0) + (a - b) - mean
    k = len(sums)
    wide = Z_95 * math.sqrt(k / (k - 1) * math.fsum(s * s for s in sums.values())) / len(by_row)
    assert (found.low, found.high) == (mean - wide, mean + wide)


def test_rows_of_one_question_say_nothing_of_the_spread() -> None:
    tally = Tally()
    for _ in range(5):
        tally.add([("s", "a"), ("s", "b")], [0, 1], [{0: True, 1: True}, {0: False, 1: False}], audited=1, original_id="o")  # fmt: skip
    found = compared(tally)
    assert found is not None
    assert (found.n_rows, found.student, found.audit, found.low, found.high) == (5, 1.0, 0.0, -1.0, 1.0)  # fmt: skip


def test_a_tally_of_nothing_has_no_draws() -> None:
    tally = Tally()
    tally.add([("s", "a")], [0], [{}], audited=0, original_id="o")
    assert not tally.has_draws
    assert list(tally.rows()) == [[Given(0, True, 0, 0)]]
    assert compared(tally) is None
    assert best_by_student(next(tally.rows()), tally.priors()) == 0


def test_of_equal_lists_a_row_takes_the_audit_s() -> None:
    tally = Tally()
    for audited in (1, 0, None):
        tally.add([("s", "a")] * 2, [0, 1], [{0: True}, {0: True}], audited=audited, original_id="o")  # fmt: skip
    assert list(tally.picked()) == [1, 0, 0]
