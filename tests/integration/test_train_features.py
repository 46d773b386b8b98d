"""Training's further features: validation, early stopping, grouped resume, safety of what is saved."""

from __future__ import annotations

import json
import os
import pickle
import runpy
import shutil
import struct
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest
import yaml

from lorid_data.errors import ConfigError, InputError, StageError
from lorid_data.folders.files import sha256_file
from lorid_data.testing.fake_hub import FakeHub
from lorid_train import cli
from lorid_train.training.sft import train
from lorid_train.training.trainer import assert_masked

pytestmark = [pytest.mark.filterwarnings("ignore"), pytest.mark.slow]
small = SimpleNamespace(
    **runpy.run_path(str(Path(__file__).parents[1] / "support" / "small_training.py"))
)


@pytest.fixture(scope="module")
def plain(tiny_base: Path, small_dataset: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Four epochs of three steps, dropout on, rows grouped by length, a checkpoint every 2 steps."""
    out = tmp_path_factory.mktemp("plain") / "run"
    train(grouped(tiny_base, small_dataset, out))
    return out


def grouped(base: Path, data: Path, out: Path, **changes: Any) -> Any:
    sft = {"max_steps": 12, "save_steps": 2, "train_sampling_strategy": "group_by_length"}
    return small.config(base, data, out, sft=sft, lora={"lora_dropout": 0.1}, **changes)


@pytest.mark.parametrize("step", [10, 12])
def test_a_later_epoch_of_grouped_rows_resumes_to_the_same_bits(
    plain: Path, tiny_base: Path, small_dataset: Path, tmp_path: Path, step: int
) -> None:
    """From the middle of the fourth epoch, and from its end."""
    out = tmp_path / "run"
    shutil.copytree(plain, out)
    (out / "manifest.json").unlink()
    shutil.rmtree(out / "adapters")
    for checkpoint in out.glob("checkpoints/dr/checkpoint-*"):
        if int(checkpoint.name.rpartition("-")[2]) > step:
            shutil.rmtree(checkpoint)
    train(grouped(tiny_base, small_dataset, out))
    assert small.residuals(small.weights(out), small.weights(plain)) == (0, 0)
    assert small.losses(out) == small.losses(plain)


def test_measuring_changes_no_bit_of_training(
    plain: Path, tiny_base: Path, small_dataset: Path, tmp_path: Path
) -> None:
    out = tmp_path / "run"
    train(grouped(tiny_base, small_dataset, out, validation={"greedy": 3, "max_new_tokens": 4}))
    assert small.residuals(small.weights(out), small.weights(plain)) == (0, 0)
    measured = small.figures(out)["validation"]
    assert [m["step"] for m in measured] == [2, 4, 6, 8, 10, 12]
    assert all(m["eval_accuracy"] == 0 and m["eval_loss"] > 0 for m in measured)


def test_greedy_accuracy_sees_a_model_that_knows(small_dataset: Path, tmp_path: Path) -> None:
    """KG's text is the same for all rows here: soon it is written word for word."""
    sft = {
        "max_steps": 20,
        "per_device_train_batch_size": 12,
        "eval_strategy": "steps",
        "eval_steps": 20,
        "learning_rate": 3e-3,
    }
    lora = {"r": 16, "lora_alpha": 32, "target_modules": "all-linear"}
    out = tmp_path / "run"
    train(
        small.config(
            Path("student"), small_dataset, out, sft=sft, lora=lora, roles=("kg",),
            validation={"greedy": 3, "max_new_tokens": 24},
        )
    )  # fmt: skip
    [measured] = small.figures(out, "kg")["validation"]
    assert measured["eval_accuracy"] == 1


def test_training_stops_when_nothing_gets_better_and_keeps_the_best(
    tiny_base: Path, small_dataset: Path, tmp_path: Path
) -> None:
    sft = {"max_steps": 40, "save_steps": 2, "learning_rate": 1.0, "lr_scheduler_type": "constant"}
    out = tmp_path / "run"
    train(small.config(tiny_base, small_dataset, out, sft=sft, validation={"patience": 2}))
    body = small.figures(out)
    measured = {m["step"]: m["eval_loss"] for m in body["validation"]}
    assert body["n_steps"] == body["best_step"] + 4 < 40
    assert measured[body["best_step"]] == min(measured.values())
    best = out / "checkpoints" / "dr" / f"checkpoint-{body['best_step']}"
    from safetensors.torch import load_file

    kept = load_file(best / "adapter_model.safetensors")
    assert small.residuals(small.weights(out), kept) == (0, 0)


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"validation": {"split": "train"}}, "is what is trained on"),
        ({"sft": {"eval_strategy": "steps"}}, "needs rows to evaluate on"),
        ({"sft": {"metric_for_best_model": "accuracy"}, "validation": {}}, "needs answers"),
        ({"sft": {"packing": True, "packing_strategy": "wrapped"}}, "cuts rows"),
        ({"sft": {"report_to": "wandb"}}, "pip install wandb"),
        ({"sft": {"lr_scheduler_type": "cosin"}}, "cosin"),
        ({"sft": {"learning_rate": "fast"}}, "which is no number"),
        ({"sft": {"hub_token": "x"}}, "set by the run itself"),
        ({"sft": {"max_seq_length": 8}}, "did you mean 'max_length'|unknown key 'max_seq_length'"),
        ({"lora": {"target_modules": ["no_proj"]}}, "no_proj"),
        ({"lora": {"lora_dropout": 2.0}}, "less than 1"),
        ({"lora": {"target_modules": ["q_proj", "nope"]}}, "target_modules: 'nope' matches no module"),
        ({"lora": {"rank_pattern": {"nope": 4}}}, "rank_pattern: 'nope' matches no module"),
        ({"lora": {"alpha_pattern": {"q_proj(": 4}}}, "lora, role 'dr': missing"),
        ({"sft": {"loss_type": "zz"}}, "Invalid `loss_type`"),
        ({"limit": 1, "sft": {"dataloader_drop_last": True}}, "no step would be made"),
        ({"sft": {"packing": True, "dataloader_drop_last": True, "per_device_train_batch_size": 10}}, "no step would be made"),
        ({"roles": ("ir", "ir")}, "name each once"),
        ({"lora": {"task_type": "SEQ_CLS"}}, "unknown key 'task_type'"),
        ({"validation": {"data": {"ir": "x"}}}, "no dataset for the role 'dr'"),
        ({"revision": "main"}, "asked for revision 'main'"),
        ({"split": "tset"}, "no rows of split 'tset'"),
    ],
    ids=lambda v: v if isinstance(v, str) else "",
)  # fmt: skip
def test_what_cannot_be_run_is_refused_before_anything_is_written(
    tiny_base: Path, small_dataset: Path, tmp_path: Path, changes: Any, message: str
) -> None:
    out = tmp_path / "run"
    sft = {"save_steps": 2, **changes.get("sft", {})}
    body = small.config(tiny_base, small_dataset, out, **{**changes, "sft": sft})
    with pytest.raises((ConfigError, InputError), match=message):
        train(body)
    assert not out.exists()


def test_numbers_that_yaml_takes_for_text_are_read(
    tiny_base: Path, small_dataset: Path, tmp_path: Path
) -> None:
    train(small.config(tiny_base, small_dataset, tmp_path / "r", sft={"learning_rate": "1e-2"}))
    assert len(small.losses(tmp_path / "r")) == 3


def test_no_token_and_no_pickled_arguments_are_left(
    tiny_base: Path, small_dataset: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("HF_TOKEN", "hf_" + "s3cret" * 6)
    out = tmp_path / "run"
    train(small.config(tiny_base, small_dataset, out, sft={"save_steps": 2}))
    files = [p for p in out.rglob("*") if p.is_file()]
    assert any("checkpoint-" in str(p) for p in files)
    assert not [p for p in files if p.name == "training_args.bin"]
    assert not [p for p in files if b"s3cret" in p.read_bytes()]
    assert not (out / ".tokens").exists()
    pickled = [p.name for p in files if p.suffix in {".bin", ".pkl"}]
    assert pickled == []
    adapter = {p.suffix for p in (out / "adapters" / "dr").iterdir()}
    assert adapter == {".safetensors", ".json"}


def test_a_checkpoint_that_runs_code_is_refused(
    plain: Path, tiny_base: Path, small_dataset: Path, tmp_path: Path
) -> None:
    """Even one whose list of files was forged: it is read with `weights_only`."""
    out, struck = tmp_path / "run", tmp_path / "struck"
    shutil.copytree(plain, out)
    (out / "manifest.json").unlink()
    shutil.rmtree(out / "adapters")
    last = max(out.glob("checkpoints/dr/checkpoint-*"), key=lambda p: int(p.name.split("-")[1]))

    class Bomb:
        def __reduce__(self) -> tuple[Any, ...]:
            return (Path.touch, (struck,))

    (last / "optimizer.pt").write_bytes(pickle.dumps(Bomb()))
    listed = json.loads((last / "complete.json").read_text())
    listed["optimizer.pt"] = sha256_file(last / "optimizer.pt")
    (last / "complete.json").write_text(json.dumps(listed))
    with pytest.raises(pickle.UnpicklingError, match=r"[Ww]eights.only"):
        train(grouped(tiny_base, small_dataset, out))
    assert not struck.exists()


def test_loss_on_a_prompt_is_refused() -> None:
    """What a pre-tokenised dataset without labels would train on, silently."""
    import torch

    ids = torch.tensor([[1, 5, 6, 2]])
    batch = {"input_ids": ids, "labels": ids}
    with pytest.raises(StageError, match="loss on a prompt"):
        assert_masked(SimpleNamespace(get_train_dataloader=lambda: [batch]))
    batch = {"input_ids": ids, "labels": torch.full_like(ids, -100)}
    with pytest.raises(StageError, match="row without loss"):
        assert_masked(SimpleNamespace(get_train_dataloader=lambda: [batch]))


def test_a_dry_run_says_the_plan_and_writes_nothing(
    tiny_base: Path, small_dataset: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    out = tmp_path / "run"
    body = small.config(tiny_base, small_dataset, out, roles=("ir", "kg", "dr")).model_dump(
        mode="json"
    )
    (tmp_path / "c.yaml").write_text(yaml.safe_dump(body))
    assert cli.run(cli.app, ["sft", str(tmp_path / "c.yaml"), "--dry-run"]) == 0
    said = capsys.readouterr().out
    assert "1 process on a CPU" in said
    assert "dr: 12 rows (0 rejected)" in said
    assert "3 steps of 4, 1,024 trainable parameters" in said
    assert "in all: 9 steps" in said
    assert sorted(p.name for p in tmp_path.iterdir()) == ["c.yaml"]


def test_the_plan_names_the_commit_of_a_base_from_the_hub(
    tiny_base: Path, small_dataset: Path, tmp_path: Path
) -> None:
    body = small.config(Path("acme/tiny"), small_dataset, tmp_path / "run").model_dump(mode="json")
    (tmp_path / "c.yaml").write_text(yaml.safe_dump(body))
    command = [sys.executable, "-m", "lorid_train", "sft", str(tmp_path / "c.yaml"), "--dry-run"]
    with FakeHub(models={"acme/tiny": tiny_base}) as hub:
        env = {**os.environ, **hub.environment, "HF_HOME": str(tmp_path / "hf")}
        done = subprocess.run(command, env=env, capture_output=True, text=True, check=False)
        repo = hub.repo("acme/tiny", "model")
    assert done.returncode == 0, done.stderr
    assert repo is not None
    assert f"plan: base acme/tiny at {repo.heads['main']} (" in done.stdout


def test_a_secret_in_the_file_is_refused(
    tiny_base: Path, small_dataset: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    body = small.config(tiny_base, small_dataset, tmp_path / "run").model_dump(mode="json")
    body["sft"]["hub_token"] = "hf_abcdefghijkl"
    (tmp_path / "c.yaml").write_text(yaml.safe_dump(body))
    assert cli.run(cli.app, ["sft", str(tmp_path / "c.yaml")]) == 2
    said = capsys.readouterr().err
    assert "environment only" in said
    assert "abcdefghijkl" not in said


def test_a_tracker_gets_the_losses(
    tiny_base: Path, small_dataset: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("TENSORBOARD_LOGGING_DIR", str(tmp_path / "logs"))
    train(small.config(tiny_base, small_dataset, tmp_path / "r", sft={"report_to": "tensorboard"}))
    [path] = (tmp_path / "logs").rglob("events.out.tfevents*")
    told = {step: value for tag, step, value in scalars(path) if tag == "train/loss"}
    assert told == pytest.approx(dict(enumerate(small.losses(tmp_path / "r"), start=1)))


def scalars(path: Path) -> Iterator[tuple[str, int, float]]:
    """Tag, step and value of each number in a file of events."""
    from tensorboardX.proto.event_pb2 import Event

    data, at = path.read_bytes(), 0
    while at < len(data):  # each record: its length, a checksum, the event, a checksum
        (size,) = struct.unpack_from("<Q", data, at)
        event = Event.FromString(data[at + 12 : at + 12 + size])
        yield from ((v.tag, event.step, v.simple_value) for v in event.summary.value)
        at += size + 16
