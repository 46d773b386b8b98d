"""What may be said of a difference: better, worse, within noise, or nothing.

A difference counts as outside noise where its Holm-adjusted p-value is below 0.05; an interval
that leaves zero out on its own does not suffice, since several comparisons are made. Nothing is
said of fewer questions than the exact test needs to find any difference (`fewest_pairs`): there
"within noise" would be said whatever the answers are.
"""

from __future__ import annotations

import re
from functools import lru_cache
from typing import Literal

from lorid_train.metrics.rows import Metric
from lorid_train.metrics.significance import ALPHA, fewest_pairs
from lorid_train.report.words import Numbers

Ruling = Literal["better", "worse", "noise", "few"]
_N_TESTS = re.compile(r"holm over (\d+)")
_fewest = lru_cache(fewest_pairs)


def fewest(p_holm: Metric) -> int:
    """The fewest questions at which a comparison of this family can have a verdict."""
    found = _N_TESTS.match(p_holm.method)
    return _fewest(int(found[1]) if found else 1)


def ruling(difference: Metric, p_holm: Metric) -> Ruling:
    """What a difference with its adjusted p-value may be called."""
    if difference.n < fewest(p_holm):
        return "few"
    if p_holm.value is None or p_holm.value >= ALPHA or not difference.value:
        return "noise"
    return "better" if difference.value > 0 else "worse"


def verdict(n: Numbers, first: str, second: str) -> Ruling:
    """What may be said of the first system against the second."""
    label = f"vs={second}"
    return ruling(n[first, "difference", label], n[first, "mcnemar_p_holm", label])
