"""The numbers of the decisions: what was fitted, and what each confidence is worth."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING

from lorid_train.metrics.abstaining import accuracy_at, area, less_confident
from lorid_train.metrics.intervals import Interval, is_known
from lorid_train.metrics.rows import Metric
from lorid_train.metrics.significance import holm
from lorid_train.study_report.resampling import percentile, resampled
from lorid_train.study_report.scoring import StudyScores
from lorid_train.study_report.tallies import CONFIDENCES, RULE

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

    Array = NDArray[np.float64]

COVERAGES = tuple(i / 20 for i in range(1, 21))
"""Where the curve is shown: 5 %, 10 %, … 100 %."""
REFERENCE = "loop-round"


def fitted(scored: StudyScores) -> list[Metric]:
    """The stopping rule's parameters in each cell."""
    found = []
    for i, rule in scored.rules.items():
        of = f"cell={scored.cells[i].cell.name}"
        values = {
            "p_ir": rule.p_ir, "p_dr": rule.p_dr, "p_same_wrong": rule.p_same_wrong,
            "weight_ir": rule.weights.ir, "weight_dr": rule.weights.dr,
            "discount": rule.discount, "threshold": rule.threshold,
            "reached_target": float(rule.reached),
        }  # fmt: skip
        method = f"fitted on {rule.rounds} rounds of the cell's validation draws"
        found += [
            Metric(
                system=RULE, metric=name, value=value, n=rule.n_problems, method=method, slice=of
            )
            for name, value in values.items()
        ]
    return found


def abstaining(scored: StudyScores) -> list[Metric]:
    """The accuracy–coverage curve of every confidence, over all problems with a loop."""
    if not scored.levels:
        return []
    sides = _Sides.of(scored)
    found: list[Metric] = []
    areas = {name: area(*sides.drawn[name]) for name in CONFIDENCES}
    whole = {name: float(area(*sides.totals[name])) for name in CONFIDENCES}
    for name in CONFIDENCES:
        found.append(sides.metric(name, "area", whole[name], areas[name]))
        for x in COVERAGES:
            at = float(accuracy_at(*sides.totals[name], coverage=x))
            values = accuracy_at(*sides.drawn[name], coverage=x)
            found.append(sides.metric(name, "accuracy", at, values, f"coverage={x:.2f}"))
        found += sides.of_unseen(name)
    ps = []
    for name in CONFIDENCES[1:]:
        difference = areas[name] - areas[REFERENCE]
        value = whole[name] - whole[REFERENCE]
        found.append(sides.metric(name, "area_difference", value, difference, f"vs={REFERENCE}"))
        ps.append(percentile(difference)[2])
    for name, p, adjusted in zip(CONFIDENCES[1:], ps, holm(ps), strict=True):
        for metric, chance, method in (
            ("p", p, "cluster-bootstrap"),
            ("p_holm", adjusted, f"holm over {len(ps)}: the areas"),
        ):
            found.append(
                Metric(
                    system=name, metric=metric, value=chance, n=sides.n, method=method,
                    slice=f"vs={REFERENCE}",
                )
            )  # fmt: skip
    return found


class _Sides:
    """Counts by level: as they are and in each resample, of all problems and of the unseen ones."""

    def __init__(self, clusters: NDArray[np.int64], frequency: NDArray[np.int64]) -> None:
        import numpy as np

        _, self._at = np.unique(clusters, return_inverse=True)
        self._unseen = frequency == 0
        self.n = len(clusters)
        self.n_clusters = int(self._at.max()) + 1
        self.totals: dict[str, tuple[Array, Array]] = {}
        self.drawn: dict[str, tuple[Array, Array]] = {}
        self._unseen_totals: dict[str, Array] = {}
        self._unseen_drawn: dict[str, Array] = {}

    @classmethod
    def of(cls, scored: StudyScores) -> _Sides:
        here = scored.columns["lorid-dr@T"].here
        made = cls(scored.rows.cluster[here], scored.rows.frequency[here])
        levels: Mapping[str, Sequence[NDArray[np.int64]]] = scored.levels
        for name in CONFIDENCES:
            n, right = (x[here] for x in levels[name])
            made._take(name, n, right)
        return made

    def _take(self, name: str, n: NDArray[np.int64], right: NDArray[np.int64]) -> None:
        import numpy as np

        width = n.shape[1]
        columns = np.concatenate([n, right, n * self._unseen[:, None]], axis=1)
        sums = np.zeros((self.n_clusters, 3 * width))
        np.add.at(sums, self._at, columns)
        total, drawn = sums.sum(axis=0), resampled(sums)
        self.totals[name] = (total[:width], total[width : 2 * width])
        self.drawn[name] = (drawn[:, :width], drawn[:, width : 2 * width])
        self._unseen_totals[name] = total[2 * width :]
        self._unseen_drawn[name] = drawn[:, 2 * width :]

    def of_unseen(self, name: str) -> list[Metric]:
        """How often an unseen problem has a lower confidence than a seen one; none without both."""
        unseen, drawn = self._unseen_totals[name], self._unseen_drawn[name]
        seen, seen_drawn = self.totals[name][0] - unseen, self.drawn[name][0] - drawn
        if not unseen.sum() or not seen.sum():
            return []
        known = (drawn.sum(axis=1) > 0) & (seen_drawn.sum(axis=1) > 0)
        values = less_confident(drawn[known], seen_drawn[known])
        return [self.metric(name, "unseen_below_seen", float(less_confident(unseen, seen)), values)]

    def metric(
        self, system: str, name: str, value: float, values: Array, label: str | None = None
    ) -> Metric:
        found = Interval(*percentile(values)[:2])
        low, high = found if is_known(found) else (None, None)
        return Metric(
            system=system, metric=name, value=value, n=self.n, ci_low=low, ci_high=high,
            method=f"cluster-bootstrap, {self.n_clusters} groups", slice=label,
        )  # fmt: skip
