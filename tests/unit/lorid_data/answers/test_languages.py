"""Languages other than English: their cues, units, counters and digits, and a table of one's own."""

import json
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

from lorid_data.answers import Answer, NoAnswer, Verdict, equal, extract
from lorid_data.answers.languages import FOLDER, languages, spoken_in

pytestmark = pytest.mark.usefixtures("answers_prepared")

CASES: list[dict[str, Any]] = [
    json.loads(line)
    for line in (Path(__file__).parents[3] / "golden" / "answers_languages.jsonl")
    .read_text("utf-8")
    .splitlines()
]


@pytest.mark.parametrize("language", sorted({c["language"] for c in CASES}))
def test_texts_and_pairs(language: str) -> None:
    """At least 95 of 100 are right, and nothing is invented."""
    wrong: list[Any] = []
    cases = [c for c in CASES if c["language"] == language]
    for case in cases:
        if "text" not in case:
            found = equal(case["a"], case["b"])
            assert found == equal(case["b"], case["a"])
            if found != case["verdict"]:
                wrong.append((case, str(found)))
            continue
        said = extract(case["text"])
        value = said.value if isinstance(said, Answer) else None
        if case["answer"] is None:
            assert value is None, case
        elif value is None or equal(value, case["answer"]) is not Verdict.EQUAL:
            wrong.append((case, value))
    assert len(wrong) <= 0.05 * len(cases), wrong


def test_every_packaged_table_is_read_and_detected() -> None:
    names = {one.name for one in languages()}
    assert {"Chinese", "Spanish", "French", "German", "Russian", "Japanese", "Hindi"} <= names
    assert [one.name for one in spoken_in("48 + 24 = 72. The answer is 72.")] == []
    assert [one.name for one in spoken_in("Ответ: 72")] == ["Russian"]


TABLE = """
name: Swedish
words: [svaret]
cues: {verb: ['svaret\\sär']}
unstated: om
units: {h: timmar, min: minuter}
"""


def _in_a_process(folder: Path, program: str) -> "subprocess.CompletedProcess[str]":
    import os

    env = {**os.environ, FOLDER: str(folder)}
    return subprocess.run(
        [sys.executable, "-c", program], env=env, capture_output=True, text=True, check=False
    )


def test_a_table_of_ones_own_is_read_beside_the_packaged_ones(tmp_path: Path) -> None:
    (tmp_path / "sv.yaml").write_text(TABLE, "utf-8")
    program = "from lorid_data.answers import extract, equal; print(extract('Alltså: svaret är 27.'), equal('5 timmar', '5 minuter'), extract('Ответ: 3'))"
    done = _in_a_process(tmp_path, program)
    assert "value='27'" in done.stdout
    assert "different" in done.stdout
    assert "value='3'" in done.stdout
    assert isinstance(extract("Alltså: svaret är 27."), NoAnswer)


def test_a_table_that_cannot_be_read_names_itself(tmp_path: Path) -> None:
    (tmp_path / "xx.yaml").write_text("name: X\nletters: '('\ncues: {}\n", "utf-8")
    done = _in_a_process(
        tmp_path, "from lorid_data.answers import extract; extract('The answer is 5.')"
    )
    assert "LanguageError" in done.stderr
    assert "xx.yaml" in done.stderr
