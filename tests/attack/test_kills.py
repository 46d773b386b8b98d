"""Killed at any file event and run again, a command ends with the same bytes."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest

from lorid_data.cli.app import main

ROOT = Path(__file__).parents[2]
SCRIPT = ROOT / "tests" / "support" / "killed.py"
N_ROWS = 12


@pytest.fixture(scope="module")
def template(tmp_path_factory: pytest.TempPathFactory) -> Path:
    root = tmp_path_factory.mktemp("template") / "w"
    root.mkdir()
    rows = [
        {"question": f"What is {i} + 1, and {i} + {i}?", "rationale": f"{i} + 1 = {i + 1}", "answer": str(i + 1 if i % 5 else 0), "knowledge": ["Add."], "licence": "MIT"}
        for i in range(N_ROWS)
    ]  # fmt: skip
    (root / "t.jsonl").write_text("".join(json.dumps(r) + "\n" for r in rows))
    (root / "test.jsonl").write_text(json.dumps(rows[0]) + "\n")
    variants = [{"query": r["question"] + "!", "response": f"The answer is: {r['answer']}", "type": "GSM_Rephrased", "original_question": r["question"]} for r in rows]  # fmt: skip
    (root / "v.jsonl").write_text("".join(json.dumps(r) + "\n" for r in variants))
    assert main(["import", str(root / "t.jsonl"), "--out", str(root / "in")]) == 0
    script = [json.dumps({"output": [f"Rule {i}."]}) for i in range(N_ROWS)]
    (root / "s.json").write_text(json.dumps(script))
    return root


COMMANDS = {
    "import": "import W/t.jsonl --out W/out",
    "build": "build W/t.jsonl --teacher source --out W/out",
    "validate": "validate W/in --out W/out",
    "dedup": "dedup W/in --out W/out",
    "decontaminate": "decontaminate W/in --against W/test.jsonl --out W/out",
    "expand": "expand W/in --with W/v.jsonl --out W/out",
    "split": "split W/in --test 0.2 --out W/out",
    "programs": "programs W/in --out W/out",
    "audit": "audit W/in",
    "view": "view W/in --out W/page.html",
    "publish": "publish W/in me/x --dry-run --out W/out",
    "run": "run W/all.yaml",
}


SAMPLE = ("import", "validate", "audit", "view")
RUN = COMMANDS if os.environ.get("LORID_ATTACK") == "all" else SAMPLE


@pytest.mark.parametrize("name", RUN)
def test_killed_at_any_file_event_it_ends_the_same(
    template: Path, tmp_path: Path, name: str, every: int
) -> None:
    work = tmp_path / "w"
    (template / "all.yaml").write_text(
        json.dumps({"out": str(work / "out"), "build": {"source": str(work / "t.jsonl"), "teacher": "source"}, "validate": {}, "dedup": {}, "audit": {}})
    )  # fmt: skip
    order = {
        "program": "lorid_data", "argv": COMMANDS[name].replace("W/", f"{work}/").split(),
        "work": str(work), "template": str(template), "every": every, "allowed": [0, 1] if name in ("audit", "publish", "run") else [0],
    }  # fmt: skip
    env = {**os.environ, "PYTHONPATH": str(ROOT), "HF_ENDPOINT": "http://127.0.0.1:9"}
    ran = subprocess.run(
        [sys.executable, str(SCRIPT), json.dumps(order)], env=env, capture_output=True, text=True, check=False
    )  # fmt: skip
    assert ran.returncode == 0, ran.stderr
    assert json.loads(ran.stdout) == []
