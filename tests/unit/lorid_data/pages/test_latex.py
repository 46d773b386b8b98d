"""Formulas become MathML that holds nothing else; money stays money; what cannot be shown stays text."""

from __future__ import annotations

import itertools
import json
import re
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from lorid_data.pages.latex import Dialect, dialect, pieces
from lorid_data.pages.mathml import ATTRIBUTES, MAX_CHARS, TAGS, mathml
from lorid_data.pages.page import packaged
from lorid_data.pages.text import visible

STRICT, LATEX, PLAIN = Dialect.STRICT, Dialect.LATEX, Dialect.PLAIN
FRAGMENTS = [
    "$", "$$", "\\[", "\\]", "\\(", "\\)", "\\$", "\\\\", "[asy]", "[/asy]", "\\begin{align*}", "\\end{align*}", "{", "}",
    "\\frac", "\\text{<script>alert(1)</script>}", "\\href{javascript:alert(1)}{x}", "\\class{x}{y}", "\\style{color:red}{y}",
    "&#x3c;img src=x onerror=alert(1)&#x3e;", "\\unicode{x202e}", "\u202e", "\x00", "\ud800", "%", "&", "^", "_", "1", "x", " ",
    "\\color{red}", "\\begin{array}{c|c}", "\\end{array}", "\\hline", "\\def\\a{\\a\\a}", "\\left(", "\\right)", "\\over", "\n\n",
]  # fmt: skip


def source_of(found: list[Any]) -> str:
    return "".join(p if isinstance(p, str) else p["s"] for p in found)


def formulas(found: list[Any]) -> list[str]:
    return [p["s"] for p in found if isinstance(p, dict) and "m" in p]


def check_tree(tree: list[Any]) -> None:
    for node in tree:
        if isinstance(node, str):
            assert node == visible(node)
            continue
        tag, attributes, *children = node
        assert tag in TAGS
        for name, value in attributes.items():
            assert re.fullmatch(r"[a-z0-9. -]+", value), (name, value)
            assert name in ATTRIBUTES
        check_tree(children)


def leaves(tree: list[Any]) -> str:
    return "".join(n if isinstance(n, str) else leaves(n[2:]) for n in tree)


@given(st.lists(st.sampled_from(FRAGMENTS), max_size=24), st.sampled_from([STRICT, LATEX]))
def test_pieces_say_the_whole_text_and_hold_nothing_but_formulas(
    parts: list[str], how: Dialect
) -> None:
    text = "".join(parts)
    found = pieces(text, how)
    assert source_of(found) == visible(text)
    json.dumps(found)
    for piece in found:
        if isinstance(piece, dict) and "m" in piece:
            check_tree(piece["m"])


@pytest.mark.parametrize(
    ("text", "how", "expected"),
    [
        ("It costs $5 and then $10.", PLAIN, []),
        ("It costs $5 and then $10, or $\\frac{1}{2}$.", STRICT, ["$\\frac{1}{2}$"]),
        ("between $5-$10 \\frac", STRICT, []),
        ("a price of \\$5 and \\$7, $x$ each", STRICT, ["$x$"]),
        ("cost $\\$9.87$987 in all", LATEX, ["$\\$9.87$"]),
        ("Let $ x $ be $y$.", LATEX, ["$ x $", "$y$"]),
        ("Let $ x $ be $y$.", STRICT, ["$y$"]),
        ("\\[x^2\\] and \\(y\\) and $$z$$", STRICT, ["\\[x^2\\]", "\\(y\\)", "$$z$$"]),
        ("one $x\n\nand $y$", LATEX, ["$y$"]),
        ("\\begin{align*}x&=1\\\\y&=2\\end{align*}", LATEX, ["\\begin{align*}x&=1\\\\y&=2\\end{align*}"]),
        ("\\begin{verbatim}$x$\\end{verbatim}", LATEX, ["$x$"]),
        ("no end $x", LATEX, []),
        ("a lost one: $x=1. If we solve for $d$ we find $e$.", LATEX, ["$d$", "$e$"]),
        ("$\\text{if you like words}$", LATEX, ["$\\text{if you like words}$"]),
        ("\\text{if $x<2$}, $\\text{if \\$2}$", LATEX, ["$x<2$", "$\\text{if \\$2}$"]),
    ],
)  # fmt: skip
def test_what_counts_as_a_formula(text: str, how: Dialect, expected: list[str]) -> None:
    assert formulas(pieces(text, how)) == expected


@pytest.mark.parametrize(
    ("source", "text", "expected"),
    [
        ("gsm8k", "It costs $5 \\times $10", PLAIN),
        ("arithmetic", "\\frac", PLAIN),
        ("math", "It costs $5.", LATEX),
        ("mine.jsonl", "It costs $5 and $10.", PLAIN),
        ("mine.jsonl", "It costs \\$5.", PLAIN),
        ("mine.jsonl", "Find $\\sqrt{2}$.", STRICT),
        ("mine.jsonl", "Find \\(x\\).", STRICT),
    ],
)
def test_the_row_says_whether_a_dollar_is_money(source: str, text: str, expected: Dialect) -> None:
    assert dialect(source, ["plain", text]) is expected


@pytest.mark.parametrize(
    "latex",
    [
        "\\text{<script>alert(1)</script>}",
        "\\mbox{&lt;img src=x&gt;}",
        "\\text{a\u202eb}",
    ],
)
def test_markup_in_a_formula_is_text(latex: str) -> None:
    tree = mathml(latex)
    assert tree is not None
    check_tree(tree)
    assert set(re.findall(r'"(m[a-z]+)"', json.dumps(tree))) <= {"mstyle", "mtext"}
    assert leaves(tree).startswith(("<script>alert(1)</script>", "&lt;img\xa0src", "a⟨U+202E⟩b"))


@pytest.mark.parametrize(
    "latex",
    [
        "\\href{javascript:alert(1)}{x}", "\\class{note}{x}", "\\style{position:fixed}{x}", "\\def\\a{\\a\\a}\\a",
        "\\newcommand{\\b}{x}\\b", "50% of x", "x" * (MAX_CHARS + 1), "{" * 100 + "x" + "}" * 100, "\\left(" * 300,
        "\\sqrt" * 500, "x^", "\\frac{1}", "\\cancelto{0}{x}", "\\unicode{x3c}",
        "\\text{&#x3c;img&#x3e;}",
    ],
)  # fmt: skip
def test_what_cannot_be_shown_faithfully_stays_text(latex: str) -> None:
    assert mathml(latex) is None
    assert pieces(f"${latex}$", LATEX) == [f"${latex}$"]


def test_a_row_that_the_library_drops_is_noticed() -> None:
    lost = "\\begin{array}{r r}\n10x & 6 \\\\\n9x &\n\\end{array}"
    assert mathml(lost) is None
    assert mathml(lost.replace("9x &\n", "9x & 5\n")) is not None


def test_nothing_is_hidden_or_moved() -> None:
    for latex in ("\\phantom{2}1", "\\color{white}{12}", "\\hspace{-9em}12", "\\llap{2}1"):
        tree = mathml(latex)
        if tree is not None:
            assert re.sub(r"\D", "", leaves(tree)) in ("21", "12")
            assert "mphantom" not in json.dumps(tree)
            assert "white" not in json.dumps(tree)
            assert "-9em" not in json.dumps(tree)


def test_a_drawing_is_a_piece_of_its_own() -> None:
    text = "See [asy] label($A$); [/asy] for $A$."
    assert pieces(text, LATEX)[1] == {"s": "[asy] label($A$); [/asy]"}
    assert formulas(pieces(text, LATEX)) == ["$A$"]


def test_a_long_text_is_cut_and_says_so() -> None:
    text = "$x$ " * 10_000
    found = pieces(text, LATEX)
    assert source_of(found) == visible(text)
    assert "the first 20,000 of 40,000 characters" in found[-1]


def test_the_script_knows_the_same_elements() -> None:
    script = packaged("lorid_data.pages", "rich.js")
    lists = re.findall(r"new Set\(\(([^;]*?)\)\.split", script)
    words = [set(re.findall(r"[a-z]+", text)) for text in lists]
    assert words == [set(TAGS), set(ATTRIBUTES)]


def test_real_formulas_are_shown(real_data: Path) -> None:
    import polars as pl

    files = sorted((real_data / "EleutherAI" / "hendrycks_math").glob("*/train*.parquet"))
    texts = [
        t
        for f in files
        for t in itertools.chain(*pl.read_parquet(f).select("problem", "solution")[:12].rows())
    ]
    found = [pieces(t, LATEX) for t in texts]
    assert [source_of(f) for f in found] == [visible(t) for t in texts]
    n_shown = sum(len(formulas(f)) for f in found)
    left = sum(p.replace("\\$", "").count("$") for f in found for p in f if isinstance(p, str))
    assert n_shown > 800
    assert left <= n_shown * 0.01
