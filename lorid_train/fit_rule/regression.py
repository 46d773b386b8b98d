"""scikit-learn's logistic regression, from rows to plain numbers. No model of it is kept."""

from __future__ import annotations

from collections.abc import Sequence
from importlib.util import find_spec
from typing import NamedTuple

from lorid_data.errors import ConfigError, InputError


class Fitted(NamedTuple):
    """Log-odds: intercept + the weights times the features."""

    intercept: float
    weights: tuple[float, ...]

    def log_odds(self, x: Sequence[float]) -> float:
        """Of one row."""
        return self.intercept + sum(w * f for w, f in zip(self.weights, x, strict=True))


def require() -> None:
    """Refuse where scikit-learn is not installed, before anything is read.

    Raises:
        ConfigError: it is not.
    """
    if find_spec("sklearn") is None:
        msg = "scikit-learn is not installed, and fitting needs it: pip install 'lorid[train]'"
        raise ConfigError(msg)


def logistic(
    x: Sequence[Sequence[float]],
    y: Sequence[bool],
    weight: Sequence[float],
    *,
    strength: float = 1.0,
) -> Fitted:
    """A logistic regression with an L2 penalty.

    Args:
        x: rows of features.
        y: whether each row is right.
        weight: of each row.
        strength: C, the inverse of the penalty's strength.

    Raises:
        InputError: all rows are right, or none is.
    """
    if len(set(y)) < 2:
        state = "right" if y and y[0] else "wrong"
        msg = f"every answer is {state}: nothing tells right from wrong; fit on draws of which some are right and some are not"
        raise InputError(msg)
    import numpy as np
    from sklearn.linear_model import LogisticRegression

    model = LogisticRegression(C=strength, max_iter=2_000, tol=1e-8)
    model.fit(
        np.asarray(x, dtype=np.float64), np.asarray(y, dtype=np.int64), np.asarray(weight, dtype=np.float64)
    )  # fmt: skip
    return Fitted(float(model.intercept_[0]), tuple(float(w) for w in model.coef_[0]))


def folds(groups: Sequence[str], n: int) -> list[int]:
    """The fold of each row, rows of one group in one fold, folds of about one size.

    Which group goes where does not depend on the order of the rows.

    Args:
        groups: of each row.
        n: folds.
    """
    size: dict[str, int] = {}
    for g in groups:
        size[g] = size.get(g, 0) + 1
    loads, of = [0] * n, {}
    for g in sorted(size, key=lambda g: (-size[g], g)):
        at = loads.index(min(loads))
        of[g] = at
        loads[at] += size[g]
    return [of[g] for g in groups]
