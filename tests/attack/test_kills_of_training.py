"""Killed at any file event and run again, training, evaluation, reports and studies end with the same bytes."""

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

from lorid_data.commandline.program import run
from lorid_train.cli import app

pytestmark = pytest.mark.filterwarnings("ignore::FutureWarning")
ROOT = Path(__file__).parents[2]
SCRIPT = ROOT / "tests" / "support" / "killed.py"
IS_ALL = os.environ.get("LORID_ATTACK") == "all"
support = runpy.run_path(str(ROOT / "tests" / "support" / "served_evaluation.py"))
small = runpy.run_path(str(ROOT / "tests" / "support" / "small_training.py"))
PRELOAD = ["torch", "transformers", "peft", "trl", "datasets", "safetensors.torch", "pyarrow", "lorid_train.evaluation.evaluate"]  # fmt: skip
COMMANDS = {
    "sft": "sft W/sft.yaml",
    "evaluate": "evaluate --adapters W/run --dataset W/data --out W/new --rounds 1 --max-new-tokens 2 --votes none --threads 1",
    "report": "report W/eval --out W/report.html",
    "export-knowledge": "export-knowledge W/eval --out W/knowledge",
        "merge": "merge W/run/adapters/ir --out W/merged",
}  # fmt: skip
SAMPLE = {"sft": 1, "evaluate": 1, "report": 1}
"""How many kills of each command `make test` tries."""
# Timings and the trainer's own state; adapters, rejects and the manifest are compared.
PASSED_OVER = r"/checkpoints/|/\.tokens/|^home/|/\.time\.json$|/speed\.jsonl$|/training\.html$"


@pytest.fixture(scope="module")
def template(
    tiny_base: Path, small_dataset: Path, tmp_path_factory: pytest.TempPathFactory
) -> Path:
    """A base, adapters, questions and an evaluation: under the path that each run has."""
    root = tmp_path_factory.mktemp("kills") / "w"
    root.mkdir()
    shutil.copytree(tiny_base, root / "base")
    shutil.copytree(small_dataset, root / "small")
    support["dataset"](root / "data", support["questions"](2))
    support["make_run"](root / "base", root / "run")
    body = small["config"](root / "base", root / "small", root / "trained", sft={"max_steps": 2, "save_steps": 1})  # fmt: skip
    (root / "sft.yaml").write_text(json.dumps(body.model_dump(mode="json", exclude_unset=True)))
    argv = COMMANDS["evaluate"].replace("W/new", "W/eval").replace("W/", f"{root}/").split()
    assert run(app, argv) == 0
    saved = root.with_name("template")
    shutil.copytree(root, saved)
    return saved


def test_killed_at_any_file_event_it_ends_the_same(template: Path, tmp_path: Path) -> None:
    """All commands in one process, which loads the libraries once and forks."""
    work, names = template.with_name("w"), list(COMMANDS if IS_ALL else SAMPLE)
    orders: list[dict[str, Any]] = [
        {
            "program": "lorid_train", "argv": COMMANDS[name].replace("W/", f"{work}/").split(), "work": str(work), "template": str(template),
            "allowed": [0, 1] if name == "export-knowledge" else [0], "every": 1, "preload": PRELOAD, "passed_over": PASSED_OVER, **({} if IS_ALL else {"most": SAMPLE[name]}),
        }
        for name in names
    ]  # fmt: skip
    env = {**os.environ, "PYTHONPATH": str(ROOT), "HF_ENDPOINT": "http://127.0.0.1:9", "HF_HOME": str(tmp_path), "OMP_NUM_THREADS": "1"}  # fmt: skip
    ran = subprocess.run(
        [sys.executable, str(SCRIPT), json.dumps(orders)], env=env, capture_output=True, text=True, check=False
    )  # fmt: skip
    assert ran.returncode == 0, ran.stderr
    found = dict(zip(names, json.loads(ran.stdout), strict=True))
    assert found == {name: [] for name in names}, ran.stderr


@pytest.mark.parametrize(
    "sft", [{"max_steps": 2, "save_steps": 1}, {"max_steps": 6, "save_steps": 4}]
)
def test_a_training_that_ended_before_its_adapter_was_saved_takes_no_step_more(
    tiny_base: Path, small_dataset: Path, tmp_path: Path, sft: dict[str, Any], monkeypatch: pytest.MonkeyPatch
) -> None:  # fmt: skip
    """The trainer would go on with the next batch of an epoch that is not over."""
    from lorid_train.training import saving
    from lorid_train.training.sft import train

    def config(out: str) -> Any:
        return small["config"](tiny_base, small_dataset, tmp_path / out, sft=sft)

    train(config("calm"))
    with monkeypatch.context() as m:
        m.setattr(saving, "save_adapter", lambda *_, **__: _stop())
        with pytest.raises(KeyboardInterrupt):
            train(config("killed"))
    train(config("killed"))
    for name in ("adapter_model.safetensors", "training.json", "adapter_config.json"):
        calm, after = (tmp_path / x / "adapters" / "dr" / name for x in ("calm", "killed"))
        assert calm.read_bytes() == after.read_bytes(), name


def _stop() -> None:
    raise KeyboardInterrupt
