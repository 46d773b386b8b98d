"""All systems over all problems of all cells: whole numbers, one row a problem."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from lorid_train.metrics.voting import votes_needed, votes_within
from lorid_train.study_report import tallies
from lorid_train.study_report.fitting import StoppingRule, fit
from lorid_train.study_report.plan import SINGLE, Plan, common, plan
from lorid_train.study_report.problems import N_PAIRINGS, Asked
from lorid_train.study_report.reading import CellDraws
from lorid_train.study_report.tallies import Ks, Tally

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

    Ints = NDArray[np.int64]

FIRST, LAST = ("ir-sampled", "dr-sampled"), (tallies.RULE, tallies.ROUTER, tallies.ROUTER_DR)


@dataclass(frozen=True, slots=True)
class Column:
    """A system over all rows."""

    n_right: Ints
    """Right draws or pairings of each row, of `scale`; 0 in cells that lack the system."""
    n_tokens: Ints
    """Their tokens, summed."""
    here: NDArray[np.bool_]
    """The rows of cells that have the system."""
    scale: int


@dataclass(frozen=True, slots=True)
class Rows:
    """What each row is."""

    cell: Ints
    """The cell's place."""
    cluster: Ints
    """Equal for equal (world, group)."""
    frequency: Ints


@dataclass(slots=True)
class StudyScores:
    """A study in numbers."""

    cells: Sequence[CellDraws]
    plan: Plan
    ks: Ks
    rows: Rows
    columns: dict[str, Column] = field(default_factory=dict)
    """By key: `lorid-ir@T`, `maj-ir@K`, …; see `names`."""
    names: dict[str, str] = field(default_factory=dict)
    """By key, what the system is called: `maj-ir@18`."""
    agreed: dict[int, tuple[Ints, Ints, Ints]] = field(default_factory=dict)
    """By t and row: pairings that agree, those that are right, rounds drawn."""
    levels: dict[str, tuple[Ints, Ints]] = field(default_factory=dict)
    """By confidence: pairings, and right ones, (rows, levels)."""
    rules: dict[int, StoppingRule] = field(default_factory=dict)
    """The fitted stopping rule by place of the cell."""
    left_out: dict[tuple[str, str], str] = field(default_factory=dict)
    """Why, by system and cell ('' for all cells)."""
    notes: dict[str, str] = field(default_factory=dict)
    """What to know about a system."""


def score(cells: Sequence[CellDraws]) -> StudyScores:
    """Every system that the draws allow; what they do not allow is left out with its reason."""
    made = plan(cells)
    scored = StudyScores(cells, made, Ks(0, 0, 0), _rows(cells))
    problems = [(i, p) for i, c in enumerate(cells) for p in c.test]
    for name in SINGLE:
        found = [tallies.single(p).get(name) for _, p in problems]
        _add(scored, name, name, found, 1, made.missing[name])
    for name, side, n in zip(FIRST, ("ir", "dr"), (made.n_ir, made.n_dr), strict=True):
        has = made.has[side]
        found = [
            tallies.sampled(p, made.n_ir, made.n_dr)[name] if has[i] else None for i, p in problems
        ]
        _add(scored, name, name, found, n, made.missing[side])
    _loops(scored, problems)
    if any(made.has["loop"]):
        _votes(scored, problems)
    return scored


def _rows(cells: Sequence[CellDraws]) -> Rows:
    import numpy as np

    clusters: dict[tuple[str, str], int] = {}
    cell, cluster, frequency = [], [], []
    for i, c in enumerate(cells):
        for p in c.test:
            cell.append(i)
            cluster.append(clusters.setdefault((c.cell.world, p.group), len(clusters)))
            frequency.append(p.frequency)
    return Rows(*(np.array(x, dtype=np.int64) for x in (cell, cluster, frequency)))


def _add(
    scored: StudyScores,
    key: str,
    name: str,
    found: Iterable[Tally | None],
    scale: int,
    missing: Sequence[str],
) -> None:
    """A system's column; the cells that lack it are named."""
    import numpy as np

    for c, why in zip(scored.cells, missing, strict=True):
        if why:
            scored.left_out[name, c.cell.name] = why
    if all(missing):
        return
    lacking = np.array([bool(why) for why in missing])
    here = ~lacking[scored.rows.cell]
    pairs = [t if ok and t is not None else Tally(0, 0) for t, ok in zip(found, here, strict=True)]
    table = np.array(pairs, dtype=np.int64).reshape(-1, 2)
    scored.columns[key] = Column(table[:, 0], table[:, 1], here, scale)
    scored.names[key] = name


Problems = Sequence[tuple[int, Asked]]


def _loops(scored: StudyScores, problems: Problems) -> None:
    import numpy as np

    made = scored.plan
    has = made.has["loop"]
    played = [tallies.looped(p, made) if has[i] else None for i, p in problems]
    keys = {
        f"lorid-{f}@{t}": f"lorid-{f}@{'T' if t == made.rounds else t}"
        for t in made.thresholds
        for f in ("ir", "dr")
    }
    for name, key in keys.items():
        found = [None if x is None else x.tallies[name] for x in played]
        _add(scored, key, name, found, N_PAIRINGS, made.missing["loop"])
    early = [None if x is None else x.tallies.get(tallies.EARLY_STOP) for x in played]
    missing = made.missing["loop"] if made.n_early else ("two draws of IR are needed",) * len(has)
    _add(scored, tallies.EARLY_STOP, f"early-stop-ir@{made.n_early}", early, N_PAIRINGS, missing)
    if 0 < made.n_early < made.rounds:
        scored.notes[f"early-stop-ir@{made.n_early}"] = (
            f"{made.n_ir} draws of IR are stored: at most {made.n_early} rounds of two draws"
        )
    for t in made.thresholds:
        counts = [(0, 0, 0) if x is None else x.agreed[t] for x in played]
        table = np.array(counts, dtype=np.int64).reshape(-1, 3)
        scored.agreed[t] = (table[:, 0], table[:, 1], table[:, 2])


def _votes(scored: StudyScores, problems: Problems) -> None:
    made = scored.plan
    has = made.has["loop"]
    scored.ks = _matched(scored, problems)
    missing = list(made.missing["loop"])
    scored.rules, no_rule = _fitted(scored)
    cast = [
        tallies.voted(p, made, scored.ks, scored.rules.get(i)) if has[i] else None
        for i, p in problems
    ]
    for pool, k in scored.ks._asdict().items():
        key = f"maj-{pool}@K"
        found = [None if x is None else x.tallies[key] for x in cast]
        _add(scored, key, f"maj-{pool}@{k}", found, N_PAIRINGS, missing)
    few = f"{made.n_dr} draws of KG and DR are used, {tallies.N_ROUTED} are needed"
    too_few = [w or (few if made.n_dr < tallies.N_ROUTED else "") for w in missing]
    of = {tallies.RULE: no_rule, tallies.ROUTER: too_few, tallies.ROUTER_DR: too_few}
    for name in LAST:
        found = [None if x is None else x.tallies.get(name) for x in cast]
        _add(scored, name, name, found, N_PAIRINGS, of[name])
    _levels(scored, [None if x is None else x.levels for x in cast])


def _levels(
    scored: StudyScores, found: Sequence[Mapping[str, Sequence[tuple[int, bool]]] | None]
) -> None:
    import numpy as np

    ks = scored.ks
    most = {"loop-round": scored.plan.rounds, "ir-share": ks.ir, "dr-share": ks.dr}
    most["both-share"] = 2 * ks.both
    for name in tallies.CONFIDENCES:
        n = np.zeros((len(found), most[name] + 1), dtype=np.int64)
        right = np.zeros_like(n)
        for row, of in enumerate(found):
            for level, is_right in of[name] if of is not None else ():
                n[row, level] += 1
                right[row, level] += is_right
        scored.levels[name] = (n, right)


def _matched(scored: StudyScores, problems: Problems) -> Ks:
    """K of each majority: its tokens come closest to the loop's, over the seen problems.

    Over all problems where none is seen. A side with fewer draws than that gives all it has.
    """
    import numpy as np

    made, loop = scored.plan, scored.columns["lorid-dr@T"]
    seen = loop.here & (scored.rows.frequency > 0)
    used = seen if seen.any() else loop.here
    budget = float(loop.n_tokens[used].sum()) / loop.scale / int(used.sum())
    ks = {}
    limits = {"ir": made.n_ir, "dr": made.n_dr, "both": min(made.n_ir, made.n_dr)}
    for pool, n in limits.items():
        # Any draw may come first in a pairing, so each costs what they cost on average.
        costs = [
            [_mean_cost(problems[int(row)][1], pool, made)] * n for row in np.flatnonzero(used)
        ]
        k = votes_within(costs, budget)  # type: ignore[arg-type]
        ks[pool] = n if k is None else k
        spent = sum(c[0] for c in costs) / len(costs) * ks[pool]
        note = (
            f"K = {ks[pool]} costs {spent:.1f} tokens over the seen problems, the loop {budget:.1f}"
        )
        if k is None:
            needed = votes_needed(costs, budget) - 1  # type: ignore[arg-type]
            note += f"; about {needed} rounds would match it, {n} are stored"
        scored.notes[f"maj-{pool}@{ks[pool]}"] = note
    return Ks(**ks)


def _mean_cost(problem: Asked, pool: str, made: Plan) -> float:
    """Mean tokens of one round of a pool."""
    ir = sum(problem.ir.n_tokens[: made.n_ir]) / made.n_ir
    dr = sum(problem.dr.n_tokens[: made.n_dr]) / made.n_dr
    return {"ir": ir, "dr": dr, "both": ir + dr}[pool]


def _fitted(scored: StudyScores) -> tuple[dict[int, StoppingRule], list[str]]:
    """The stopping rule of each cell that has validation draws, and why the others have none."""
    rules: dict[int, StoppingRule] = {}
    missing = []
    for i, cell in enumerate(scored.cells):
        rounds = min(scored.plan.rounds, *common(cell.validation))
        why = scored.plan.missing["loop"][i]
        if not why and not cell.validation:
            why = "there are no validation draws to fit it on"
        elif not why and rounds == 0:
            why = "no sampled round is stored for every validation problem"
        if not why:
            rules[i] = fit(cell.validation, rounds)
        missing.append(why)
    return rules, missing
