"""From the folders of the study `agreement` to its numbers, page and plots. No torch."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

from lorid_data.folders.files import write_text
from lorid_data.pages.svg import alone
from lorid_train.metrics.files import metrics_json
from lorid_train.study_report.agreement_numbers import metrics_of, numbers
from lorid_train.study_report.agreement_page import plot, render_html, render_markdown
from lorid_train.study_report.agreement_reading import Row, SettingPlace, read_setting


def write_agreement(
    places: Sequence[SettingPlace], rows: Sequence[Row], seeds: Sequence[int], out: Path
) -> None:
    """Write `metrics.json`, `report.html`, `report.md` and a plot `tokens-SETTING.svg` of each setting.

    What is not made yet is named as missing; the rest is shown.

    Args:
        places: the settings, in order.
        rows: the systems, in the order of the table.
        seeds: of the further trainings.
        out: an existing folder.

    Raises:
        InputError: a folder is damaged.
        OSError: a file cannot be written.
    """
    found = [numbers(read_setting(place, rows, seeds)) for place in places]
    write_text(out / "metrics.json", metrics_json(m for n in found for m in metrics_of(n)))
    write_text(out / "report.html", render_html(found, rows))
    write_text(out / "report.md", render_markdown(found, rows))
    for n in found:
        if n.accuracy:
            write_text(out / f"tokens-{n.read.name}.svg", alone(plot(n)))
