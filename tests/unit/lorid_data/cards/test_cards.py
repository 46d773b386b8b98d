"""Cards: hostile text stays text, LaTeX stays LaTeX, YAML stays one document."""

from __future__ import annotations

import html

import pytest
import yaml
from huggingface_hub import DatasetCard, DatasetCardData
from hypothesis import given
from hypothesis import strategies as st
from markdown_it import MarkdownIt

from lorid_data.cards.escape import block, code, md, one_line
from lorid_data.cards.licences import front_matter, is_unknown

MARKDOWN = MarkdownIt("commonmark", {"html": True}).enable("table")


def shown(markdown: str) -> str:
    """What a reader sees of one paragraph, its soft breaks as spaces."""
    text = []
    for token in MARKDOWN.parse(markdown):
        assert token.type in ("paragraph_open", "paragraph_close", "inline"), token
        for child in token.children or ():
            assert child.type == "text", child
            text.append(child.content)
    return "".join(text)


@pytest.mark.parametrize(
    "text",
    [
        "<script>alert(1)</script>", "<!-- hidden -->", "[a](javascript:x)", "![a](http://x/y.png)",
        "# no heading", "- no item", "1. no item", "> no quote", "| no | table |", "***", "---", "===",
        "`code`", "```", "a_b_c *d* **e**", "&lt;b&gt; &amp;amp; &copy;", "x ~~y~~", "\\*", "\\", "+ 1", "12) x",
        "[ref]: http://x", "    indented", "Setext\n---", "a \\[b\\] c", "_a_ b_c_d", "$", "costs $5 and $6",
    ],
)  # fmt: skip
def test_a_text_is_shown_as_it_is(text: str) -> None:
    assert shown(md(text)) == " ".join(text.split("\n")).strip()


@given(st.text(alphabet=st.sampled_from("ab <>&*_`[]()#!|\\-+=.~:1$\n{}\"'/"), max_size=40))
def test_no_text_starts_anything(text: str) -> None:
    tokens = MARKDOWN.parse(f"x {md(text)}")
    children = [c.type for t in tokens for c in t.children or ()]
    # A formula is not escaped: where formulas are unknown, its asterisks may make words slanted.
    slanted = {"em_open", "em_close", "strong_open", "strong_close"} if "$" in text else set()
    assert set(children) <= {"text"} | slanted, (text, md(text))


@pytest.mark.parametrize("formula", [r"$\frac{a_1}{b}$", r"$$x^2 * y_1$$", r"$\{1, 2\} \\ 3$"])
def test_latex_is_left_as_it_is(formula: str) -> None:
    assert formula in md(f"So *x* is {formula} now")
    assert md("a < b $c<d$ |") == r"a &lt; b $c&lt;d$ &#124;"
    assert html.unescape(md("$c<d$")) == "$c<d$"
    # Markdown itself turns these back into what KaTeX looks for.
    assert shown(md(r"\(a_b*c\) \[\sqrt{x}\]")) == r"\(a_b*c\) \[\sqrt{x}\]"


def test_a_link_that_poses_as_a_formula_is_escaped() -> None:
    assert shown(md("$[a](javascript:x)$")) == "$[a](javascript:x)$"


def test_a_cell_cannot_leave_its_table() -> None:
    cells = (md("x | y\n\n# z"), code("p|q`r"))
    table = "| a | b |\n| --- | --- |\n| {} | {} |\n".format(*cells)
    rows = [t.type for t in MARKDOWN.parse(table)]
    assert rows.count("td_open") == 2
    assert "heading_open" not in rows


def test_a_block_cannot_be_closed_from_within() -> None:
    [token] = MARKDOWN.parse(block("a\n```\n<b>\n````\n# c"))
    assert token.type == "fence"
    assert token.content == "a\n```\n<b>\n````\n# c\n"


@pytest.mark.parametrize("title", ["a\n---\nlicense: gpl", "x: y", "- a", "{{ 1 }}", "!!python/x"])
def test_front_matter_is_one_mapping_whatever_a_title_says(title: str) -> None:
    data = DatasetCardData(license="mit", pretty_name=one_line(title))
    context = {"title": title}
    # Only the front matter is looked at: the template of adapters needs another context.
    text = f"---\n{data.to_yaml(line_break=chr(10))}\n---\n\n{md(context['title'])}"
    assert DatasetCard(text).data.to_dict() == {
        "license": "mit",
        "pretty_name": " ".join(title.split("\n")),
    }
    assert len(list(yaml.safe_load_all(data.to_yaml()))) == 1


def test_licences_are_spelled_for_the_hub_and_never_guessed() -> None:
    assert front_matter({"MIT"}) == {"license": "mit"}
    assert front_matter({"MIT", "Apache-2.0"}) == {"license": ["apache-2.0", "mit"]}
    assert front_matter({"MIT (contested)", "MIT"}) == {
        "license": "other",
        "license_name": "mit-mit-contested",
    }
    assert is_unknown(" Unknown ")
    assert is_unknown("")
    assert not is_unknown("MIT (contested)")


@pytest.mark.parametrize("licence", ["etalab-2.0", "BSD-3-Clause-Clear", "llama4", "openrail++", "LGPL-LR", "C-UDA", "openmdw-1.0"])  # fmt: skip
def test_every_licence_of_the_hub_is_its_own_and_not_other(licence: str) -> None:
    assert front_matter([licence]) == {"license": licence.lower()}
    assert front_matter(["my own words"])["license"] == "other"
