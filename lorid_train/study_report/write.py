"""From the finished draws of a study to its numbers, sentences and page. No torch."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from lorid_data.folders.files import write_text
from lorid_train.metrics.files import metrics_json
from lorid_train.study_report.cells import Cell
from lorid_train.study_report.page import render_html, render_markdown
from lorid_train.study_report.reading import check, read_cell
from lorid_train.study_report.view import view_of

__all__ = ["Cell", "write_study"]


def write_study(
    cells: Sequence[Cell],
    out: Path,
    *,
    group_by: str,
    settings: Mapping[str, Any],
    is_registered: bool = False,
) -> None:
    """Write `metrics.json`, `report.html` and `report.md` of a study into the folder `out`.

    Args:
        cells: every world, base and seed, in the order in which the page shows them.
        out: an existing folder.
        group_by: the column of the records that names a row's group; how often a group is
            trained on is the number of its rows in the cell's `train`.
        settings: what to show of the study's configuration, flat.
        is_registered: whether comparisons and criteria were written down before these data were
            seen, as for the source `concepts`; only then the page says so.

    Raises:
        ConfigError: no cell, two of one name, or a column that records do not have.
        InputError: a folder cannot be read.
        OSError: a file cannot be written.
    """
    check(cells, group_by)
    view = view_of(
        [read_cell(c, group_by) for c in cells],
        group_by=group_by,
        settings=settings,
        is_registered=is_registered,
    )
    write_text(out / "metrics.json", metrics_json(view.metrics))
    write_text(out / "report.html", render_html(view))
    write_text(out / "report.md", render_markdown(view))
