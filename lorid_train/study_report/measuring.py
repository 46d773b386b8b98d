"""From scores to the numbers of `metrics.json`: accuracies, costs and planned comparisons."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

from lorid_train.metrics.rows import Metric
from lorid_train.metrics.significance import holm
from lorid_train.study_report.bins import SEEN, Bin, bins
from lorid_train.study_report.claims import BESIDE, CLAIMS, DECIDED
from lorid_train.study_report.resampling import (
    Estimate,
    Ratio,
    as_difference,
    as_fraction,
    ratios,
)
from lorid_train.study_report.scoring import Column, StudyScores

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

PAIRS = tuple(dict.fromkeys((c.first, c.second) for c in (*CLAIMS, *DECIDED, *BESIDE)))
TOKEN_PAIRS = tuple((c.first, c.second) for c in (*DECIDED, *BESIDE) if c.decision != "a")
_OF_CELLS = ("", SEEN, "frequency=0")
"""Parts in which the accuracies of single cells are given."""


@dataclass(frozen=True, slots=True)
class Part:
    """Some of the rows."""

    name: str
    """Its slice; '' for all."""
    mask: NDArray[np.bool_]


def joined_slice(*parts: str | None) -> str | None:
    """`vs=…,cell=…,frequency=…`: the parts that are there; None for all."""
    return ",".join(p for p in parts if p) or None


def parts(scored: StudyScores, found: Sequence[Bin]) -> list[Part]:
    """All rows, the seen ones, and those of each frequency; empty ones are left aside."""
    import numpy as np

    frequency = scored.rows.frequency
    made = [Part("", np.ones(len(frequency), dtype=bool)), Part(SEEN, frequency > 0)]
    made += [Part(b.slice, (frequency >= b.low) & (frequency <= b.high)) for b in found]
    return [p for p in made if p.mask.any()]


def measure(scored: StudyScores) -> list[Metric]:
    """The metrics of systems, comparisons and consensus, over all cells and in each."""
    of = parts(scored, bins(scored.rows.frequency.tolist()))
    found = [m for p in of for m in _systems(scored, p) + _consensus(scored, p)]
    found += [m for p in of for m in _differences(scored, p)]
    found += _adjusted(scored, found)
    for i, cell in enumerate(scored.cells):
        here = scored.rows.cell == i
        for p in of:
            some = Part(joined_slice(f"cell={cell.cell.name}", p.name) or "", p.mask & here)
            if some.mask.any():
                if p.name in _OF_CELLS:
                    found += _systems(scored, some, tokens=not p.name)
                found += _differences(scored, some, alone=False)
    return found + _left_out(scored)


def _metric(system: str, name: str, e: Estimate, slice_name: str | None, what: str = "") -> Metric:
    method = f"{what}cluster-bootstrap, {e.n_clusters} groups" if e.n else "nothing to count"
    return Metric(
        system=system, metric=name, value=e.value, n=e.n, ci_low=e.low, ci_high=e.high,
        method=method, slice=slice_name,
    )  # fmt: skip


def _estimates(scored: StudyScores, part: Part, wanted: Iterable[Ratio]) -> list[Estimate]:
    some = [Ratio(r.numerator[part.mask], r.denominator[part.mask]) for r in wanted]
    return ratios(scored.rows.cluster[part.mask], some)


def _systems(scored: StudyScores, part: Part, *, tokens: bool = True) -> list[Metric]:
    """Accuracy and tokens per problem of every system."""
    found = []
    columns = scored.columns
    right = [Ratio(c.n_right, c.here * c.scale) for c in columns.values()]
    cost = [Ratio(c.n_tokens, c.here * c.scale) for c in columns.values()] if tokens else []
    estimates = _estimates(scored, part, [*right, *cost])
    for i, key in enumerate(columns):
        name, accuracy = scored.names[key], as_fraction(estimates[i])
        if accuracy.n:
            found.append(_metric(name, "accuracy", accuracy, part.name or None))
        if tokens and accuracy.n:
            spent = estimates[len(columns) + i]
            found.append(_metric(name, "tokens_per_problem", spent, part.name or None))
    return found


def _consensus(scored: StudyScores, part: Part) -> list[Metric]:
    """How often the loop agrees by round t, how often that is right, and the rounds drawn."""
    if "lorid-dr@T" not in scored.columns:
        return []
    loop = scored.columns["lorid-dr@T"]
    wanted = []
    for n_agreed, n_right, n_rounds in scored.agreed.values():
        all_of = loop.here * loop.scale
        wanted += [Ratio(n_agreed, all_of), Ratio(n_right, n_agreed), Ratio(n_rounds, all_of)]
    estimates = _estimates(scored, part, wanted)
    found = []
    for i, t in enumerate(scored.agreed):
        for name, e in zip(
            ("coverage", "consensus_precision", "mean_rounds"), estimates[3 * i :], strict=False
        ):
            shown = e if name == "mean_rounds" else as_fraction(e)
            found.append(_metric(f"lorid@{t}", name, shown, part.name or None))
    return found


def _difference(first: Column, second: Column, *, tokens: bool = False) -> Ratio:
    """First minus second in whole numbers, over the rows that have both."""
    both = first.here & second.here
    a, b = (c.n_tokens if tokens else c.n_right for c in (first, second))
    return Ratio(
        (a * second.scale - b * first.scale) * both, both * (first.scale * second.scale)
    )  # fmt: skip


def _differences(scored: StudyScores, part: Part, *, alone: bool = True) -> list[Metric]:
    """Every planned difference with its interval; over all cells (`alone`) with p and tokens too."""
    have = [p for p in PAIRS if all(s in scored.columns for s in p)]
    costs = [p for p in TOKEN_PAIRS if p in have] if alone else []
    columns = scored.columns
    wanted = [_difference(columns[a], columns[b]) for a, b in have]
    wanted += [_difference(columns[a], columns[b], tokens=True) for a, b in costs]
    found = []
    for i, e in enumerate(_estimates(scored, part, wanted)):
        if not e.n:
            continue
        first, second = (scored.names[s] for s in [*have, *costs][i])
        label = joined_slice(f"vs={second}", part.name)
        name = "difference" if i < len(have) else "tokens_difference"
        shown = as_difference(e) if i < len(have) else e
        found.append(_metric(first, name, shown, label, "paired "))
        if alone and i < len(have):
            p = Metric(
                system=first, metric="p", value=e.p, n=e.n, method="cluster-bootstrap", slice=label
            )
            found.append(p)
    return found


def _adjusted(scored: StudyScores, found: Sequence[Metric]) -> list[Metric]:
    """Holm's adjustment within each family."""
    p = {(m.system, m.slice): m for m in found if m.metric == "p"}
    frequencies = [b.slice for b in bins(scored.rows.frequency.tolist())]
    families = [("the claims over seen problems", [(c.first, c.second, SEEN) for c in CLAIMS])]
    families += [
        ("the frequencies of one claim", [(c.first, c.second, f) for f in frequencies])
        for c in CLAIMS
    ]
    families.append(("the decisions", [(c.first, c.second, SEEN) for c in DECIDED]))
    adjusted = []
    for name, members in families:
        family = [
            m
            for first, second, part in members
            if first in scored.names and second in scored.names
            if (m := p.get((scored.names[first], f"vs={scored.names[second]},{part}"))) is not None
        ]
        for m, value in zip(family, holm([m.value or 0.0 for m in family]), strict=True):
            method = f"holm over {len(family)}: {name}"
            adjusted.append(
                m.model_copy(update={"metric": "p_holm", "value": value, "method": method})
            )
    return adjusted


def _left_out(scored: StudyScores) -> list[Metric]:
    return [
        Metric(
            system=system, metric="accuracy", value=None, n=0, method=f"left out: {why}",
            slice=f"cell={cell}",
        )
        for (system, cell), why in scored.left_out.items()
    ]  # fmt: skip
