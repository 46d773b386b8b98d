"""One fraction with its interval: Wilson where problems are independent, else clustered."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from lorid_train.metrics.intervals import bootstrap_ratio, is_known, wilson
from lorid_train.metrics.rows import Metric

Flags = Mapping[str, Sequence[bool]]
"""Per problem id, one flag per seed or draw."""


def fraction(system: str, metric: str, flags: Flags, *, slice_name: str | None = None) -> Metric:
    """The fraction of flags that are true.

    One flag a problem: Wilson, n problems. Several: the ratio over all flags, with a bootstrap
    that resamples problems whole; n is still the number of problems. Where all flags are true, or
    none is, or every problem has the same fraction of them, resampling would show no width: there
    Wilson over the problems. No flag: value None, n 0.
    """
    counts = [(sum(f), len(f)) for f in flags.values() if f]
    n_true, n_flags = sum(t for t, _ in counts), sum(n for _, n in counts)
    if n_flags == 0:
        return Metric(
            system=system, metric=metric, value=None, n=0, method="wilson", slice=slice_name
        )
    if n_flags == len(counts):
        interval, method = wilson(n_true, n_flags), "wilson"
    else:
        interval = bootstrap_ratio([t for t, _ in counts], [n for _, n in counts])
        method = "problem-bootstrap"
        if not is_known(interval):
            interval = wilson(n_true / n_flags * len(counts), len(counts))
            method = "wilson over problems"
    return Metric(
        system=system,
        metric=metric,
        value=n_true / n_flags,
        n=len(counts),
        ci_low=interval.low,
        ci_high=interval.high,
        method=method,
        slice=slice_name,
    )
