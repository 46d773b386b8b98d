"""Odd texts in every template of LLaMA-Factory, against a table that was written from its rules."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from lorid_data import role_texts
from lorid_train import cli, formats, roles

ROWS = [
    json.loads(line)
    for line in (Path(__file__).parents[2] / "golden" / "formats_odd.jsonl")
    .read_text(encoding="utf-8")
    .splitlines()
]
TEMPLATES = sorted({row["format"] for row in ROWS})


@pytest.mark.parametrize("name", TEMPLATES)
def test_odd_texts_are_rendered_byte_for_byte(name: str) -> None:
    """Nothing, spaces, line breaks, braces, escapes, other scripts, and what looks like a template."""
    rows = [row for row in ROWS if row["format"] == name]
    fmt = formats.load(name)
    for row in rows:
        content = roles.role(row["role"]).content(row["question"], row["knowledge"])
        assert fmt.render(content).encode() == row["prompt"].encode(), row
        published = role_texts.content(row["role"], row["question"], row["knowledge"])
        assert published == content
    assert len(rows) >= 12


def test_every_template_of_llama_factory_is_in_the_table() -> None:
    assert set(TEMPLATES) == {n for n in formats.names() if n.startswith("lf-")}


@pytest.mark.parametrize(
    "row", ROWS[:: len(ROWS) // 24], ids=lambda r: f"{r['format']}-{r['role']}"
)
def test_the_command_prints_the_same(
    row: dict[str, str], capsys: pytest.CaptureFixture[str]
) -> None:
    argv = ["prompts", "--format", row["format"], "--role", row["role"]]
    argv += [f"--question={row['question']}", f"--knowledge={row['knowledge']}"]
    assert cli.run(cli.app, argv) == 0
    assert json.loads(capsys.readouterr().out)["prompt"] == row["prompt"]


@pytest.mark.parametrize("question", ["a\u202eb", "a\u2028b", "\x1b[31mred", "é ¥ 答", "tab\there"])
def test_what_hides_or_reorders_text_is_printed_exactly(
    question: str, capsys: pytest.CaptureFixture[str]
) -> None:
    """What is said to people spells such characters out; JSON for programs must not."""
    assert cli.run(cli.app, ["prompts", "--role", "kg", "--question", question]) == 0
    assert question in json.loads(capsys.readouterr().out)["prompt"]
