"""`--json` and `completion`, on both programs."""

from __future__ import annotations

import inspect
import json
import subprocess
from pathlib import Path

import pytest

from lorid_data.cli.app import app as data_app
from lorid_data.cli.app import main
from lorid_data.commandline import result
from lorid_data.commandline.program import run
from lorid_train.cli import app as train_app


def test_a_result_is_one_ascii_object(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    table = tmp_path / "t.jsonl"
    table.write_text('{"question": "Zwei – 1?", "answer": "1"}\n', encoding="utf-8")
    out = tmp_path / "größe"
    assert main(["import", str(table), "--out", str(out), "--json"]) == 0
    said = capsys.readouterr().out
    assert said.isascii()
    body = json.loads(said)
    assert (body["stage"], body["n_in"], body["n_kept"], body["out"]) == ("import", 1, 1, str(out))
    assert main(["split", str(out), "--test", "0.5", "--out", str(tmp_path / "s"), "--json"]) in (
        0,
        2,
    )


@pytest.mark.parametrize(
    "argv",
    [
        ["build", "arithmetic", "--teacher", "openai:gpt-4o", "--limit", "2", "--dry-run"],
        ["view", "{made}"], ["audit", "{made}"], ["validate", "{made}"], ["decontaminate", "{made}", "--against", "arithmetic"],
        ["split", "{made}", "--test", "0.5"],
    ],
    ids=lambda argv: argv[0],
)  # fmt: skip
def test_commands_print_json_alone(
    argv: list[str], tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    made = tmp_path / "made"
    assert (
        main(["build", "arithmetic", "--teacher", "source", "--limit", "6", "--out", str(made)])
        == 0
    )
    capsys.readouterr()
    argv = [a.format(made=made) for a in argv]
    out = [] if argv[0] == "audit" else ["--out", str(tmp_path / "x.html")]
    assert main([*argv, *out, "--json"]) == 0
    assert isinstance(json.loads(capsys.readouterr().out), dict)


def test_a_command_with_an_option_of_that_name_keeps_it() -> None:
    assert result.take_json(train_app, ["solve", "r", "q", "--json"]) == (
        ["solve", "r", "q", "--json"],
        False,
    )
    assert result.take_json(data_app, ["view", "x", "--json"]) == (["view", "x"], True)
    assert result.take_json(data_app, ["view", "--", "--json"]) == (["view", "--", "--json"], False)


def test_no_command_prints_by_itself() -> None:
    """What prints its result otherwise has no `--json`; prompts, solve and completion print for programs as they are."""
    root = Path(__file__).parents[4]
    files = [*(root / "lorid_data" / "cli").glob("*.py"), root / "lorid_train" / "cli.py", root / "lorid_train" / "evaluation" / "command.py"]  # fmt: skip
    found = [
        f"{p.name}: {line.strip()}"
        for p in files
        for line in p.read_text(encoding="utf-8").splitlines()
        if "print(" in line and "json.dumps" not in line
    ]
    assert not found


@pytest.mark.parametrize("app", [data_app, train_app], ids=lambda a: a.name[0])
def test_completion_is_a_script_that_bash_takes(
    app: object, capsys: pytest.CaptureFixture[str]
) -> None:
    assert run(app, ["completion", "bash"]) == 0  # type: ignore[arg-type]
    script = capsys.readouterr().out
    done = subprocess.run(["bash", "-n"], input=script, text=True, capture_output=True, check=False)
    assert done.returncode == 0, done.stderr
    for command in ("publish", "completion"):
        assert command in script
    assert inspect.cleandoc(script)
