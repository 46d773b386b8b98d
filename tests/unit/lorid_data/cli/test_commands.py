"""`lorid-data` from the command line: status, messages, and that bad input writes nothing."""

import json
import subprocess
import sys
from pathlib import Path

import pytest

from lorid_data.cli.app import main
from lorid_data.folders.manifests import read_manifest
from lorid_data.folders.records import read_records


@pytest.fixture
def table(tmp_path: Path) -> Path:
    path = tmp_path / "t.csv"
    path.write_text(
        'question,rationale,answer,knowledge\na,so 1,1,"x\ny"\nb,so 2,2,\n', encoding="utf-8"
    )
    return path


def test_build_prints_one_line(
    tmp_path: Path, table: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    out = tmp_path / "out"
    assert main(["build", str(table), "--teacher", "source", "--out", str(out)]) == 0
    assert capsys.readouterr().out == (
        f"build: 2 rows in, 1 kept, 1 rejected (1 no_knowledge_in_source) → {out}\n"
    )
    assert read_records(out)[0].knowledge == ("x", "y")


def test_import_and_validate(tmp_path: Path, table: Path) -> None:
    one, two = tmp_path / "one", tmp_path / "two"
    assert (
        main(["import", str(table), "--out", str(one), "--licence", "MIT", "--split", "test"]) == 0
    )
    assert {(r.licence, r.split) for r in read_records(one)} == {("MIT", "test")}
    assert main(["validate", str(one), "--out", str(two)]) == 0
    assert read_manifest(two).n_in == 2


def test_failed_rows_are_status_1(tmp_path: Path, table: Path) -> None:
    script = tmp_path / "s.jsonl"
    script.write_text('{"output": ["x"]}\n', encoding="utf-8")
    out = tmp_path / "out"
    assert main(["build", str(table), "--teacher", f"scripted:{script}", "--out", str(out)]) == 1
    assert read_manifest(out).n_rejected == {"script_exhausted": 1}


def test_run_takes_a_configuration(tmp_path: Path, table: Path) -> None:
    config = tmp_path / "c.yaml"
    config.write_text(
        f"out: {tmp_path}/out\nbuild: {{source: {table}, teacher: none}}\nvalidate:\n",
        encoding="utf-8",
    )
    assert main(["run", str(config)]) == 0
    assert read_manifest(tmp_path / "out" / "validate").n_in == 2


def test_every_option_can_stand_in_a_file(tmp_path: Path, table: Path) -> None:
    config = tmp_path / "c.yaml"
    config.write_text(
        f"source: {table}\nteacher: none\nout: {tmp_path}/out\nlimit: 1\nconcurrency: 2\n",
        encoding="utf-8",
    )
    assert main(["build", "--config", str(config)]) == 0
    assert read_manifest(tmp_path / "out").n_in == 1
    assert main(["build", "--config", str(config), "--limit", "2"]) == 0
    assert read_manifest(tmp_path / "out").n_in == 2


BAD: dict[str, tuple[list[str], str]] = {
    "missing column": (["build", "{dir}/no-columns.csv"], "missing column 'question'"),
    "empty source": (["build", "{dir}/empty.jsonl"], "has no rows"),
    "not UTF-8": (["build", "{dir}/latin1.csv"], "latin1.csv:2: byte 0xe9 is not UTF-8"),
    "unknown source": (["build", "gsm9k"], "unknown source 'gsm9k'"),
    "unknown teacher": (
        ["build", "{dir}/t.csv", "--teacher", "openia:gpt-4o"],
        "available: openai:MODEL",
    ),
    "unknown option": (["build", "{dir}/t.csv", "--limti", "3"], "Did you mean --limit?"),
    "limit of zero": (["build", "{dir}/t.csv", "--limit", "0"], "Must be >= 1"),
    "no such split": (["build", "gsm8k", "--split", "dev"], "it has train, test"),
    "no such copy": (["build", "math", "--source-path", "{dir}/absent"], "no such folder"),
    "bad script": (
        ["build", "{dir}/t.csv", "--teacher", "scripted:{dir}/t.csv"],
        "a script is a .jsonl file",
    ),
    "import of nothing": (["import", "{dir}/absent.csv"], "no such file"),
    "import, missing column": (["import", "{dir}/no-columns.csv"], "missing column 'question'"),
    "validate of nothing": (["validate", "{dir}/absent"], "no such folder"),
    "file for a folder": (["validate", "{dir}/t.csv"], "`lorid-data import` makes one of a table"),
}


@pytest.mark.parametrize("case", BAD)
def test_bad_input_is_one_message_status_2_and_nothing_written(
    tmp_path: Path, table: Path, case: str, capsys: pytest.CaptureFixture[str]
) -> None:
    (tmp_path / "no-columns.csv").write_text("prompt,text\na,b\n", encoding="utf-8")
    (tmp_path / "empty.jsonl").write_bytes(b"")
    (tmp_path / "latin1.csv").write_bytes(b"question,answer\ncaf\xe9,1\n")
    before = {p: p.read_bytes() for p in tmp_path.rglob("*") if p.is_file()}
    argv, says = BAD[case]
    argv = [a.format(dir=tmp_path) for a in argv]
    if argv[0] == "build" and "--teacher" not in argv:
        argv += ["--teacher", "none"]
    assert main([*argv, "--out", str(tmp_path / "out")]) == 2
    err = capsys.readouterr().err
    assert says in err
    assert err.startswith("error:")
    assert "Traceback" not in err
    assert {p: p.read_bytes() for p in tmp_path.rglob("*") if p.is_file()} == before


def test_a_folder_of_another_configuration_is_status_2(tmp_path: Path, table: Path) -> None:
    out = str(tmp_path / "out")
    assert main(["build", str(table), "--teacher", "none", "--out", out]) == 0
    assert main(["build", str(table), "--teacher", "source", "--out", out]) == 2
    assert main(["import", str(table), "--out", out]) == 2


def test_a_secret_in_a_run_configuration_is_refused(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    config = tmp_path / "c.yaml"
    config.write_text("out: o\nbuild: {source: s, api_key: abc123456}\n", encoding="utf-8")
    assert main(["run", str(config)]) == 2
    err = capsys.readouterr().err
    assert "environment" in err
    assert "abc123456" not in err


def in_new_process(script: str, *argv: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [sys.executable, "-c", script, *argv], capture_output=True, text=True, check=False
    )


@pytest.mark.parametrize("argv", [["--help"], ["build", "--help"], ["run", "--help"]])
def test_help_imports_nothing_heavy(argv: list[str]) -> None:
    script = (
        "import sys; from lorid_data.cli.app import main\n"
        "assert main(sys.argv[1:]) == 0\n"
        "heavy = {'polars', 'datasets', 'torch', 'math_verify', 'jinja2', 'numpy', 'pydantic'} & set(sys.modules)\n"
        "assert not heavy, heavy\n"
    )
    done = in_new_process(script, *argv)
    assert done.returncode == 0, done.stderr
    assert "Usage: lorid-data" in done.stdout


def test_importing_everything_has_no_effect_and_needs_no_torch() -> None:
    script = """
import importlib, pkgutil, sys, threading
class Blocker:
    def find_spec(self, name, path=None, target=None):
        if name.partition(".")[0] in {"torch", "transformers", "peft", "trl", "lorid_train"}:
            raise ModuleNotFoundError(name)
sys.meta_path.insert(0, Blocker())
import lorid_data
for m in pkgutil.walk_packages(lorid_data.__path__, "lorid_data."):
    if not m.name.endswith("__main__"):
        importlib.import_module(m.name)
heavy = {"polars", "datasets", "math_verify", "jinja2", "rich"} & set(sys.modules)
assert not heavy, heavy
assert threading.active_count() == 1
"""
    done = in_new_process(script)
    assert done.returncode == 0, done.stderr
    assert (done.stdout, done.stderr) == ("", "")


def test_run_says_like_build_that_a_teacher_is_asked_wrongly(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    script = tmp_path / "s.jsonl"
    script.write_text('{"text": "no JSON at all"}\n' * 4)
    build = {"source": "arithmetic", "teacher": f"scripted:{script}", "limit": 4}
    config = tmp_path / "c.yaml"
    config.write_text(json.dumps({"out": str(tmp_path / "all"), "build": build}))
    assert main(["run", str(config)]) == 1
    assert "4 of 4 rows are rejected as reply_not_json" in capsys.readouterr().err
