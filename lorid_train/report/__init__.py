"""The evaluation report: `view_of` grades and measures, `render_html` shows.

Scoring and reporting run on a laptop: no torch.
"""

from lorid_train.report.headline import headline
from lorid_train.report.markdown import render_markdown
from lorid_train.report.page import render_html
from lorid_train.report.reading import DrawFile
from lorid_train.report.view import EvaluationView, Replay, view_of
from lorid_train.report.writing import write_metrics, write_report, write_runs

__all__ = [
    "DrawFile",
    "EvaluationView",
    "Replay",
    "headline",
    "render_html",
    "render_markdown",
    "view_of",
    "write_metrics",
    "write_report",
    "write_runs",
]
