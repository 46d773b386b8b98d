"""Pages: hostile text stays text, tables and charts are well-formed, chunks come back whole."""

from __future__ import annotations

import base64
import hashlib
import json
import re
import zlib
from html.parser import HTMLParser
from xml.etree import ElementTree

import pytest
from hypothesis import given
from hypothesis import strategies as st

from lorid_data.pages.cells import Chip, Formulas, cell_html
from lorid_data.pages.charts import (
    Estimate,
    Row,
    bar_chart,
    histogram,
    interval_chart,
)
from lorid_data.pages.latex import Dialect
from lorid_data.pages.lines import Series, line_chart
from lorid_data.pages.mathml import TAGS
from lorid_data.pages.page import (
    Tile,
    chunk,
    figure,
    first_section,
    folded,
    packaged,
    page,
    page_scripts,
    paragraph,
    section,
    tiles,
)
from lorid_data.pages.rows import row_list
from lorid_data.pages.scale import axis
from lorid_data.pages.scale import points as in_points
from lorid_data.pages.scatter import Mark, scatter_chart
from lorid_data.pages.svg import NARROW, WIDTH, both
from lorid_data.pages.table import table, table_html, table_markdown
from lorid_data.pages.text import LIMIT, esc, visible

HOSTILE = [
    "</script><script>alert(1)</script>", "<img src=x onerror=alert(1)>", "&lt;b&gt;", "\x00\x1b[31m",
    "\u202egnp.exe", "a\ud800b", "`|*_#[x](javascript:alert(1))", "</style>", "\"' onmouseover='x", "]]>", "-->",
    "\r\n| x | y |\r\n", "\U000e0041",
]  # fmt: skip
anything = st.one_of(
    st.text(max_size=40),
    st.sampled_from(HOSTILE),
    st.text(st.characters(categories=["Cc", "Cf", "Cs"]), max_size=9),
)


class Tags(HTMLParser):
    """The tags and attributes of a document."""

    def __init__(self) -> None:
        super().__init__()
        self.seen: list[tuple[str, dict[str, str | None]]] = []
        self.text: list[str] = []

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.seen.append((tag, dict(attrs)))

    def handle_data(self, data: str) -> None:
        self.text.append(data)


def parsed(document: str) -> Tags:
    tags = Tags()
    tags.feed(document)
    tags.close()
    return tags


# --- text ----------------------------------------------------------------------------------------


@given(anything)
def test_escaped_text_holds_no_markup_and_says_the_same(text: str) -> None:
    escaped = esc(text)
    assert not re.search("[<>\"']", escaped)
    tags = parsed(f'<p title="{escaped}">{escaped}</p>')
    assert [t for t, _ in tags.seen] == ["p"]
    assert tags.seen[0][1] == {"title": visible(text)}
    assert "".join(tags.text) == visible(text)


@given(anything)
def test_visible_text_can_be_written_and_hides_nothing(text: str) -> None:
    shown = visible(text)
    shown.encode("utf-8")
    assert not re.search(
        "[\x00-\x08\x0b-\x1f\x7f-\x9f\u200b-\u200f\u202a-\u202e\u2066-\u2069\ufeff]", shown
    )
    if text.isascii() and text.isprintable():
        assert shown == text


def test_what_hides_is_named() -> None:
    assert visible("a\x00\x1b\x7fb\n\tc") == "a␀␛␡b\n\tc"
    assert visible("\u202eab\ud800") == "⟨U+202E⟩ab⟨U+D800⟩"


def test_huge_text_is_cut_with_a_notice() -> None:
    shown = visible("x" * 10_000_000)
    assert len(shown) < LIMIT + 100
    assert "the first 20,000 of 10,000,000 characters are shown" in shown
    assert visible("x" * LIMIT) == "x" * LIMIT


# --- tables --------------------------------------------------------------------------------------


@given(st.lists(st.tuples(anything, anything), max_size=4), anything)
def test_tables_hold_their_cells_and_nothing_else(
    rows: list[tuple[str, str]], caption: str
) -> None:
    made = table(["a", "b"], rows, caption=caption, note=caption, strong=[0])
    tags = parsed(table_html(made))
    assert sum(t == "td" for t, _ in tags.seen) == len(rows)
    assert {t for t, _ in tags.seen} <= {
        "div",
        "table",
        "caption",
        "thead",
        "tbody",
        "tr",
        "th",
        "td",
        "p",
    }
    markdown = table_markdown(made)
    lines = [line for line in markdown.splitlines() if line.startswith("|")]
    assert len(lines) == len(rows) + 2
    assert {len(re.findall(r"(?<!\\)\|", line)) for line in lines} == {3}
    assert "<" not in re.sub(r"\\<", "", markdown)


def test_columns_of_figures_stand_right() -> None:
    made = table(
        ["name", "n", "interval", "word"],
        [["a", "1,200", "−1.0 to +2.5", "x"], ["b", "–", "< 0.001", "3"]],
    )
    html = table_html(made)
    assert html.count('class="num"') == 6
    assert "| --- | ---: | ---: | --- |" in table_markdown(made)


def test_a_ragged_table_is_refused() -> None:
    with pytest.raises(ValueError, match="a row of 1 cells under 2 heads"):
        table(["a", "b"], [["x"]])


# --- charts --------------------------------------------------------------------------------------

fractions = st.floats(0, 1)
values = st.floats(-1e9, 1e9)


def titles(svg: str) -> list[str]:
    root = ElementTree.fromstring(svg)
    assert root.get("role") == "img"
    assert root.get("aria-label")
    for element in root.iter():
        for name in ("x", "y", "cx", "cy", "x1", "y1", "width", "height"):
            text = element.get(name)
            assert text is None or -1 <= float(text) <= 4_000, (element.tag, name, text)
    return [e.text or "" for e in root.iter("title")]


@given(st.lists(st.tuples(anything, st.lists(fractions, min_size=3, max_size=3)), max_size=6))
def test_interval_charts_are_well_formed(rows: list[tuple[str, list[float]]]) -> None:
    made = []
    for label, three in rows:
        low, value, high = sorted(three)
        made.append(Row(label, (Estimate(value, low, high), Estimate(None))))
    assert len(titles(interval_chart("accuracy", made, series=["one", "two"]))) == len(rows)


@given(st.lists(st.lists(st.tuples(values, values), max_size=5), max_size=7), anything)
def test_line_charts_are_well_formed(lines: list[list[tuple[float, float]]], name: str) -> None:
    made = [
        Series(name, tuple(points), band=tuple((y - 1, y + 1) for _, y in points), series=i)
        for i, points in enumerate(lines)
    ]
    svg = line_chart(name or "x", made, x_label=name, y_label=name)
    assert len(titles(svg)) == sum(map(len, lines))


@given(
    st.lists(st.tuples(anything, st.lists(st.floats(-1, 1), min_size=3, max_size=3)), max_size=6)
)
def test_differences_are_said_in_points_around_a_line_at_zero(
    rows: list[tuple[str, list[float]]],
) -> None:
    made = []
    for label, three in rows:
        low, value, high = sorted(three)
        made.append(Row(label, (Estimate(value, low, high),)))
    svg = interval_chart("difference", made, signed=True)
    for (_, three), said in zip(rows, titles(svg), strict=True):
        low, value, high = sorted(three)
        assert f": {in_points(value)}, " in said
        if low == high:
            assert "interval unknown" in said
        else:
            assert f"95 % interval {in_points(low)} to {in_points(high)}" in said
    assert svg.count('class="zero"') == 1


def test_points_are_signed() -> None:
    assert [in_points(v) for v in (0.025, -0.3, 0.0, -0.0001)] == [
        "+2.5",
        "−30.0",
        "±0.0",
        "±0.0",
    ]


def test_an_axis_may_show_names_instead_of_numbers() -> None:
    names = ["0", "1", "2–3", "4–7"]
    series = Series("a", ((0.0, 0.5), (3.0, 0.75)))
    svg = line_chart("n", [series], x_label="x", y_label="y", x_names=names)
    root = ElementTree.fromstring(svg)
    ticks = [e.text for e in root.iter("text") if e.get("text-anchor") == "middle"]
    assert ticks == names
    assert titles(svg) == ["a: 0, 50 %", "a: 4–7, 75 %"]


marks = st.builds(
    Mark, anything, st.floats(1, 1e6), fractions, st.none() | fractions, st.none() | fractions
)


@given(st.lists(marks, max_size=25))
def test_scatter_charts_are_well_formed(found: list[Mark]) -> None:
    svg = scatter_chart("n", found, x_label="tokens", y_label="accuracy")
    assert len(titles(svg)) == len(found)


def test_names_of_a_scatter_chart_stand_apart_beside_their_points() -> None:
    close = [Mark(f"system-{i}", 100.0 + i, 0.9 + i / 1000) for i in range(8)]
    root = ElementTree.fromstring(scatter_chart("n", close, x_label="x", y_label="y"))
    named = [e for e in root.iter("text") if (e.text or "").startswith("system-")]
    boxes = []
    for e in named:
        x, y, width = float(e.get("x", 0)), float(e.get("y", 0)), 6.4 * len(e.text or "")
        left = x - width if e.get("text-anchor") == "end" else x
        boxes.append((left, y, left + width))
    assert len(boxes) == 8
    for i, (a, y, b) in enumerate(boxes):
        for c, other, d in boxes[i + 1 :]:
            assert b <= c or d <= a or abs(y - other) >= 14
    assert [e for e in root.iter("line") if e.get("class") == "leader"]


def test_a_short_axis_has_enough_ticks() -> None:
    few = [Mark("a", 20.0, 0.5), Mark("b", 130.0, 0.6)]
    svg = scatter_chart("n", few, x_label="x", y_label="y")
    ticks = [
        e.text for e in ElementTree.fromstring(svg).iter("text") if e.get("text-anchor") == "middle"
    ]
    assert ticks == ["20", "30", "40", "50", "60", "80", "100"]


@given(st.lists(st.floats(0, 1e9), max_size=40))
def test_bar_charts_and_histograms_are_well_formed(numbers: list[float]) -> None:
    labels = [str(i) for i in range(len(numbers))]
    for nested in (False, True):
        svg = bar_chart("n", labels, [("a", numbers), ("b", numbers)], nested=nested, x_label="x")
        assert len(titles(svg)) == 2 * len(numbers)
    counted = titles(histogram("h", numbers))
    assert sum(float(t.rpartition(": ")[2].replace(",", "")) for t in counted) == len(numbers)


@given(values, values)
def test_axes_cover_their_range_with_round_ticks(a: float, b: float) -> None:
    x = axis(min(a, b), max(a, b), 0, 100)
    slack = 1e-6 * max(1.0, abs(a), abs(b))
    assert x.low <= min(a, b) + slack
    assert x.high >= max(a, b) - slack
    assert 2 <= len(x.ticks) <= 14
    assert list(x.ticks) == sorted(set(x.ticks))
    assert x.at(x.low) == 0
    assert x.at(x.high) == 100


def test_axes_of_what_is_no_number() -> None:
    assert axis(float("nan"), float("inf"), 0, 1).ticks[0] == 0


# --- the page ------------------------------------------------------------------------------------


def test_a_page_allows_its_own_script_and_style_and_nothing_else() -> None:
    document = page("T", ["<p>x</p>"], scripts=["go()"], nav=[("a", "A")], data=[chunk("c", 1)])
    policy = next(a["content"] for t, a in parsed(document).seen if a.get("http-equiv"))
    assert policy is not None
    assert "default-src 'none'" in policy
    assert "connect-src 'none'" in policy
    assert "unsafe" not in policy
    for tag, directive in (("style", "style-src"), ("script", "script-src")):
        inner = re.findall(rf"<{tag}>(.*?)</{tag}>", document, re.DOTALL)
        assert len(inner) == 1
        digest = base64.b64encode(hashlib.sha256(inner[0].encode()).digest()).decode()
        assert f"{directive} 'sha256-{digest}'" in policy
    assert "connect-src 'self'" in page("T", [], connect_self=True)
    assert "script-src 'none'" in page("T", [])


def test_a_page_asks_for_nothing() -> None:
    document = page("T", [section("s", "S", paragraph("x"))], scripts=["go()"])
    for tag, attributes in parsed(document).seen:
        assert tag not in ("link", "img", "iframe", "object", "embed", "base", "form")
        assert not {"src", "srcset", "style", "onload", "onclick"} & set(attributes)
    assert "@import" not in document
    assert "url(" not in document


@given(anything)
def test_titles_and_pieces_are_escaped(text: str) -> None:
    chart = bar_chart(text, ["a"], [("b", [1.0])])
    pieces = [
        section(text, text, paragraph(text, "note")), folded(text),
        figure(chart, table([text], [[text]]), text),
    ]  # fmt: skip
    document = page(text, pieces, subtitle=text, nav=[(text, text)])
    seen = {t for t, _ in parsed(document).seen}
    assert not seen & {"script", "img", "b"}
    document.encode("utf-8")


@given(
    st.recursive(
        st.one_of(anything, st.integers(), st.none(), st.booleans()),
        lambda x: st.lists(x, max_size=4) | st.dictionaries(anything, x, max_size=3),
        max_leaves=8,
    )
)
def test_chunks_come_back_and_cannot_break_out(value: object) -> None:
    block = chunk("c1", value)
    match = re.fullmatch(
        r'<script type="application/octet-stream" id="c1">([A-Za-z0-9+/=]*)</script>', block
    )
    assert match
    assert json.loads(zlib.decompress(base64.b64decode(match[1]))) == json.loads(json.dumps(value))


def test_packaged_files_are_there() -> None:
    assert ":root" in packaged("lorid_data.pages", "style.css")
    for package, name in (("lorid_data.audit", "audit.js"), ("lorid_train.report", "report.js")):
        scripts = page_scripts(package, name, "rows.js")
        assert len(scripts) == len(set(scripts)) == 4
        assert all(s.startswith('"use strict"') for s in scripts)
        assert "const LoridDom =" in scripts[0]
        assert "const LoridRows =" in scripts[2]
        assert "LoridRows.show(" in scripts[2]


def test_a_page_allows_each_of_its_scripts_by_hash_and_no_other() -> None:
    scripts = page_scripts("lorid_data.view", "view.js", "rich.js", "rows.js")
    [policy] = re.findall(r'content="(default-src[^"]*)"', page("t", [], scripts=scripts))
    digests = (base64.b64encode(hashlib.sha256(s.encode()).digest()).decode() for s in scripts)
    allowed = " ".join(f"'sha256-{d}'" for d in digests)
    assert f"script-src {allowed};" in policy
    assert "default-src 'none';" in policy
    assert "connect-src 'none';" in policy
    assert "unsafe" not in policy


@given(anything)
def test_the_tools_of_a_list_of_rows_are_escaped(text: str) -> None:
    made = row_list(
        text, text, [("all", text), (text, text)], tone=lambda _: text, beside_search=[(text, text)],
        beside_filters=[(text, text)], without_script=text,
    )  # fmt: skip
    seen = {t for t, _ in parsed(made).seen}
    assert seen == {"div", "input", "select", "button", "span", "p", "ol", "noscript"}


def test_a_list_of_rows_has_what_its_script_looks_for() -> None:
    script = packaged("lorid_data.pages", "rows.js")
    made = row_list("Search", "Search", [("all", "All")], without_script="no")
    wanted = set(re.findall(r'byId\("(\w+)"\)', script))
    assert wanted == {"rows", "status", "search", "where", "previous", "next"}
    assert all(f' id="{name}"' in made for name in wanted)
    assert 'data-filter="all" aria-pressed="true"' in made
    assert "data-tone" not in made


# --- what a chart does not know, and its two layouts -------------------------------------------------


@pytest.mark.parametrize(
    ("low", "high"), [(None, None), (0.5, 0.5), (None, 0.7), (0.2, None)], ids=str
)
def test_an_interval_without_width_is_drawn_as_unknown(
    low: float | None, high: float | None
) -> None:
    for width in (WIDTH, NARROW):
        chart = interval_chart("c", [Row("a", (Estimate(0.5, low, high),))], width=width)
        assert 'class="open dot' in chart
        assert 'class="fill soft' not in chart
        assert titles(chart) == ["a: 50 %, interval unknown "]
        known = interval_chart("c", [Row("a", (Estimate(0.5, 0.4, 0.6),))], width=width)
        assert 'class="open' not in known
    line = Series("l", ((0.0, 0.5), (1.0, 0.6), (2.0, 0.7)), band=((0.4, 0.6), None, (0.6, 0.8)))
    chart = line_chart("c", [line], x_label="x", y_label="y")
    assert [t.endswith(", interval unknown") for t in titles(chart)] == [False, True, False]
    assert "<polygon" not in chart  # no band reaches across what is unknown


def test_a_limit_is_marked_and_lies_on_the_axis() -> None:
    for width in (WIDTH, NARROW):
        rows = [Row("a", (Estimate(0.01, 0.0, 0.02),), limit=0.3), Row("b", (Estimate(0.01),))]
        chart = interval_chart("c", rows, low=0.0, width=width)
        assert "a: at most 30 %" in titles(chart)
        [mark] = [
            e for e in ElementTree.fromstring(chart).iter("line") if e.get("class") == "limit"
        ]
        assert 0 < float(mark.get("x1", 0)) < width


def test_a_narrow_chart_is_laid_out_anew() -> None:
    rows = [Row("a-rather-long-name-of-a-system", (Estimate(0.5, 0.4, 0.6),))]
    chart = both(lambda width: interval_chart("c", rows, width=width))
    root = ElementTree.fromstring(f"<div>{chart}</div>")
    wide, narrow = root.iter("svg")
    assert [s.get("viewBox", "").split()[2] for s in (wide, narrow)] == ["640", "350"]
    label = next(t for t in narrow.iter("text") if t.text == rows[0].label)
    assert float(label.get("x", 1)) == 0  # above its row, not beside it
    assert titles_of(wide) == titles_of(narrow)


def titles_of(svg: ElementTree.Element) -> list[str]:
    return [e.text or "" for e in svg.iter("title")]


# --- cells, tiles, heads -----------------------------------------------------------------------------


@given(anything, anything)
def test_special_cells_hold_hostile_text(text: str, tone: str) -> None:
    made = table(["a", "b"], [[Chip(text, tone), Formulas(text, Dialect.LATEX)]])
    assert {t for t, _ in parsed(table_html(made)).seen} <= {
        "div", "table", "thead", "tbody", "tr", "th", "td", "span", "math", *TAGS,
    }  # fmt: skip
    assert table_markdown(made) == table_markdown(table(["a", "b"], [[text, text]]))
    document = first_section(text, text, tiles([Tile(text, text, (text,))]))
    assert {t for t, _ in parsed(document).seen} <= {"section", "ul", "li", "span"}


def test_a_formula_of_a_table_is_set_without_a_script() -> None:
    html = cell_html(Formulas(r"For $A=\begin{pmatrix}1\\2\end{pmatrix}$ it costs", Dialect.LATEX))
    assert html.startswith("For <math alttext=")
    assert html.count('class="tall-2"') == 2
    assert html.endswith("</math> it costs")
    assert cell_html(Formulas("$5 and $6", Dialect.PLAIN)) == "$5 and $6"
    assert cell_html(Chip("better", "correct")) == '<span class="chip correct">better</span>'
    assert cell_html(Chip("–", "")) == "–"


def test_columns_that_a_small_screen_leaves_out_are_marked() -> None:
    html = table_html(table(["a", "b", "c"], [["x", "1", "y"]], optional=("b", "c")))
    assert html.count('class="num less"') == 2
    assert html.count('class="less"') == 2


def test_heads_stand_above_the_rows() -> None:
    found = row_list("s", "l", [("all", "All")], without_script="", heads=("seen", ("<b>", "B")))
    assert '<div class="rows heads"><div class="row seen"><span>&lt;b&gt;</span>' in found
    assert found.index("heads") < found.index('id="rows"')
    assert "heads" not in row_list("s", "l", [("all", "All")], without_script="")
