"""Two processes on a CPU, started with the launch configuration that ships."""

from __future__ import annotations

import json
import os
import runpy
import subprocess
import sys
from pathlib import Path
from types import SimpleNamespace

import pytest
import yaml

from lorid_train.training.sft import train

pytestmark = [pytest.mark.filterwarnings("ignore"), pytest.mark.slow]
ROOT = Path(__file__).parents[2]
small = SimpleNamespace(**runpy.run_path(str(ROOT / "tests" / "support" / "small_training.py")))


def launched(
    config: Path,
    *options: str,
    more: tuple[str, ...] = (),
    program: tuple[str, ...] = ("-m", "lorid_train", "sft"),
) -> subprocess.CompletedProcess[str]:
    launch = [sys.executable, "-m", "accelerate.commands.launch", *options]
    env = {
        **os.environ,
        "OMP_NUM_THREADS": "1",
        "PYTHONPATH": str(ROOT),
        "MASTER_ADDR": "127.0.0.1",
    }
    command = [*launch, *program, str(config), *more]
    return subprocess.run(command, env=env, capture_output=True, text=True, check=False)


def test_two_processes_equal_one(tiny_base: Path, small_dataset: Path, tmp_path: Path) -> None:
    """Two roles, the same global batch of 4 rows; losses and weights compared."""
    roles = ("ir", "kg")
    train(small.config(tiny_base, small_dataset, tmp_path / "one", roles=roles))
    sft = {"per_device_train_batch_size": 2, "save_steps": 2}
    body = small.config(tiny_base, small_dataset, tmp_path / "two", roles=roles, sft=sft)
    (tmp_path / "c.yaml").write_text(yaml.safe_dump(body.model_dump(mode="json")))
    ddp = ("--config_file", str(ROOT / "configs" / "accelerate" / "ddp.yaml"))
    done = launched(tmp_path / "c.yaml", *ddp)
    assert done.returncode == 0, done.stderr
    assert done.stdout.count("plan: ") == 1
    assert "2 processes on a CPU" in done.stdout
    assert done.stdout.count("adapters: ") == 1
    for role in roles:
        one, two = small.losses(tmp_path / "one", role), small.losses(tmp_path / "two", role)
        assert max(abs(a - b) for a, b in zip(one, two, strict=True)) < 2e-5
        largest, mean = small.residuals(
            small.weights(tmp_path / "one", role), small.weights(tmp_path / "two", role)
        )
        assert (largest < 2e-2, mean < 2e-5) == (True, True)
    sealed = list((tmp_path / "two").glob("checkpoints/*/checkpoint-*/complete.json"))
    assert len(sealed) == 4


def test_one_process_that_was_asked_to_be_two_says_that_it_is_one(
    tiny_base: Path, small_dataset: Path, tmp_path: Path
) -> None:
    """`accelerate launch --cpu --num_processes 2` starts one and says nothing; the plan does."""
    body = small.config(tiny_base, small_dataset, tmp_path / "run", roles=("kg",))
    (tmp_path / "c.yaml").write_text(yaml.safe_dump(body.model_dump(mode="json")))
    options = "--cpu --num_processes 2 --num_machines 1 --mixed_precision no --dynamo_backend no"
    done = launched(tmp_path / "c.yaml", *options.split(), more=("--dry-run",))
    assert done.returncode == 0, done.stderr
    assert "1 process on a CPU" in done.stdout


WATCHED = """
import os, signal, sys
from lorid_train import cli
from lorid_train.training import checkpoints

seal, latest = checkpoints.seal, checkpoints.latest

def sealed(checkpoint):
    if checkpoint.name in sys.argv[2:]:
        os.kill(os.getpid(), signal.SIGKILL)
    seal(checkpoint)

def found(folder):
    checkpoint = latest(folder)
    print("goes on from", checkpoint and checkpoint.name)
    return checkpoint

checkpoints.seal, checkpoints.latest = sealed, found
sys.exit(cli.run(cli.app, ["sft", sys.argv[1]]))
"""
"""`sft CONFIG`, which says where it goes on; its first process is killed while it writes a checkpoint."""


def test_two_processes_killed_in_the_second_epoch_resume_to_the_same_bits(
    tiny_base: Path, small_dataset: Path, tmp_path: Path
) -> None:
    """Six steps an epoch, dropout on; killed at step 10, it goes on from step 8."""
    sft = {"per_device_train_batch_size": 1, "max_steps": 14, "save_steps": 2}
    ddp = ("--config_file", str(ROOT / "configs" / "accelerate" / "ddp.yaml"))
    (tmp_path / "watched.py").write_text(WATCHED)
    for name in ("whole", "killed"):
        body = small.config(
            tiny_base, small_dataset, tmp_path / name, sft=sft, lora={"lora_dropout": 0.1}
        )
        (tmp_path / f"{name}.yaml").write_text(yaml.safe_dump(body.model_dump(mode="json")))
    whole, out = tmp_path / "whole", tmp_path / "killed"
    done = launched(tmp_path / "whole.yaml", *ddp)
    assert done.returncode == 0, done.stderr
    watched = (str(tmp_path / "watched.py"),)
    killed = launched(tmp_path / "killed.yaml", *ddp, program=watched, more=("checkpoint-10",))
    assert (killed.returncode != 0, "SIGKILL" in killed.stderr) == (True, True)
    found = {
        p.name: (p / "complete.json").exists() for p in out.glob("checkpoints/dr/checkpoint-*")
    }
    assert found == {"checkpoint-8": True, "checkpoint-10": False}
    state = json.loads((out / "checkpoints/dr/checkpoint-8/trainer_state.json").read_text())
    assert 1 < state["epoch"] < 2
    again = launched(tmp_path / "killed.yaml", *ddp, program=watched)
    assert again.returncode == 0, again.stderr
    assert "goes on from checkpoint-8\n" in again.stdout
    assert small.losses(out) == small.losses(whole)
    assert small.residuals(small.weights(out), small.weights(whole)) == (0, 0)
