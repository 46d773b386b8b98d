"""Pages: the HTML and SVG pieces that every page of the project is made of.

A page is one file that opens without a network. Text from models and datasets is hostile until
`esc` has had it; scripts put it in place as text, never as HTML. Standard library only.
"""

from lorid_data.pages.charts import (
    Estimate,
    Row,
    Series,
    bar_chart,
    histogram,
    interval_chart,
    line_chart,
)
from lorid_data.pages.page import (
    chunk,
    content_policy,
    figure,
    folded,
    packaged,
    page,
    page_scripts,
    paragraph,
    section,
)
from lorid_data.pages.rows import row_list
from lorid_data.pages.scale import number, percent, points
from lorid_data.pages.scatter import Mark, scatter_chart
from lorid_data.pages.table import Table, markdown, table, table_html, table_markdown
from lorid_data.pages.text import LIMIT, esc, visible

__all__ = [
    "LIMIT",
    "Estimate",
    "Mark",
    "Row",
    "Series",
    "Table",
    "bar_chart",
    "chunk",
    "content_policy",
    "esc",
    "figure",
    "folded",
    "histogram",
    "interval_chart",
    "line_chart",
    "markdown",
    "number",
    "packaged",
    "page",
    "page_scripts",
    "paragraph",
    "percent",
    "points",
    "row_list",
    "scatter_chart",
    "section",
    "table",
    "table_html",
    "table_markdown",
    "visible",
]
