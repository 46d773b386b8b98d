"""From outcomes to the numbers of `metrics.json`."""

from __future__ import annotations

import math
from collections import Counter
from collections.abc import Callable, Mapping, Sequence
from typing import Any

from lorid_train.interaction.draws import How
from lorid_train.metrics.calibration import calibration
from lorid_train.metrics.comparisons import compare
from lorid_train.metrics.contrasts import contrasts
from lorid_train.metrics.curves import curves
from lorid_train.metrics.grading import GradedProblem, Vote
from lorid_train.metrics.intervals import bootstrap_mean, is_known, mean_normal
from lorid_train.metrics.numbers import Flags, fraction
from lorid_train.metrics.rows import Metric, Outcome, Verdict
from lorid_train.metrics.systems import EARLY_STOP, Scored, of_sampled_seeds
from lorid_train.metrics.wins import wins
from lorid_train.roles import SELF_STANDING

Grader = Callable[[str, str], Any]
"""answer, gold → bool, or a verdict of `lorid_data.answers.equal`."""

SLICES = ("subject", "level", "steps", "answer_type", "length", "unused_numbers")


def exact_grader(answer: str, gold: str) -> bool:
    """The same string, white space at the ends aside: the strictest grader there is."""
    return answer.strip() == gold.strip()


def summarise(
    scored: Scored,
    graded: Sequence[GradedProblem],
    *,
    graders: Mapping[str, Grader] | None = None,
    seed: int = 0,
    n_resamples: int = 10_000,
) -> list[Metric]:
    """Every metric of one evaluation, in the order of `metrics.json`.

    Args:
        scored: what `outcomes` made of `graded`.
        graded: the graded problems: golds, slices, votes.
        graders: other graders to show the headline under, by name; exact strings by default.
        seed: of the bootstrap; the same seed gives the same numbers.
        n_resamples: of the bootstrap.
    """
    found: list[Metric] = []
    for name, rows in scored.outcomes.items():
        found += _of_system(name, rows)
        if name.startswith("lorid@"):
            found += _of_loop(name, rows, [scored.before(o) for o in rows])
        if name.startswith(EARLY_STOP):
            found.append(mean(name, "mean_rounds", rows, lambda o: o.round, bootstrap=True))
    sampled = of_sampled_seeds(graded)
    found += curves(sampled, scored.rounds)
    found += _over_draws(sampled)
    found += _by_round(scored)
    found += _official(sampled, scored.rounds)
    found += _two_by_two(scored)
    found += _by_slice(scored, graded)
    found += wins(scored, graded, SLICES)
    found += contrasts(graded)
    found += _calibration(scored, graded)
    found += _grading(graded)
    found += _by_grader(scored, graded, graders or {"exact": exact_grader})
    found += compare(scored, seed=seed, n_resamples=n_resamples)
    found += [
        Metric(system=name, metric="accuracy", value=None, n=0, method=f"left out: {reason}")
        for name, reason in scored.left_out.items()
    ]
    return found


def _calibration(scored: Scored, graded: Sequence[GradedProblem]) -> list[Metric]:
    """Of the loop, and of the rule that weighs votes; of answers that are withheld, too."""
    originals = {g.gold.problem_id: g.gold.original_id or g.gold.problem_id for g in graded}
    return [
        m
        for name, rows in scored.outcomes.items()
        if name == scored.headline or name.startswith("weighed@")
        for m in calibration(name, [scored.before(o) for o in rows], originals)
    ]


def _flags(rows: Sequence[Outcome], test: Callable[[Outcome], bool]) -> Flags:
    flags: dict[str, list[bool]] = {}
    for o in rows:
        flags.setdefault(o.problem_id, []).append(test(o))
    return flags


def _is(verdict: Verdict) -> Callable[[Outcome], bool]:
    return lambda o: o.verdict == verdict


def _of_system(name: str, rows: Sequence[Outcome]) -> list[Metric]:
    """What is said of every system."""
    return [
        fraction(name, "accuracy", _flags(rows, _is(Verdict.CORRECT))),
        fraction(name, "no_answer", _flags(rows, _is(Verdict.NO_ANSWER))),
        fraction(name, "ungradable", _flags(rows, _is(Verdict.UNGRADABLE))),
        mean(name, "tokens_per_problem", rows, lambda o: o.n_tokens),
    ]


def _of_loop(name: str, rows: Sequence[Outcome], before: Sequence[Outcome]) -> list[Metric]:
    """Agreement, counted as it was before answers were withheld (`before`), and how many were, if any."""
    agreed = [o for o in before if o.how == How.CONSENSUS]
    rest = [o for o in before if o.how != How.CONSENSUS]
    held = _flags(rows, lambda o: o.how == How.ABSTAINED)
    n_held = [fraction(name, "withheld", held)] if any(map(any, held.values())) else []
    return [
        *n_held,
        fraction(name, "coverage", _flags(before, lambda o: o.how == How.CONSENSUS)),
        fraction(name, "consensus_precision", _flags(agreed, _is(Verdict.CORRECT))),
        fraction(name, "accuracy_without_consensus", _flags(rest, _is(Verdict.CORRECT))),
        mean(name, "mean_rounds", rows, lambda o: o.round, bootstrap=True),
    ]


def mean(
    system: str,
    metric: str,
    rows: Sequence[Outcome],
    value: Callable[[Outcome], int],
    *,
    bootstrap: bool = False,
) -> Metric:
    """A mean over problems (over their seeds first), with its interval; none where all are alike."""
    by_problem: dict[str, list[int]] = {}
    for o in rows:
        by_problem.setdefault(o.problem_id, []).append(value(o))
    means = [sum(v) / len(v) for v in by_problem.values()]
    interval = bootstrap_mean(means) if bootstrap else mean_normal(means)
    known = is_known(interval)
    return Metric(
        system=system,
        metric=metric,
        value=math.fsum(means) / len(means),
        n=len(means),
        ci_low=interval.low if known else None,
        ci_high=interval.high if known else None,
        method="bootstrap" if bootstrap else "mean-normal",
    )


def _over_draws(graded: Sequence[GradedProblem]) -> list[Metric]:
    """Sampled accuracy over every round that all problems have: less noise than round 1 alone.

    Beside it the fraction of these draws that reached the token limit.
    """
    found = []
    for role in ("ir", "dr", *(r for r in SELF_STANDING if r != "ir")):
        name = f"{role}-sampled"
        n_rounds = min((len(g.sampled(role)) for g in graded), default=0)
        right: dict[str, list[bool]] = {}
        cut: dict[str, list[bool]] = {}
        for g in graded:
            votes = g.sampled(role)[:n_rounds]
            right.setdefault(g.gold.problem_id, []).extend(_right(votes))
            cut.setdefault(g.gold.problem_id, []).extend(v.cut for v in votes)
        if n_rounds:
            label = f"rounds=1..{n_rounds}"
            found.append(fraction(name, "accuracy_over_draws", right, slice_name=label))
            found.append(fraction(name, "cut_at_length", cut, slice_name=label))
    return found


def _right(votes: Sequence[Vote]) -> list[bool]:
    return [v.verdict == Verdict.CORRECT for v in votes]


def _by_round(scored: Scored) -> list[Metric]:
    """Where the loop stops, and how right it is there."""
    rows = [scored.before(o) for o in scored.outcomes.get(scored.headline, [])]
    found = []
    for r in range(1, scored.rounds + 1) if rows else ():
        here = [o for o in rows if o.how == How.CONSENSUS and o.round == r]
        stopped = _flags(rows, lambda o, r=r: o.how == How.CONSENSUS and o.round == r)  # type: ignore[misc]
        found.append(fraction(scored.headline, "stopped", stopped, slice_name=f"round={r}"))
        right = _flags(here, _is(Verdict.CORRECT))
        found.append(
            fraction(scored.headline, "consensus_precision", right, slice_name=f"round={r}")
        )
    return found


def _official(graded: Sequence[GradedProblem], rounds: int) -> list[Metric]:
    """The official rule on the same draws, and how often the label chose the answer."""
    name = f"official@{rounds}"
    right: dict[str, list[bool]] = {}
    chosen: dict[str, list[bool]] = {}
    agreed: dict[str, list[bool]] = {}
    for g in graded:
        if g.official is None:
            reason = "left out: draws are missing for questions that the official rule goes on with"
            return [Metric(system=name, metric="accuracy", value=None, n=0, method=reason)]
        right.setdefault(g.gold.problem_id, []).append(g.official.score == 1)
        chosen.setdefault(g.gold.problem_id, []).append(g.official.label_chose)
        agreed.setdefault(g.gold.problem_id, []).append(bool(g.official.candidates))
    return [
        fraction(name, "accuracy", right),
        fraction(name, "coverage", agreed),
        fraction(name, "label_chosen", chosen),
    ]


def _two_by_two(scored: Scored) -> list[Metric]:
    """Who gets what right: IR and DR side by side, greedy and in round 1."""
    found = []
    for label, ir, dr in (
        ("greedy", "ir-greedy", "dr-kg-knowledge"),
        ("round=1", "ir-sampled", "dr-sampled"),
    ):
        if ir not in scored.outcomes or dr not in scored.outcomes:
            continue
        of_ir, of_dr = (_flags(scored.outcomes[s], _is(Verdict.CORRECT)) for s in (ir, dr))
        both = {p: list(zip(of_ir[p], of_dr[p], strict=False)) for p in of_ir if p in of_dr}
        for metric, cell in (
            ("both_right", (True, True)),
            ("only_ir_right", (True, False)),
            ("only_dr_right", (False, True)),
            ("neither_right", (False, False)),
        ):
            flags = {p: [c == cell for c in cells] for p, cells in both.items()}
            found.append(fraction("ir-and-dr", metric, flags, slice_name=label))
        found.append(_kappa([c for cells in both.values() for c in cells], len(both), label))
    return found


def _kappa(cells: Sequence[tuple[bool, bool]], n: int, label: str) -> Metric:
    """Cohen's kappa of being right: 1 where IR and DR err together, 0 where by chance."""
    agree = sum(a == b for a, b in cells) / len(cells)
    p, q = (sum(c[i] for c in cells) / len(cells) for i in (0, 1))
    chance = p * q + (1 - p) * (1 - q)
    value = None if chance == 1 else (agree - chance) / (1 - chance)
    return Metric(system="ir-and-dr", metric="kappa", value=value, n=n, method="cohen", slice=label)


def _grading(graded: Sequence[GradedProblem]) -> list[Metric]:
    """What became of the comparisons with gold answers: one for each distinct answer of a problem.

    Answers of draws that were made ahead of need are in nobody's votes, and do not count.
    """
    found = {
        (g.gold.problem_id, v.answer): g.compared[v.answer]
        for g in graded
        for v in g.votes()
        if v.answer is not None
    }
    counts = Counter(found.values())
    n = counts.total()
    return [
        Metric(
            system="grader",
            metric=name,
            value=counts[name] / n if n else None,
            n=n,
            method="count",
        )
        for name in ("equal", "different", "unparsed", "timeout")
    ]


def _by_slice(scored: Scored, graded: Sequence[GradedProblem]) -> list[Metric]:
    slices = {g.gold.problem_id: g.gold.slices for g in graded}
    found = []
    for key in SLICES:
        values = sorted({s[key] for s in slices.values() if key in s})
        if len(values) < 2:
            continue
        for name, rows in scored.outcomes.items():
            for value in values:
                some = [o for o in rows if slices[o.problem_id].get(key) == value]
                if some:
                    flags = _flags(some, _is(Verdict.CORRECT))
                    found.append(fraction(name, "accuracy", flags, slice_name=f"{key}={value}"))
    return found


def _by_grader(
    scored: Scored, graded: Sequence[GradedProblem], graders: Mapping[str, Grader]
) -> list[Metric]:
    """The same answers under other graders; how answers were chosen does not change."""
    gold = {g.gold.problem_id: g.gold.answers for g in graded}
    found = []
    for grader_name, grader in graders.items():
        seen: dict[tuple[str, tuple[str, ...]], bool] = {}

        def right(
            o: Outcome,
            grader: Grader = grader,
            seen: dict[tuple[str, tuple[str, ...]], bool] = seen,
        ) -> bool:
            if o.answer is None:
                return False
            key = (o.answer, gold[o.problem_id])
            if key not in seen:
                verdicts = [grader(o.answer, one) for one in key[1]]
                seen[key] = any(v == "equal" if isinstance(v, str) else bool(v) for v in verdicts)
            return seen[key]

        for name, rows in scored.outcomes.items():
            flags = _flags(rows, right)
            found.append(fraction(name, "accuracy", flags, slice_name=f"grader={grader_name}"))
    return found
