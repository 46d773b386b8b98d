"""A study as its page sees it: numbers, and what they are of."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from lorid_train.metrics.rows import Metric
from lorid_train.report.words import Numbers, numbers
from lorid_train.study_report.bins import Bin, bins
from lorid_train.study_report.cells import Cell
from lorid_train.study_report.decision_metrics import abstaining, fitted
from lorid_train.study_report.measuring import measure
from lorid_train.study_report.reading import CellDraws
from lorid_train.study_report.scoring import score
from lorid_train.study_report.spread import spread

FEW_CLUSTERS = 20
"""With fewer groups than that a bootstrap over them gives intervals that are too narrow."""


@dataclass(frozen=True, slots=True)
class StudyView:
    """What a page shows; every figure that it says is in `metrics`."""

    metrics: Sequence[Metric]
    numbers: Numbers
    """The same by (system, metric, slice)."""
    names: Mapping[str, str]
    """By key, what a system is called: maj-ir@K → maj-ir@18. Only those that were scored."""
    cells: Sequence[Cell]
    bins: Sequence[Bin]
    group_by: str
    rounds: int
    """T."""
    thresholds: Sequence[int]
    settings: Mapping[str, Any]
    notes: Mapping[str, str]
    left_out: Mapping[tuple[str, str], str]
    n_problems: int
    """Problems of all cells together."""
    n_groups: int
    """Clusters: groups of all worlds together."""
    n_seeds: int
    """Evaluation seeds that were stored; one is used."""
    is_registered: bool
    """Whether comparisons and criteria were written down before these data were seen."""

    def get(self, key: str, metric: str, part: str | None) -> Metric | None:
        """A metric of a system by its key, or None."""
        return self.numbers.get((self.names.get(key, key), metric, part))

    def versus(self, first: str, second: str, metric: str, part: str) -> Metric | None:
        """A metric of first against second, both by key, in a part, or None."""
        label = f"vs={self.names.get(second, second)}" + (f",{part}" if part else "")
        return self.get(first, metric, label)


def view_of(
    drawn: Sequence[CellDraws],
    *,
    group_by: str,
    settings: Mapping[str, Any],
    is_registered: bool = False,
) -> StudyView:
    """Score and measure a study."""
    scored = score(drawn)
    cells = [c.cell for c in drawn]
    found = measure(scored)
    found += spread(cells, found) + fitted(scored) + abstaining(scored)
    return StudyView(
        metrics=found,
        numbers=numbers(found),
        names=scored.names,
        cells=cells,
        bins=bins(scored.rows.frequency.tolist()),
        group_by=group_by,
        rounds=scored.plan.rounds,
        thresholds=scored.plan.thresholds if scored.plan.rounds else (),
        settings=settings,
        notes=scored.notes,
        left_out=scored.left_out,
        n_problems=len(scored.rows.cell),
        n_groups=len(set(scored.rows.cluster.tolist())),
        n_seeds=max(c.n_seeds for c in drawn),
        is_registered=is_registered,
    )
