"""LaTeX that lost its backslash in JSON: put back where it is certain, and nothing else touched."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from lorid_data.texts.backslashes import controls, lost_commands, restore


@pytest.mark.parametrize(
    "written",
    [
        r"3 \times 4", r"\frac12", r"\frac{a}{b}", r"2\beta_1", r"\theta=\rho", r"a \neq b", r"\text{cm}",
        r"\boxed{7}", r"\right)", r"\nabla f", r"\bar x", r"\binom{n}{k}", r"\forall x", r"\therefore",
        r"\textbf{x}", r"\tfrac{1}{2}", r"\rightarrow", r"\begin{cases}", r"\bf x", r"\notin",
        r"a \bigcirc b", r"\nolimits_x", r"\rVert x", r"\fallingdotseq", r"\trianglelefteq H", r"\nRightarrow", r"\newline",
    ],
)  # fmt: skip
def test_a_command_that_json_swallowed_is_put_back(written: str) -> None:
    swallowed = json.loads(f'"{written}"')
    assert swallowed != written
    assert restore(swallowed) == written
    assert [c.split("{")[0] for c in lost_commands(swallowed)]


@pytest.mark.parametrize(
    "text",
    [
        "a tab\tan apple", "one\nmid", "x\no", "x\te", "\tTom", "line\nnumber 3", "end.\nSo 3", "a\tb",
        "x\nu = 3", "a\n\nparallel line", "\r\nexists", "3 \timesx", "\x0bec", "\ntext", "\nsucc",
    ],
)  # fmt: skip
def test_what_may_be_meant_is_left_as_it_is(text: str) -> None:
    assert restore(text) == text
    assert lost_commands(text) == []


@given(st.text())
def test_putting_back_is_done_once_and_only_at_control_characters(text: str) -> None:
    once = restore(text)
    assert restore(once) == once
    assert len(controls(once)) <= len(controls(text))
    if not controls(text):
        assert once == text


def test_real_text_is_not_taken_for_lost_commands(real_data: Path) -> None:
    import polars as pl

    found = [
        command
        for file in (real_data / "openai").rglob("*.parquet")
        for row in pl.read_parquet(file).rows()
        for text in row
        for command in lost_commands(str(text))
    ]
    assert found == []
    math = [
        command
        for file in (real_data / "EleutherAI").rglob("*.parquet")
        for row in pl.read_parquet(file).rows()
        for text in row
        for command in lost_commands(str(text))
    ]
    assert math == ["\\textbf"], "one row of MATH has lost one, in 12,500"
