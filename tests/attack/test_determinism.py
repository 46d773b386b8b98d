"""Under another hash seed, locale, time zone and an ASCII terminal the same bytes are written."""

from __future__ import annotations

import hashlib
import json
import os
import runpy
import shutil
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

from lorid_train.config import TrainConfig
from lorid_train.training import saving

ROOT = Path(__file__).parents[2]
WORLDS = {
    "one": {"PYTHONHASHSEED": "1", "LC_ALL": "C", "TZ": "UTC", "PYTHONIOENCODING": "ascii"},
    "two": {"PYTHONHASHSEED": "4242", "LC_ALL": "C.UTF-8", "TZ": "Asia/Tokyo", "PYTHONIOENCODING": "utf-8"},
}  # fmt: skip
COMMANDS = [
    "import W/t.jsonl --out W/in", "build W/t.jsonl --teacher source --out W/build", "validate W/build --out W/ok", "dedup W/ok --out W/dedup",
    "decontaminate W/dedup --against W/t2.jsonl --out W/clean", "expand W/build --with W/v.jsonl --out W/more", "audit W/clean",
    "view W/clean --out W/page.html", "publish W/clean me/x --dry-run --out W/pub", "validate W/nowhere-é --out W/x",
]  # fmt: skip
PROGRAM = "import sys\nfrom lorid_data.cli.app import main\nprint([main(line.split()) for line in sys.argv[1:]])"


def tree(root: Path) -> dict[str, str]:
    return {
        str(p.relative_to(root)): hashlib.sha256(p.read_bytes()).hexdigest()
        for p in sorted(root.rglob("*"))
        if p.is_file() and not p.name.startswith(".") and "journal.sqlite" not in p.name
    }


def test_every_command_writes_the_same_bytes(tmp_path: Path) -> None:
    work = tmp_path / "w"
    rows = [{"question": f"Wieviel ist {i} + 1 für Zoë?", "rationale": f"{i} + 1 = {i + 1} – fertig", "answer": str(i + 1), "knowledge": ["Zähle „eins“ dazu.", "±½"], "licence": "MIT"} for i in range(6)]  # fmt: skip
    variants = [{"query": r["question"] + "!", "response": f"The answer is: {r['answer']}", "type": "GSM_Rephrased", "original_question": r["question"]} for r in rows]  # fmt: skip
    seen = {}
    for name, world in WORLDS.items():
        shutil.rmtree(work, ignore_errors=True)
        work.mkdir()
        for file, content in (("t.jsonl", rows), ("t2.jsonl", rows[:1]), ("v.jsonl", variants)):
            (work / file).write_text("".join(json.dumps(r) + "\n" for r in content), encoding="utf-8")  # fmt: skip
        env = {**os.environ, "PYTHONPATH": str(ROOT), "HF_ENDPOINT": "http://127.0.0.1:9", **world}
        lines = [c.replace("W/", f"{work}/") for c in COMMANDS]
        ran = subprocess.run([sys.executable, "-c", PROGRAM, *lines], env=env, capture_output=True, check=False)  # fmt: skip
        assert b"Traceback" not in ran.stderr, ran.stderr.decode()
        # 1: a gate of the audit is not met, so that a dry run says why it would not publish.
        ended = json.loads(ran.stdout.splitlines()[-1])
        assert set(ended[:-1]) <= {0, 1}, (ran.stdout, ran.stderr)
        assert ended[-1] == 2
        seen[name] = tree(work)
    assert seen["one"] == seen["two"]
    assert len(seen["one"]) > 25


@pytest.mark.parametrize("command", ["prompts", "help"])
def test_an_ascii_terminal_ends_no_command(command: str) -> None:
    argv = {"prompts": ["prompts", "--role", "ir", "--question", "Zoë's „½“?"], "help": ["--help"]}
    env = {**os.environ, "PYTHONPATH": str(ROOT), **WORLDS["one"]}
    ran = subprocess.run([sys.executable, "-m", "lorid_train", *argv[command]], env=env, capture_output=True, check=False)  # fmt: skip
    assert ran.returncode == 0, ran.stderr
    if command == "prompts":
        assert "Zoë's „½“?" in json.loads(ran.stdout)["prompt"]


def test_sets_are_sorted_before_they_are_written(tmp_path: Path, small_dataset: Path, tiny_base: Path) -> None:  # fmt: skip
    from lorid_train.models.base_model import resolve

    class Model:
        def save_pretrained(self, folder: str, **_: Any) -> None:
            Path(folder).mkdir(parents=True, exist_ok=True)
            body = {
                "target_modules": ["v_proj", "q_proj", "k_proj"],
                "modules_to_save": None,
                "r": 4,
            }
            (Path(folder) / "adapter_config.json").write_text(json.dumps(body))

    config = TrainConfig(base=str(tiny_base), data=str(small_dataset), out=str(tmp_path))
    made = saving.Trained(Model(), {})
    saving.save_adapter(tmp_path / "ir", config, "ir", resolve(str(tiny_base)), made)
    written = json.loads((tmp_path / "ir" / "adapter_config.json").read_text())
    assert written["target_modules"] == ["k_proj", "q_proj", "v_proj"]


@pytest.mark.skipif(os.environ.get("LORID_ATTACK") != "all", reason="two trainings: make attack")
def test_training_writes_the_same_bytes(tiny_base: Path, small_dataset: Path, tmp_path: Path) -> None:  # fmt: skip
    """Adapters, cards and manifest (whatever holds no time), under two hash seeds, locales and time zones."""
    small = runpy.run_path(str(ROOT / "tests" / "support" / "small_training.py"))
    out = tmp_path / "run"
    body = small["config"](tiny_base, small_dataset, out, lora={"target_modules": "all-linear"}, roles=("ir", "dr"), sft={"max_steps": 2})  # fmt: skip
    (tmp_path / "c.yaml").write_text(json.dumps(body.model_dump(mode="json", exclude_unset=True)))
    seen = []
    for world in WORLDS.values():
        shutil.rmtree(out, ignore_errors=True)
        env = {**os.environ, "PYTHONPATH": str(ROOT), **world}
        ran = subprocess.run([sys.executable, "-m", "lorid_train", "sft", str(tmp_path / "c.yaml")], env=env, capture_output=True, check=False)  # fmt: skip
        assert ran.returncode == 0, ran.stderr
        timed = ("checkpoints/", "speed.jsonl", "training.html")
        seen.append({k: v for k, v in tree(out).items() if not k.startswith(timed)})
    assert seen[0] == seen[1]
    assert "manifest.json" in seen[0]
