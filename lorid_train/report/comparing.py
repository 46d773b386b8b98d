"""Two finished evaluations against each other, on the questions that both hold: a pure function.

`lorid-train compare` and a report over several evaluations show what it returns.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from itertools import combinations
from typing import Any

from lorid_train.metrics.comparisons import across, across_name, compare_runs, right_by_problem
from lorid_train.metrics.numbers import fraction
from lorid_train.metrics.rows import Metric, Outcome, Verdict
from lorid_train.metrics.significance import holm
from lorid_train.metrics.systems import Scored
from lorid_train.report.run_tables import flatten
from lorid_train.report.verdicts import Ruling, ruling
from lorid_train.report.view import EvaluationView
from lorid_train.report.words import numbers


@dataclass(frozen=True, slots=True)
class Side:
    """What a comparison looks at of one evaluation."""

    name: str
    settings: Mapping[str, str]
    """Flat: base, format, sampling, rule, t, seed, …."""
    scored: Scored
    questions: Mapping[str, tuple[str, str]]
    """Question and reference answer by problem id, in the order of the dataset."""
    draw_s: float | None = None
    """Seconds that its draws took, where they were noted."""


@dataclass(frozen=True, slots=True)
class Compared:
    """One system in both runs, over the shared questions."""

    system: str
    accuracy: tuple[Metric, Metric]
    tokens: tuple[float, float]
    """Generated tokens per question."""
    difference: Metric
    """First minus second, with its interval."""
    p: Metric
    """The exact test's."""
    p_holm: Metric
    only: tuple[int, int]
    """Questions that the first run alone gets right (more seeds of), and the second alone."""
    ruling: Ruling


@dataclass(frozen=True, slots=True)
class Flip:
    """A question that the loop gets right in one run only."""

    problem_id: str
    question: str
    gold: str
    answers: tuple[str | None, str | None]
    """Of the lowest seed."""


@dataclass(frozen=True, slots=True)
class Comparison:
    """A − B."""

    names: tuple[str, str]
    n_shared: int
    n_alone: tuple[int, int]
    """Questions that one run alone holds."""
    differing: Mapping[str, tuple[str, str]]
    """Settings that are not the same, by key."""
    n_other_gold: int
    """Shared questions whose reference answers are not the same."""
    systems: Sequence[Compared]
    """The loop first, where both have it."""
    top: str
    """What the loop is called in both."""
    flips: tuple[Sequence[Flip], Sequence[Flip]]
    """Right in the first run only, right in the second only."""
    draw_s: tuple[float | None, float | None]

    @property
    def loop(self) -> Compared | None:
        """The loop in both runs, or None where one lacks it or no question is shared."""
        return next((s for s in self.systems if s.system == self.top), None)


def side_of(view: EvaluationView) -> Side:
    """A comparison's view of an evaluation that a report shows."""
    return Side(
        view.name,
        flatten(view.settings),
        view.scored,
        {pid: (r.question, r.answer) for pid, r in view.records.items()},
        view.draw_s,
    )


def compare_sides(a: Side, b: Side) -> Comparison:
    """Everything that is said of A − B."""
    top = across(a.scored, b.scored)
    shared = [pid for pid in a.questions if pid in b.questions]
    keys = dict.fromkeys([*a.settings, *b.settings])
    both = {k: (a.settings.get(k, "–"), b.settings.get(k, "–")) for k in keys}
    found = numbers(compare_runs(a.scored, b.scored))
    names = [s for s, metric, _ in found if metric == "difference"]
    names.sort(key=lambda s: s != top)
    return Comparison(
        names=(a.name, b.name),
        n_shared=len(shared),
        n_alone=(len(a.questions) - len(shared), len(b.questions) - len(shared)),
        differing={k: pair for k, pair in both.items() if pair[0] != pair[1]},
        n_other_gold=sum(a.questions[p][1] != b.questions[p][1] for p in shared),
        systems=[_system(s, top, a.scored, b.scored, found) for s in names],
        top=top,
        flips=_flips(top, a, b),
        draw_s=(a.draw_s, b.draw_s),
    )


def compare_all(sides: Sequence[Side]) -> list[Comparison]:
    """Every pair, the earlier run first; the loops' p adjusted over all pairs."""
    found = [compare_sides(a, b) for a, b in combinations(sides, 2)]
    loops = [c.loop for c in found if c.loop is not None]
    if len(loops) < 2:
        return found
    adjusted = iter(holm([s.p.value or 0.0 for s in loops]))
    return [_in_family(c, next(adjusted), len(loops)) if c.loop else c for c in found]


def _in_family(c: Comparison, p: float, n: int) -> Comparison:
    """The comparison with its loop's p adjusted over n pairs."""
    systems = []
    for s in c.systems:
        if s.system == c.top:
            method = f"holm over {n} (pairs of runs)"
            p_holm = s.p_holm.model_copy(update={"value": p, "method": method})
            made = {name: getattr(s, name) for name in Compared.__slots__}
            made |= {"p_holm": p_holm, "ruling": ruling(s.difference, p_holm)}
            systems.append(Compared(**made))
        else:
            systems.append(s)
    kept = {name: getattr(c, name) for name in Comparison.__slots__}
    return Comparison(**{**kept, "systems": systems})


def _rows(scored: Scored, system: str, top: str) -> list[Outcome]:
    """The outcomes of a system by the name that both runs know it by."""
    return next(
        rows for s, rows in scored.outcomes.items() if across_name(s, scored, top) == system
    )


def _system(
    system: str, top: str, a: Scored, b: Scored, found: Mapping[tuple[str, str, str | None], Metric]
) -> Compared:
    def metric(name: str) -> Metric:
        return found[system, name, "other-run"]

    rows = [_rows(run, system, top) for run in (a, b)]
    ids = {o.problem_id for o in rows[0]} & {o.problem_id for o in rows[1]}
    kept = [[o for o in of if o.problem_id in ids] for of in rows]
    accuracy, tokens = [], []
    for of in kept:
        flags: dict[str, list[bool]] = {}
        for o in of:
            flags.setdefault(o.problem_id, []).append(o.verdict == Verdict.CORRECT)
        accuracy.append(fraction(system, "accuracy", flags))
        tokens.append(sum(o.n_tokens for o in of) / len(of))
    only = (metric("only_this_right"), metric("only_other_right"))
    counts = [round((m.value or 0) * m.n) for m in only]
    difference, p_holm = metric("difference"), metric("mcnemar_p_holm")
    return Compared(
        system=system,
        accuracy=(accuracy[0], accuracy[1]),
        tokens=(tokens[0], tokens[1]),
        difference=difference,
        p=metric("mcnemar_p"),
        p_holm=p_holm,
        only=(counts[0], counts[1]),
        ruling=ruling(difference, p_holm),
    )


def _flips(top: str, a: Side, b: Side) -> tuple[list[Flip], list[Flip]]:
    if any(s.scored.headline not in s.scored.outcomes for s in (a, b)):
        return [], []
    rows = [_rows(s.scored, top, top) for s in (a, b)]
    right = [right_by_problem(of) for of in rows]
    answers = [_answers(of) for of in rows]
    gained: tuple[list[Flip], list[Flip]] = ([], [])
    for pid, (question, gold) in a.questions.items():
        if pid in right[0] and pid in right[1] and right[0][pid] != right[1][pid]:
            side = 0 if right[0][pid] > right[1][pid] else 1
            gained[side].append(Flip(pid, question, gold, (answers[0][pid], answers[1][pid])))
    return gained


def _answers(rows: Sequence[Outcome]) -> dict[str, str | None]:
    """The lowest seed's answer to each question."""
    found: dict[str, str | None] = {}
    for o in sorted(rows, key=lambda o: o.seed):
        found.setdefault(o.problem_id, o.answer)
    return found


def as_json(found: Sequence[Comparison]) -> dict[str, Any]:
    """What a program reads: schema, the runs' names, and every pair."""
    names = list(dict.fromkeys(n for c in found for n in c.names))
    return {"schema": 1, "runs": names, "pairs": [_pair(c) for c in found]}


def _pair(c: Comparison) -> dict[str, Any]:
    return {
        "first": c.names[0],
        "second": c.names[1],
        "n_shared": c.n_shared,
        "n_first_alone": c.n_alone[0],
        "n_second_alone": c.n_alone[1],
        "differing_settings": {k: list(v) for k, v in c.differing.items()},
        "n_other_reference": c.n_other_gold,
        "loop": c.top if c.loop else None,
        "systems": [_of_system(s) for s in c.systems],
        "only_first_right": [f.problem_id for f in c.flips[0]],
        "only_second_right": [f.problem_id for f in c.flips[1]],
        "draw_s": list(c.draw_s),
    }


def _of_system(s: Compared) -> dict[str, Any]:
    d = s.difference
    sides = [
        {
            "accuracy": m.value, "ci_low": m.ci_low, "ci_high": m.ci_high, "method": m.method,
            "tokens_per_problem": tokens,
        }
        for m, tokens in zip(s.accuracy, s.tokens, strict=True)
    ]  # fmt: skip
    return {
        "system": s.system, "n": d.n, "first": sides[0], "second": sides[1], "difference": d.value,
        "ci_low": d.ci_low, "ci_high": d.ci_high, "method": d.method, "n_only_first": s.only[0],
        "n_only_second": s.only[1], "p": s.p.value, "p_holm": s.p_holm.value, "test": s.p.method,
        "family": s.p_holm.method, "verdict": None if s.ruling == "few" else s.ruling,
    }  # fmt: skip
