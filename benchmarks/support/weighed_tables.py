"""What `benchmarks/weighed.py` says of a setting: systems on the same draws, calibration, who wins where, a router."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from lorid_data.folders.names import RECORDS
from lorid_data.folders.parquet import read_rows
from lorid_data.schema import Record
from lorid_train.fit_rule.rule import read_graded
from lorid_train.interaction.draws import How
from lorid_train.interaction.rule_files import RuleFile
from lorid_train.interaction.rules import decide_answers
from lorid_train.interaction.weigher import Weigher
from lorid_train.metrics.calibration import Stated
from lorid_train.metrics.grading import GradedProblem
from lorid_train.metrics.rows import Verdict
from lorid_train.metrics.systems import Answered, majority_of, single, votes_reach
from lorid_train.report.view import weighed_at

T = 20
"""The loop's threshold; `--rounds` sets it."""
N_RESAMPLES = 10_000
System = Callable[[GradedProblem], Answered | None]


def loop_name() -> str:
    """The loop with IR's latest answer as fallback, in the tables."""
    return f"lorid@{T}"


@dataclass
class Cell:
    """The test draws of a setting under one seed."""

    records: dict[str, Record]
    graded: list[GradedProblem]

    @classmethod
    def of(cls, folder: Path) -> Cell:
        """The draws of a finished evaluation."""
        rows = {r.problem_id: r for r in read_rows(folder / RECORDS, Record)}
        return cls(rows, read_graded(folder))

    @property
    def originals(self) -> list[str]:
        """The original question of each graded one."""
        return [g.gold.original_id or g.gold.problem_id for g in self.graded]


def refuse_same(rule: RuleFile, records: Iterable[Record], where: str) -> None:
    """Refuse questions that a rule was fitted on.

    Not their variants, which `refuse_fitted_on` refuses too: in `concepts` the original of a question
    is its concept, and a rule, which sees votes alone, is told nothing of concepts.
    """
    if same := {r.problem_id for r in records} & set(rule.questions):
        raise SystemExit(
            f"{where}: the rule was fitted on {len(same):,} of the questions that it is to decide"
        )


def loop(fallback: str) -> System:
    """The loop at T with its own rule."""

    def answer(g: GradedProblem) -> Answered:
        ir, dr = (dict(enumerate((v.answer for v in side), 1)) for side in (g.ir[:T], g.dr[:T]))
        d = decide_answers(ir, dr, rule="same_round", rounds=T, fallback=fallback)  # type: ignore[arg-type]
        said = next((v.verdict for v in (*g.ir, *g.dr) if v.answer == d.answer), Verdict.NO_ANSWER)
        return Answered(d.answer, said, d.how, d.round, g.n_loop_tokens(d.round))

    return answer


def weighed(weigher: Weigher) -> System:
    """The loop at T with a fitted rule."""
    return lambda g: weighed_at(g, weigher=weigher, t=T)


@dataclass
class Rows:
    """A system on all questions of a setting, seed after seed."""

    right: np.ndarray[Any, Any]
    tokens: np.ndarray[Any, Any]
    rounds: float
    agreed: float
    stated: list[Stated]


def rows(cells: Sequence[Cell], systems: Sequence[System]) -> Rows:
    """One system per cell; a rule is that of the other seed."""
    found = [
        (a, original)
        for cell, system in zip(cells, systems, strict=True)
        for g, original in zip(cell.graded, cell.originals, strict=True)
        if (a := system(g)) is not None
    ]
    right = [a.verdict == Verdict.CORRECT for a, _ in found]
    return Rows(
        np.array(right, dtype=float),
        np.array([a.n_tokens for a, _ in found], dtype=float),
        float(np.mean([a.round for a, _ in found])),
        float(np.mean([a.how == How.CONSENSUS for a, _ in found])),
        [Stated(a.probability or 0.0, r, o) for (a, o), r in zip(found, right, strict=True)],
    )


def at_cost(cells: Sequence[Cell], make: Callable[[int], System], ks: Sequence[int], budget: float) -> tuple[int, Rows]:  # fmt: skip
    """The number whose mean tokens come closest to a budget, and its rows."""
    tried = {k: rows(cells, [make(k)] * len(cells)) for k in ks}
    k = min(tried, key=lambda k: (abs(tried[k].tokens.mean() - budget), k))
    return k, tried[k]


def systems(
    cells: Sequence[Cell], judged: Sequence[Weigher], others: dict[str, Sequence[Weigher]]
) -> dict[str, Rows]:
    """Every system on the same draws; the judged rule under the name `weighed`."""
    n = len(cells)
    found = {
        loop_name(): rows(cells, [loop("ir")] * n),
        f"{loop_name()}, DR as fallback": rows(cells, [loop("dr")] * n),
        "weighed": rows(cells, [weighed(w) for w in judged]),
    }
    for name, rules in others.items():
        found[name] = rows(cells, [weighed(w) for w in rules])
    budget = float(found["weighed"].tokens.mean())
    for pool in ("ir", "both"):
        k, r = at_cost(
            cells, lambda k, pool=pool: lambda g: majority_of(g, pool=pool, k=k), range(1, T + 1), budget
        )  # fmt: skip
        found[f"maj-{pool}@{k}"] = r
    m, r = at_cost(cells, lambda m: lambda g: votes_reach(g, m=m, cap=T), range(2, 9), budget)
    found[f"early-stop-ir@{m}"] = r
    for name in ("ir-greedy", "dr-kg-knowledge"):
        found[name] = rows(cells, [single(name)] * n)
    return found


def interval(values: np.ndarray[Any, Any], clusters: Sequence[str]) -> tuple[float, float]:
    """95 % percentile bootstrap of a mean over clusters of questions."""
    _, of = np.unique(clusters, return_inverse=True)
    sums = np.zeros((of.max() + 1, 2))
    np.add.at(sums, of, np.stack([values, np.ones(len(values))], axis=1))
    drawn = (
        np.random.default_rng(0).multinomial(
            len(sums), np.full(len(sums), 1 / len(sums)), size=N_RESAMPLES
        )
        @ sums
    )
    low, high = np.quantile(drawn[:, 0] / drawn[:, 1], (0.025, 0.975))
    return float(low), float(high)


def table(found: dict[str, Rows], clusters: Sequence[str]) -> list[str]:
    """The systems as Markdown, against the loop."""
    base = found[loop_name()]
    lines = [
        "| System | Right | 95 % interval | Tokens | Of the loop's | Against the loop, points | 95 % interval | Mean rounds |",
        "| --- | ---: | ---: | ---: | ---: | ---: | ---: | ---: |",
    ]
    for name, r in found.items():
        low, high = interval(r.right, clusters)
        cells = [name, f"{r.right.mean():.1%}", f"{low:.1%}–{high:.1%}", f"{r.tokens.mean():.0f}", f"{r.tokens.mean() / base.tokens.mean():.0%}"]  # fmt: skip
        if r is base:
            cells += ["", ""]
        else:
            d = r.right - base.right
            low, high = interval(d, clusters)
            cells += [f"{100 * d.mean():+.1f}", f"{100 * low:+.1f} to {100 * high:+.1f}"]
        lines.append("| " + " | ".join([*cells, f"{r.rounds:.1f}"]) + " |")
    return lines
