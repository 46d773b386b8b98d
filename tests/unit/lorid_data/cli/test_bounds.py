"""What an option's model refuses, its command refuses: in one sentence, before anything is written."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from pydantic import BaseModel

from lorid_data.audit.judge import JudgeOptions
from lorid_data.build.choose import ChooseOptions
from lorid_data.build.stage import BuildOptions
from lorid_data.cli.app import main
from lorid_data.dedup.stage import DedupOptions
from lorid_data.programs.stage import ProgramOptions
from lorid_data.split.stage import SplitOptions

COMMANDS: dict[str, tuple[type[BaseModel], tuple[str, ...]]] = {
    "build": (BuildOptions, ("arithmetic", "--teacher", "source")),
    "choose": (ChooseOptions, ("no-folder",)),
    "programs": (ProgramOptions, ("no-folder",)),
    "dedup": (DedupOptions, ("no-folder",)),
    "split": (SplitOptions, ("no-folder",)),
    "audit": (JudgeOptions, ("no-folder",)),
}
_JUDGE = {"sample": "judge_sample"}


def beyond() -> Iterator[tuple[str, str, str]]:
    """For each bound of each option a value on its other side."""
    for command, (model, _) in COMMANDS.items():
        for name, field in model.model_fields.items():
            option = _JUDGE.get(name, name) if command == "audit" else name
            if (command, option) == ("audit", "poll_s"):  # no option of the command
                continue
            values = [v for bound in field.metadata for v in _outside(bound)]
            # More than the most requests in flight is cut to it.
            yield from (
                (command, option, v) for v in values if (option, v) != ("concurrency", "4097")
            )


def _outside(bound: Any) -> Iterator[str]:
    for name, step in (("ge", -1), ("gt", 0), ("le", 1), ("lt", 0)):
        if (at := getattr(bound, name, None)) is not None:
            yield f"{at + step:g}"
    if getattr(bound, "allow_inf_nan", None) is False:
        yield from ("inf", "nan")


@pytest.mark.parametrize(("command", "option", "value"), sorted(set(beyond())))
def test_a_value_beyond_a_bound_is_refused_in_a_sentence(
    command: str, option: str, value: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    out = () if command == "audit" else ("--out", str(tmp_path / "out"))
    more = ("--test", "0.5") if command == "split" and option != "test" else ()
    argv = [command, *COMMANDS[command][1], *out, *more, f"--{option.replace('_', '-')}={value}"]
    assert main(argv) == 2
    said = capsys.readouterr().err
    assert option.replace("_", "-") in said
    assert said.count("\n") == 1
    assert not (tmp_path / "out").exists()
