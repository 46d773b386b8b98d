"""The prompt loader: bytes as they are, placeholders filled once, nothing else touched."""

from pathlib import Path

import pytest

from lorid_data import prompts
from lorid_data.errors import ConfigError
from lorid_data.schema import sha256_text


def test_a_prompt_is_its_file() -> None:
    path = prompts.root() / "teacher" / "knowledge.v1.txt"
    prompt = prompts.load("teacher/knowledge.v1")
    assert prompt.text == path.read_bytes().decode("utf-8")
    assert prompt.sha256 == sha256_text(prompt.text)


def test_released_prompts_never_change() -> None:
    # A new wording is a new version: stored replies and published rows name these hashes.
    assert (
        prompts.load("teacher/knowledge.v1").sha256
        == "2fdde90aba2b175757caaf5ddfbb792772d76f17a6d0d1edac013a869b2aa15c"
    )
    assert (
        prompts.load("teacher/system.v1").sha256
        == "2872974e737961f188996c77db1cc370438851a9e7063494127dfc1b0e38fa97"
    )


def test_values_are_inserted_as_they_are_and_not_filled_again() -> None:
    filled = prompts.load("teacher/knowledge.v1").fill(
        question=" {rationale} \n", rationale="{x}\\"
    )
    assert "Question:  {rationale} \n\nRationale: {x}\\\nKnowledge: " in filled
    assert '"output": [' in filled


@pytest.mark.parametrize(
    "values", [{}, {"question": "q"}, {"question": "q", "rationale": "r", "more": "x"}]
)
def test_values_must_fit_the_placeholders(values: dict[str, str]) -> None:
    with pytest.raises(ConfigError, match=r"takes \['question', 'rationale'\]"):
        prompts.load("teacher/knowledge.v1").fill(**values)


def test_an_unknown_prompt_names_those_there_are() -> None:
    with pytest.raises(ConfigError, match=r"no prompt 'teacher/absent\.v1'.*teacher/knowledge\.v1"):
        prompts.load("teacher/absent.v1")


def test_a_file_of_the_users_own_is_a_prompt(tmp_path: Path) -> None:
    path = tmp_path / "asks.txt"
    path.write_bytes("Löse: {question}\r\n".encode())
    prompt = prompts.of_file(path, takes=("question",))
    assert prompt.fill(question=" 1 + {x}?") == "Löse:  1 + {x}?"
    assert prompt.sha256 == sha256_text("Löse: {question}")
    path.write_text("No place for it")
    with pytest.raises(ConfigError, match=r"placeholders none; it must have \{question\}"):
        prompts.of_file(path, takes=("question",))
    path.write_bytes(b"\xff{question}")
    with pytest.raises(ConfigError, match="UTF-8"):
        prompts.of_file(path, takes=("question",))
