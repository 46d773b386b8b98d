"""From the finished draws of a study to its numbers, sentences and page. No torch."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from lorid_train.study_report.cells import Cell

__all__ = ["Cell", "write_study"]


def write_study(
    cells: Sequence[Cell], out: Path, *, group_by: str, settings: Mapping[str, Any]
) -> None:
    """Write `metrics.json`, `report.html` and `report.md` of a study into the folder `out`.

    Args:
        cells: every world and base seed, in the order in which the page shows them.
        out: an existing folder.
        group_by: the column of the records that names a row's group; how often a group is
            trained on is the number of its rows in the cell's `train`.
        settings: what to show of the study's configuration, flat.

    Raises:
        ConfigError: no cell, two of one name, or a column that records do not have.
        InputError: a folder cannot be read.
    """
    raise NotImplementedError
