"""Answering only where one is confident: accuracy against coverage, from counts by confidence.

Counts are arrays whose last axis runs over levels of confidence, the highest first; leading axes
(bootstrap resamples) are carried along. Problems of one level are taken in alike, so a curve does
not depend on how ties are broken.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

    Counts = NDArray[np.float64]


def _nodes(n: Counts, right: Counts) -> tuple[Counts, Counts]:
    """Coverage, and right answers over all problems, at 0 and after each level."""
    import numpy as np

    total = n.sum(axis=-1, keepdims=True)
    zero = np.zeros((*n.shape[:-1], 1))
    x = np.concatenate([zero, n.cumsum(axis=-1) / total], axis=-1)
    y = np.concatenate([zero, right.cumsum(axis=-1) / total], axis=-1)
    return x, y


def accuracy_at(n: Counts, right: Counts, coverage: float) -> Counts:
    """A(x): the accuracy over the fraction x of problems with the highest confidence.

    Args:
        n: problems by level, (…, levels); not all 0.
        right: those of them that are right.
        coverage: x, in (0, 1].
    """
    import numpy as np

    x, y = _nodes(n, right)
    # The first node at or beyond x; rounding must not put it past the last one.
    at = np.minimum((x < coverage).sum(axis=-1, keepdims=True), x.shape[-1] - 1)
    x1, y1 = (np.take_along_axis(v, at - 1, axis=-1)[..., 0] for v in (x, y))
    x2, y2 = (np.take_along_axis(v, at, axis=-1)[..., 0] for v in (x, y))
    width = np.where(x2 > x1, x2 - x1, 1.0)
    found: Counts = (y1 + (coverage - x1) * (y2 - y1) / width) / coverage
    return found


def area(n: Counts, right: Counts) -> Counts:
    """∫ A(x) dx from 0 to 1, in [0, 1]; the mean accuracy over all coverages.

    Between two levels right answers grow as a + b x, so A(x) = a / x + b, whose integral is
    a ln(x₂ / x₁) + b (x₂ − x₁).
    """
    import numpy as np

    x, y = _nodes(n, right)
    x1, x2, y1, y2 = x[..., :-1], x[..., 1:], y[..., :-1], y[..., 1:]
    width = np.where(x2 > x1, x2 - x1, 1.0)
    b = (y2 - y1) / width
    a = y1 - b * x1
    # Up to the first level that holds a problem a is 0.
    log = np.log(np.where(x1 > 0, x2 / np.where(x1 > 0, x1, 1.0), 1.0))
    found: Counts = np.where(x2 > x1, a * log + b * (x2 - x1), 0.0).sum(axis=-1)
    return found


def less_confident(n_first: Counts, n_second: Counts) -> Counts:
    """How often a problem of the first kind has a lower confidence than one of the second.

    Ties count half: ½ says that confidence does not tell the two apart.
    """
    above = n_second.cumsum(axis=-1) - n_second
    won = (n_first * (above + n_second / 2)).sum(axis=-1)
    found: Counts = won / (n_first.sum(axis=-1) * n_second.sum(axis=-1))
    return found
