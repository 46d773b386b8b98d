"""A study in which programs have a say: every system by scale and steps, rules against one another.

All systems are decided on the same stored draws, in the rounds' own order. Weights of votes are
fitted on each cell's validation draws.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Any, NamedTuple

from lorid_data.errors import InputError
from lorid_data.folders.evaluations import DRAWS
from lorid_data.folders.names import RECORDS
from lorid_data.folders.parquet import read_rows
from lorid_data.schema import Record
from lorid_train.interaction.rules import answer_of, decide
from lorid_train.interaction.three_way import Votes
from lorid_train.metrics.grading import GradedProblem, gold_of, grade
from lorid_train.metrics.intervals import paired_interval
from lorid_train.metrics.numbers import fraction
from lorid_train.metrics.program_votes import fitted
from lorid_train.metrics.programs import of_programs
from lorid_train.metrics.rows import Metric, Outcome, Verdict
from lorid_train.metrics.significance import holm, mcnemar_exact
from lorid_train.metrics.systems import kind, outcomes
from lorid_train.report.reading import DrawFile
from lorid_train.report.three_way import three_way_systems
from lorid_train.study_report.cells import Cell

FALLBACK = "ir"
COMPARED = (
    ("cg-greedy", "ir-greedy"), ("cg-greedy", "lorid@T"), ("cg-greedy", "maj-ir@K"),
    ("cg-repeat@T", "cg-alone@T"), ("cg-must-agree@T", "cg-alone@T"), ("any-two@T", "cg-alone@T"),
    ("cg-votes@T", "cg-alone@T"),
    ("any-two@T", "lorid@T"), ("cg-must-agree@T", "lorid@T"), ("cg-votes@T", "lorid@T"),
)  # fmt: skip
"""What was fixed before any number; Holm adjusts over all of them."""


class Row(NamedTuple):
    """One outcome of one system in one cell."""

    cell: str
    scale: int | None
    steps: str
    outcome: Outcome


@dataclass(frozen=True, slots=True)
class ProgramStudy:
    """What the draws of all cells amount to."""

    rows: Mapping[str, Sequence[Row]]
    """By system, T and K left open."""
    draws: Sequence[Metric]
    """Of programs and agreements, over all cells."""
    by_scale: Mapping[int, Sequence[Metric]]
    """The same at each scale."""
    votes: Mapping[str, Votes]
    """What was counted in each cell."""
    notes: Mapping[str, str]
    """What to know about a system, and why one is left out."""


def study_of(cells: Sequence[Cell], scales: Mapping[str, int]) -> ProgramStudy:
    """Read the cells and decide every system.

    Args:
        cells: with test and validation folders.
        scales: of each test problem, by id; empty where there is one.

    Raises:
        InputError: a folder cannot be read, or no program was drawn.
    """
    rows: dict[str, list[Row]] = {}
    votes: dict[str, Votes] = {}
    notes: dict[str, str] = {}
    graded: list[GradedProblem] = []
    for cell in cells:
        of_cell = _graded(cell.test)
        votes[cell.name] = fitted(_graded(cell.validation) if cell.validation else [])
        rounds = min((min(len(g.ir), len(g.dr)) for g in of_cell), default=0)
        further = three_way_systems(of_cell, rounds, FALLBACK, votes[cell.name])
        if not further:
            raise InputError(f"{cell.test}: no program was drawn, so there is nothing to compare")
        scored = outcomes(of_cell, rounds=rounds, thresholds=(), further=further)
        steps = {g.gold.problem_id: g.gold.slices.get("level", "") for g in of_cell}
        for name, found in scored.outcomes.items():
            rows.setdefault(_open(name, rounds), []).extend(
                Row(cell.name, scales.get(o.problem_id), steps[o.problem_id], o) for o in found
            )
        of = {**scored.left_out, **scored.notes}
        notes |= {f"{cell.name}, {name}": why for name, why in of.items()}
        graded += of_cell
    by_scale = {
        s: of_programs([g for g in graded if scales.get(g.gold.problem_id) == s])
        for s in sorted(set(scales.values()))
    }
    return ProgramStudy(rows, of_programs(graded), by_scale, votes, notes)


def _open(name: str, rounds: int) -> str:
    """A system's name with T for the largest threshold, and K for what was matched."""
    return name.removesuffix(f"@{rounds}") + "@T" if _is_at(name, rounds) else kind(name)


def _is_at(name: str, rounds: int) -> bool:
    head, at, t = name.partition("@")
    return bool(at) and t == str(rounds) and not head.startswith(("maj-", "early-stop-"))


def _graded(folder: Path) -> list[GradedProblem]:
    """All draws of an evaluation folder, graded; the loop is decided in whole rounds."""
    draws = DrawFile(folder / DRAWS)
    by_problem: dict[str, Record] = {}
    for record in read_rows(folder / RECORDS, Record):
        by_problem.setdefault(record.problem_id, record)
    found: list[GradedProblem] = []
    for problem_id, record in by_problem.items():
        of = draws(problem_id)
        rounds = max((d.round for d in of if d.role == "dr"), default=0)
        found += grade(
            gold_of(record), of, rounds=rounds, extract=answer_of,
            decide=lambda some, t: decide(some, rule="same_round", rounds=t, fallback="ir"),
        )  # fmt: skip
    return found


def accuracy(
    study: ProgramStudy, system: str, test: Callable[[Row], bool] = lambda _: True
) -> Metric:
    """How often a system is right, over the rows that pass a test; cells of one problem are one cluster."""
    flags: dict[str, list[bool]] = {}
    for row in study.rows[system]:
        if test(row):
            right = row.outcome.verdict == Verdict.CORRECT
            flags.setdefault(row.outcome.problem_id, []).append(right)
    return fraction(system, "accuracy", flags)


def mean_tokens(study: ProgramStudy, system: str) -> float:
    """Generated tokens per problem."""
    rows = study.rows[system]
    return sum(r.outcome.n_tokens for r in rows) / len(rows)


class Difference(NamedTuple):
    """One planned comparison."""

    first: str
    second: str
    value: float
    low: float
    high: float
    p_holm: float


def differences(study: ProgramStudy) -> list[Difference]:
    """The planned comparisons that the draws allow, paired by problem over the means of its cells."""
    found, ps = [], []
    for first, second in COMPARED:
        if first not in study.rows or second not in study.rows:
            continue
        a, b = (_means(study.rows[s]) for s in (first, second))
        shared = [p for p in a if p in b]
        x, y = [a[p] for p in shared], [b[p] for p in shared]
        (low, high), _ = paired_interval(x, y, seed=0, n_resamples=10_000)
        ps.append(
            mcnemar_exact(
                sum(i > j for i, j in zip(x, y, strict=True)),
                sum(i < j for i, j in zip(x, y, strict=True)),
            )
        )
        found.append(Difference(first, second, (sum(x) - sum(y)) / len(x), low, high, 1.0))
    return [d._replace(p_holm=p) for d, p in zip(found, holm(ps), strict=True)]


def _means(rows: Sequence[Row]) -> dict[str, float]:
    flags: dict[str, list[bool]] = {}
    for r in rows:
        flags.setdefault(r.outcome.problem_id, []).append(r.outcome.verdict == Verdict.CORRECT)
    return {p: sum(f) / len(f) for p, f in flags.items()}


def as_json(study: ProgramStudy) -> dict[str, Any]:
    """The study's numbers: fractions, no clock and no path."""
    scales = sorted({r.scale for rows in study.rows.values() for r in rows if r.scale is not None})
    steps = sorted({r.steps for rows in study.rows.values() for r in rows if r.steps})
    cells = list(dict.fromkeys(r.cell for rows in study.rows.values() for r in rows))
    tests: list[tuple[str | None, Callable[[Row], bool]]] = [(None, lambda _: True)]
    tests += [(f"scale={s}", partial(_is_of, scale=s)) for s in scales]
    tests += [(f"steps={s}", partial(_is_of, steps=s)) for s in steps]
    tests += [(f"cell={c}", partial(_is_of, cell=c)) for c in cells]
    tests += [
        (f"cell={c},scale={s}", partial(_is_of, cell=c, scale=s)) for c in cells for s in scales
    ]
    systems = [
        accuracy(study, system, test).model_copy(update={"slice": name})
        for system in study.rows
        for name, test in tests
    ]
    tokens = {s: round(mean_tokens(study, s), 2) for s in study.rows}
    of_draws = [
        *study.draws,
        *(
            m.model_copy(update={"slice": ",".join(filter(None, (f"scale={s}", m.slice)))})
            for s, metrics in study.by_scale.items()
            for m in metrics
        ),
    ]
    return {
        "schema": 1,
        "metrics": [m.model_dump(mode="json") for m in (*systems, *of_draws)],
        "tokens_per_problem": tokens,
        "differences": [d._asdict() for d in differences(study)],
        "votes": {
            cell: {n: getattr(v, n) for n in ("ir", "dr", "cg", "cg_ungrounded", "ahead")}
            for cell, v in study.votes.items()
        },
        "notes": dict(study.notes),
    }


def _is_of(
    row: Row, *, cell: str | None = None, scale: int | None = None, steps: str | None = None
) -> bool:
    """Whether a row is of a cell, a scale and a number of steps; None takes all."""
    wanted = ((cell, row.cell), (scale, row.scale), (steps, row.steps))
    return all(a is None or a == b for a, b in wanted)
