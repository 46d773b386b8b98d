"""The command `compare`: paired differences of finished evaluations."""

from __future__ import annotations

import json as json_lines
from pathlib import Path
from typing import Annotated

from cyclopts import Parameter


def compare(
    evaluations: Annotated[list[Path], Parameter(consume_multiple=True)],
    /,
    *,
    json: bool = False,
) -> None:
    """Compare finished evaluations, paired on the questions that they share: A − B first of all.

    The difference of the loops with its interval and exact test, every other system that both have,
    the questions that flipped, tokens and time side by side. A first line warns where the questions
    or the settings are not the same. Of more than two: every pair, as a matrix.

    Args:
        evaluations: Two or more evaluation folders.
        json: Print it as one JSON object instead.
    """
    from lorid_train.evaluation.comparing import sides
    from lorid_train.report.compared import terminal, warning
    from lorid_train.report.comparing import as_json, compare_all

    found = compare_all(sides(evaluations))
    if json:
        body = as_json(found)
        for pair, c in zip(body["pairs"], found, strict=True):
            pair["warning"] = warning(c) or None
        print(json_lines.dumps(body))  # ASCII: names and ids stay exact
    else:
        print(terminal(found))
