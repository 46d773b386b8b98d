"""How far the probability that an answer carries can be relied on, and what withholding answers buys.

Everything is over answers with a probability; resamples draw original questions whole.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, NamedTuple

from lorid_train.metrics.abstaining import area
from lorid_train.metrics.intervals import wilson
from lorid_train.metrics.rows import Metric, Outcome, Verdict

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

    Array = NDArray[np.float64]

N_BINS = 10
N_RESAMPLES = 2_000
N_LEVELS = 200
"""Probabilities are told apart to half a point."""
COVERAGES = tuple(i / 20 for i in range(1, 21))
WANTED = 0.95
"""How often answers are to be right at the coverage that a report names."""
FEWEST = 20
"""Answers; of fewer nothing is said."""


class Stated(NamedTuple):
    """An answer that carries a probability."""

    probability: float
    is_right: bool
    cluster: str
    """The question that it is a variant of; resampled whole."""


def calibration(system: str, rows: Sequence[Outcome], originals: Mapping[str, str]) -> list[Metric]:
    """Every metric of a system's probabilities; nothing where it states too few.

    Args:
        system: its name.
        rows: its outcomes; those without a probability count as answers of probability 0, that are
            as right as they are.
        originals: by problem id the question that it is a variant of.
    """
    stated = [
        Stated(o.probability or 0.0, o.verdict == Verdict.CORRECT, originals.get(o.problem_id, o.problem_id))
        for o in rows
    ]  # fmt: skip
    if len(stated) < FEWEST or all(o.probability is None for o in rows):
        return []
    return [*reliability(system, stated), *covered(system, stated)]


def reliability(system: str, stated: Sequence[Stated]) -> list[Metric]:
    """The expected calibration error and what it is made of.

    `ece` is Σ over bins of |right − stated probability| over all answers; the bins hold about equal
    numbers, and answers of one probability share a bin. `ece_if_calibrated` is what probabilities
    that are true would show on average with so many answers: the error has a floor. Of each bin
    `stated` is the mean probability and `reliability` how often it is right.
    """
    import numpy as np

    p = np.array([s.probability for s in stated])
    y = np.array([s.is_right for s in stated], dtype=np.float64)
    at = _binned(p)
    n_bins, n = int(at.max()) + 1, len(p)
    gap, _ = _by_cluster(stated, at, n_bins, np.stack([y - p], axis=1))
    drawn = _resampled(gap)
    ece = np.abs(drawn.reshape(len(drawn), n_bins)).sum(axis=1) / n
    value = np.abs(np.bincount(at, y - p, n_bins)).sum() / n
    rng = np.random.default_rng(0)
    ys = rng.random((N_RESAMPLES, n)) < p
    floor = np.mean([np.abs(np.bincount(at, row - p, n_bins)).sum() / n for row in ys])
    low, high = np.quantile(ece, (0.025, 0.975))
    how = f"{n_bins} bins of equal counts, cluster-bootstrap"
    found = [
        Metric(
            system=system, metric="ece", value=float(value), n=n, ci_low=float(low), ci_high=float(high),
            method=how,
        ),
        Metric(system=system, metric="ece_if_calibrated", value=float(floor), n=n, method="simulated"),
    ]  # fmt: skip
    for b in range(n_bins):
        here = at == b
        label, size, right = f"bin={b + 1}", int(here.sum()), int(y[here].sum())
        interval = wilson(right, size)
        found += [
            Metric(
                system=system, metric="stated", value=float(p[here].mean()), n=size, method="mean", slice=label
            ),
            Metric(
                system=system, metric="reliability", value=right / size, n=size, ci_low=interval.low,
                ci_high=interval.high, method="wilson", slice=label,
            ),
        ]  # fmt: skip
    return found


def _binned(p: Array) -> NDArray[np.int64]:
    """The bin of each probability: about equal counts, equal ones together."""
    import numpy as np

    values, counts = np.unique(p, return_counts=True)
    middle = counts.cumsum() - counts / 2
    of_value = np.minimum((middle / len(p) * N_BINS).astype(np.int64), N_BINS - 1)
    _, of_value = np.unique(of_value, return_inverse=True)  # no empty bin
    found: NDArray[np.int64] = of_value[np.searchsorted(values, p)]
    return found


def covered(system: str, stated: Sequence[Stated]) -> list[Metric]:
    """What is right of the answers that are given when the least probable ones are withheld.

    `accuracy_answered` at each coverage; `area`, its mean over all coverages; `coverage_at_95`, the
    largest coverage at which 95 % of the answers are right, and `probability_at_95`, the
    probability below which answers are withheld there (none where no coverage will do).
    """
    import numpy as np

    p = np.array([s.probability for s in stated])
    y = np.array([s.is_right for s in stated], dtype=np.float64)
    at = N_LEVELS - np.minimum(np.round(p * N_LEVELS), N_LEVELS).astype(np.int64)
    sums, n_levels = _by_cluster(stated, at, N_LEVELS + 1, np.stack([np.ones(len(p)), y], axis=1))
    whole, drawn = sums.sum(axis=0, keepdims=True), _resampled(sums)
    found = []
    counts = [x.reshape(len(x), n_levels, 2) for x in (whole, drawn)]
    curve, curves = (_curve(x) for x in counts)
    for i, x in enumerate(COVERAGES):
        found.append(_metric(system, "accuracy_answered", curve[0, i], curves[:, i], stated, f"coverage={x:.2f}"))  # fmt: skip
    areas = [area(x[..., 0], x[..., 1]) for x in counts]
    found.append(_metric(system, "area", areas[0][0], areas[1], stated))
    (reach, level), (reaches, _) = (_reached(x) for x in counts)
    found.append(_metric(system, "coverage_at_95", reach[0], reaches, stated))
    least = None if reach[0] == 0 else float(max(0.0, (N_LEVELS - level[0] - 0.5) / N_LEVELS))
    found.append(
        Metric(system=system, metric="probability_at_95", value=least, n=len(stated), method="smallest")
    )  # fmt: skip
    return found


def _by_cluster(
    stated: Sequence[Stated], at: NDArray[np.int64], n_places: int, columns: Array
) -> tuple[Array, int]:
    """Sums over the answers of each cluster, (clusters, places × columns)."""
    import numpy as np

    _, of = np.unique([s.cluster for s in stated], return_inverse=True)
    width = columns.shape[1]
    sums = np.zeros((int(of.max()) + 1, n_places, width))
    np.add.at(sums, (of, at), columns)
    return sums.reshape(len(sums), n_places * width), n_places


def _resampled(sums: Array) -> Array:
    """The totals in each resample of the clusters, (resamples, columns)."""
    import numpy as np

    n = len(sums)
    drawn = np.random.default_rng(0).multinomial(n, np.full(n, 1 / n), size=N_RESAMPLES)
    totals: Array = drawn.astype(np.float64) @ sums
    return totals


def _curve(counts: Array) -> Array:
    """The accuracy over the most probable answers, at each of `COVERAGES`; ties are taken in alike."""
    import numpy as np

    n, right = (counts[..., i].cumsum(axis=1) for i in (0, 1))
    found = np.empty((len(counts), len(COVERAGES)))
    for row in range(len(counts)):
        total = n[row, -1]
        x = np.concatenate([[0.0], n[row] / total])
        y = np.concatenate([[0.0], right[row] / total])
        found[row] = np.interp(COVERAGES, x, y) / COVERAGES
    return found


def _reached(counts: Array) -> tuple[Array, NDArray[np.int64]]:
    """The largest coverage at which enough answers are right, and its level; 0 where none will do."""
    import numpy as np

    n, right = (counts[..., i].cumsum(axis=1) for i in (0, 1))
    good = (right >= WANTED * n) & (n > 0)
    levels = np.where(good, np.arange(n.shape[1]), -1).max(axis=1)
    reached = np.take_along_axis(n, np.maximum(levels, 0)[:, None], axis=1)[:, 0] / n[:, -1]
    return np.where(levels >= 0, reached, 0.0), levels


def _metric(
    system: str, name: str, value: float, drawn: Array, stated: Sequence[Stated], label: str | None = None
) -> Metric:  # fmt: skip
    import numpy as np

    low, high = (float(x) for x in np.quantile(drawn, (0.025, 0.975)))
    known = high - low > 1e-12
    return Metric(
        system=system, metric=name, value=float(value), n=len(stated), ci_low=low if known else None,
        ci_high=high if known else None, method="cluster-bootstrap", slice=label,
    )  # fmt: skip
