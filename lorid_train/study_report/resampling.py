"""The bootstrap over clusters: whole groups are drawn again, with everything that belongs to them."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any, NamedTuple

from lorid_train.metrics.intervals import Interval, is_known, wilson

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

    Array = NDArray[np.float64]

N_RESAMPLES = 10_000
SEED = 0


class Estimate(NamedTuple):
    """A value with its 95 % percentile interval.

    Value and interval are None where nothing was counted, the interval alone where all clusters are
    alike: resampling them shows nothing of how they vary.
    """

    value: float | None
    low: float | None
    high: float | None
    p: float
    """Two-sided, of the value being 0: 2 (1 + the smaller count of resamples ≤ 0, ≥ 0) / (B + 1)."""
    n: int
    """Rows that it rests on."""
    n_clusters: int


class Ratio(NamedTuple):
    """What a value is made of: the sum of one column over the sum of another, row by row."""

    numerator: NDArray[Any]
    denominator: NDArray[Any]
    """At least 0; a row with 0 is left aside."""


def ratios(
    clusters: Sequence[int] | NDArray[np.int64],
    wanted: Sequence[Ratio],
    *,
    n_resamples: int = N_RESAMPLES,
    seed: int = SEED,
) -> list[Estimate]:
    """Each ratio with its interval from the same resamples of the clusters.

    As many clusters are drawn with replacement as there are. Sums of whole numbers are exact
    whatever their order, so the same rows give the same numbers on any machine.

    Args:
        clusters: the cluster of each row.
        wanted: columns with one entry per row.
        n_resamples: B.
        seed: of the resamples.
    """
    import numpy as np

    if not wanted:
        return []
    _, at = np.unique(np.asarray(clusters, dtype=np.int64), return_inverse=True)
    if not len(at):
        return [Estimate(None, None, None, 1.0, 0, 0) for _ in wanted]
    columns = np.column_stack([c for r in wanted for c in r]).astype(np.float64)
    sums = np.zeros((at.max() + 1, columns.shape[1]))
    np.add.at(sums, at, columns)
    drawn = resampled(sums, n_resamples=n_resamples, seed=seed)
    return [
        _estimate(sums[:, 2 * i : 2 * i + 2], drawn[:, 2 * i : 2 * i + 2], r)
        for i, r in enumerate(wanted)
    ]


def resampled(sums: Array, *, n_resamples: int = N_RESAMPLES, seed: int = SEED) -> Array:
    """The totals of (clusters, columns) in each resample, (resamples, columns)."""
    import numpy as np

    n = len(sums)
    drawn = np.random.default_rng(seed).multinomial(n, np.full(n, 1 / n), size=n_resamples)
    totals: Array = drawn.astype(np.float64) @ sums
    return totals


def _estimate(sums: Array, drawn: Array, of: Ratio) -> Estimate:
    total = sums.sum(axis=0)
    n, n_clusters = int((of.denominator > 0).sum()), int((sums[:, 1] > 0).sum())
    if total[1] == 0:
        return Estimate(None, None, None, 1.0, 0, 0)
    known = drawn[:, 1] > 0
    values = drawn[known, 0] / drawn[known, 1]
    low, high, p = percentile(values)
    value = float(total[0] / total[1])
    if not is_known(Interval(low, high)):  # all clusters alike, or only one
        return Estimate(value, None, None, p, n, n_clusters)
    return Estimate(value, low, high, p, n, n_clusters)


def percentile(values: Array) -> tuple[float, float, float]:
    """The 95 % interval and the p of being 0 that resampled values give."""
    import numpy as np

    low, high = np.quantile(values, (0.025, 0.975))
    smaller = min(int((values <= 0).sum()), int((values >= 0).sum()))
    return float(low), float(high), min(1.0, 2 * (1 + smaller) / (len(values) + 1))


def as_fraction(found: Estimate) -> Estimate:
    """An accuracy that is the same in all clusters (0 or 1, above all), with Wilson's interval over them."""
    if found.value is None or (found.low is not None and found.value not in (0.0, 1.0)):
        return found
    low, high = wilson(min(1.0, found.value) * found.n_clusters, found.n_clusters)
    return found._replace(low=low, high=high)


def as_difference(found: Estimate) -> Estimate:
    """A difference that is the same in all clusters, with Wilson's interval of 0 in n around it."""
    if found.value is None or found.low is not None:
        return found
    half = wilson(0, found.n_clusters).high
    return found._replace(low=max(-1.0, found.value - half), high=min(1.0, found.value + half))
