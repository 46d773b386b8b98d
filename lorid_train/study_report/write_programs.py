"""The files of a study in which programs have a say."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from pathlib import Path

from lorid_data.folders.files import write_text
from lorid_train.study_report.cells import Cell
from lorid_train.study_report.program_page import render_html, render_markdown
from lorid_train.study_report.programs import as_json, study_of


def write_programs(cells: Sequence[Cell], out: Path, *, scales: Mapping[str, int]) -> None:
    """Write `programs.json`, `programs.html` and `programs.md` of a study into the folder `out`.

    Args:
        cells: every world, base and seed.
        out: an existing folder.
        scales: of each test problem, by id; empty where all are of one.

    Raises:
        InputError: a folder cannot be read, or holds no programs.
    """
    study = study_of(cells, scales)
    write_text(out / "programs.json", json.dumps(as_json(study), indent=1) + "\n")
    write_text(out / "programs.md", render_markdown(study))
    write_text(out / "programs.html", render_html(study))
