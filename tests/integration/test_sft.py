"""Training the roles: what carries loss, what is written, what resumes, what is refused."""

from __future__ import annotations

import json
import os
import shutil
import signal
import subprocess
import sys
import time
from pathlib import Path
from typing import Any

import pytest
import yaml

from lorid_data.errors import ConfigError, InputError, StageError
from lorid_data.folders.files import sha256_file
from lorid_data.folders.records import write_dataset
from lorid_data.folders.stage import open_stage
from lorid_data.folders.verified import SEEN
from lorid_data.schema import Provenance, Record, make_problem, row_ids
from lorid_train import formats, roles
from lorid_train.config import TrainConfig, parse
from lorid_train.training.arguments import make_args
from lorid_train.training.sft import train
from lorid_train.training.tokens import (
    IGNORED,
    RoleCounts,
    read_dataset,
    tokenise,
    write_token_rows,
)
from lorid_train.training.trainer import RoleRows, make_trainer

pytestmark = [pytest.mark.filterwarnings("ignore"), pytest.mark.slow]

SMALL: dict[str, Any] = {
    "format": "plain", "dtype": "float32", "max_tokens": 512, "threads": 1,
    "lora": {"r": 4, "lora_alpha": 8, "lora_dropout": 0.1},
    "sft": {
        "per_device_train_batch_size": 2, "gradient_accumulation_steps": 1, "max_steps": 6, "save_steps": 2,
        "logging_steps": 1, "gradient_checkpointing": False, "learning_rate": 1e-2, "warmup_steps": 0,
    },
}  # fmt: skip


@pytest.fixture(scope="module")
def dataset(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Twelve small problems with knowledge, one without."""
    problems = [
        make_problem(
            source="t", split="train", question=f"What is {i} + {i}?", rationale=f"{i} + {i} = {2 * i}.", answer=str(2 * i),
            knowledge=["Add the numbers."] if i else [],
        )
        for i in range(13)
    ]  # fmt: skip
    records = [
        Record(row_id=row, provenance=Provenance(teacher="source"), **p.model_dump())
        for row, p in zip(row_ids(problems), problems, strict=True)
    ]
    folder = tmp_path_factory.mktemp("data") / "d"
    with open_stage(folder, "build", identity={"made": "by hand"}) as stage:
        write_dataset(stage, records, [], n_in=len(records))
    return folder


def config(tiny_base: Path, dataset: Path, out: Path, **changes: Any) -> TrainConfig:
    return TrainConfig(
        **(SMALL | {"base": str(tiny_base), "data": str(dataset), "out": str(out)} | changes)
    )


def adapter_hashes(run: Path) -> dict[str, str]:
    return {
        p.parent.name: sha256_file(p)
        for p in sorted(run.glob("adapters/*/adapter_model.safetensors"))
    }


@pytest.fixture(scope="module")
def finished(tiny_base: Path, dataset: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    out = tmp_path_factory.mktemp("runs") / "run"
    train(config(tiny_base, dataset, out))
    return out


def test_loss_is_on_the_target_and_its_end_token_only(tiny_base: Path, dataset: Path) -> None:
    from peft import LoraConfig, get_peft_model
    from transformers import AutoModelForCausalLM

    from lorid_data.folders.records import read_records
    from lorid_train.models import base_model

    base = base_model.resolve(str(tiny_base))
    tokenizer = base_model.load_tokenizer(base)
    fmt, role = formats.load("plain"), roles.role("dr")
    records = [r for r in read_records(dataset) if r.knowledge][:2]
    counts = RoleCounts()
    path = dataset.parent / "rows.arrow"
    write_token_rows(path, tokenise(role, records, fmt, tokenizer, max_tokens=512, counts=counts))
    args = make_args(config(tiny_base, dataset, Path("unused")), "dr", dataset.parent / "x")
    model = get_peft_model(AutoModelForCausalLM.from_pretrained(tiny_base), LoraConfig())
    trainer = make_trainer(model, args, tokenizer, RoleRows(read_dataset(path), counts))
    [batch] = list(trainer.get_train_dataloader())
    texts = set()
    for ids, labels in zip(batch["input_ids"].tolist(), batch["labels"].tolist(), strict=True):
        with_loss = [i for i, x in zip(ids, labels, strict=True) if x != IGNORED]
        without = [
            i
            for i, x in zip(ids, labels, strict=True)
            if x == IGNORED and i != tokenizer.pad_token_id
        ]
        assert with_loss[-1] == tokenizer.eos_token_id  # the end is learnt
        assert without[0] == tokenizer.bos_token_id
        texts.add((tokenizer.decode(without[1:]), tokenizer.decode(with_loss[:-1])))
    assert texts == {
        (fmt.render(role.content(r.question, "Add the numbers.")), role.target(r)) for r in records
    }


def test_a_run_folder_is_whole(finished: Path, tiny_base: Path) -> None:
    manifest = json.loads((finished / "manifest.json").read_text())
    assert manifest["n_in"] == 3 * 13
    assert manifest["n_rejected"] == {"knowledge_empty": 2}
    for name in ("ir", "kg", "dr"):
        folder = finished / "adapters" / name
        card = json.loads((folder / "lorid.json").read_text())
        assert (card["role"], card["format"]) == (name, "plain")
        assert {p.name for p in folder.iterdir()} == {
            "adapter_model.safetensors", "adapter_config.json", "lorid.json", "training.json",
        }  # fmt: skip
        assert json.loads((folder / "adapter_config.json").read_text())["r"] == 4
        assert manifest["figures"][name]["n_steps"] == 6


def test_again_does_nothing(finished: Path, tiny_base: Path, dataset: Path) -> None:
    def files() -> dict[Path, int]:
        ours = (".lock", SEEN)  # opened again, and a note of what was read
        return {p: p.stat().st_mtime_ns for p in finished.rglob("*") if p.name not in ours}

    before = files()
    train(config(tiny_base, dataset, finished))
    assert files() == before


def test_another_configuration_is_refused(finished: Path, tiny_base: Path, dataset: Path) -> None:
    with pytest.raises(ConfigError, match=r"seed was 42, is 7"):
        train(config(tiny_base, dataset, finished, seed=7))


def test_roles_trained_one_by_one_equal_roles_trained_together(
    finished: Path, tiny_base: Path, dataset: Path, tmp_path: Path
) -> None:
    train(config(tiny_base, dataset, tmp_path / "dr", roles=("dr",)))
    assert adapter_hashes(tmp_path / "dr")["dr"] == adapter_hashes(finished)["dr"]


def test_killed_and_resumed_equals_uninterrupted(
    finished: Path, tiny_base: Path, dataset: Path, tmp_path: Path
) -> None:
    """kill -9 while the second role trains; the same command ends with the same adapters."""
    out = tmp_path / "run"
    body = json.loads(config(tiny_base, dataset, out).model_dump_json())
    (tmp_path / "c.yaml").write_text(yaml.safe_dump(body))
    command = [sys.executable, "-m", "lorid_train", "sft", str(tmp_path / "c.yaml")]
    env = {**os.environ, "OMP_NUM_THREADS": "1"}
    child = subprocess.Popen(command, env=env, stderr=subprocess.DEVNULL, stdout=subprocess.DEVNULL)
    while child.poll() is None and not list(out.glob("checkpoints/kg/checkpoint-*")):
        time.sleep(0.01)
    child.send_signal(signal.SIGKILL)
    child.wait()
    assert not (out / "manifest.json").exists()
    subprocess.run(command, env=env, check=True, capture_output=True)
    assert adapter_hashes(out) == adapter_hashes(finished)


def test_resuming_in_the_middle_of_a_role_equals_uninterrupted(
    finished: Path, tiny_base: Path, dataset: Path, tmp_path: Path
) -> None:
    """A sealed checkpoint of step 4 and a torn one of step 6: the torn one is thrown away."""
    out = tmp_path / "run"
    shutil.copytree(finished, out)
    (out / "manifest.json").unlink()
    shutil.rmtree(out / "adapters" / "dr")
    (out / "checkpoints/dr/checkpoint-6/complete.json").unlink()
    train(config(tiny_base, dataset, out))
    assert adapter_hashes(out) == adapter_hashes(finished)


@pytest.mark.parametrize("damage", ["missing", "truncated"])
def test_a_damaged_optimizer_is_an_error(
    finished: Path, tiny_base: Path, dataset: Path, tmp_path: Path, damage: str
) -> None:
    out = tmp_path / "run"
    shutil.copytree(finished, out)
    (out / "manifest.json").unlink()
    shutil.rmtree(out / "adapters" / "dr")
    optimizer = out / "checkpoints/dr/checkpoint-6/optimizer.pt"
    if damage == "missing":
        optimizer.unlink()
    else:
        optimizer.write_bytes(optimizer.read_bytes()[:-100])
    with pytest.raises(StageError, match=r"optimizer\.pt"):
        train(config(tiny_base, dataset, out))


def test_rows_that_do_not_fit_are_rejected_never_cut(
    tiny_base: Path, dataset: Path, tmp_path: Path
) -> None:
    with pytest.raises(InputError, match="too_long"):
        train(config(tiny_base, dataset, tmp_path / "run", max_tokens=20))


def test_a_loss_that_is_no_number_stops_with_the_step(
    tiny_base: Path, dataset: Path, tmp_path: Path
) -> None:
    sft = {**SMALL["sft"], "learning_rate": 1e39}
    with pytest.raises(
        StageError, match=r"not a number at step \d, batch of the rows \w{64}, \w{64};"
    ):
        train(config(tiny_base, dataset, tmp_path / "run", sft=sft))


@pytest.mark.parametrize("start", [True, "pissa", "olora", "gaussian"])
def test_an_adapter_that_never_moved_is_no_success(
    tiny_base: Path, dataset: Path, tmp_path: Path, start: Any
) -> None:
    """The only step is the first of the warm-up, whose rate is 0."""
    changes: dict[str, Any] = {
        "sft": {**SMALL["sft"], "max_steps": 1, "warmup_steps": 1},
        "lora": {**SMALL["lora"], "init_lora_weights": start}, "roles": ("ir",),
    }  # fmt: skip
    said = "role 'ir': the adapter is what it was before the first step.*warmup_steps"
    with pytest.raises(StageError, match=said):
        train(config(tiny_base, dataset, tmp_path / "run", **changes))
    assert not (tmp_path / "run/adapters").exists()


def test_a_run_that_goes_on_must_move_what_it_began_with(
    finished: Path, tiny_base: Path, dataset: Path, tmp_path: Path
) -> None:
    changes: dict[str, Any] = {
        "sft": {**SMALL["sft"], "max_steps": 1, "warmup_steps": 1},
        "lora": {}, "roles": ("ir",), "init": str(finished),
    }  # fmt: skip
    with pytest.raises(StageError, match="is what it was before the first step"):
        train(config(tiny_base, dataset, tmp_path / "run", **changes))


def test_all_problems_of_a_configuration_at_once(
    tiny_base: Path, dataset: Path, tmp_path: Path
) -> None:
    bad = config(
        tiny_base, dataset, tmp_path / "run", roles=("ir", "xx"), format="plane",
        lora={"rank": 4}, sft={"learning_rat": 1.0, "output_dir": "x"},
    )  # fmt: skip
    with pytest.raises(ConfigError) as e:
        train(bad)
    text = str(e.value)
    for part in (
        "'xx'",
        "'plane'",
        "'rank'",
        "did you mean 'learning_rate'",
        "'output_dir' is set by the run",
    ):
        assert part in text
    assert not (tmp_path / "run").exists()


def test_unknown_keys_name_the_nearest() -> None:
    with pytest.raises(ConfigError, match="did you mean 'format'") as e:
        parse(TrainConfig, {"base": "student", "fromat": "plain", "seed": "x"}, "c.yaml")
    assert "missing key 'data'" in str(e.value)
    assert "seed" in str(e.value)


def test_a_full_disk_is_one_message_and_what_was_saved_stays(
    finished: Path, tiny_base: Path, dataset: Path, tmp_path: Path
) -> None:
    """On a disk with room for some checkpoints, not for all."""
    disk = tmp_path / "disk"
    disk.mkdir()
    mount = subprocess.run(
        ["mount", "-t", "tmpfs", "-o", "size=200k", "tmpfs", str(disk)],
        check=False,
        capture_output=True,
    )
    if mount.returncode:
        pytest.skip(f"needs the right to mount a small tmpfs: {mount.stderr.decode().strip()}")
    try:
        body = json.loads(config(tiny_base, dataset, disk / "run").model_dump_json())
        (tmp_path / "c.yaml").write_text(yaml.safe_dump(body))
        command = [sys.executable, "-m", "lorid_train", "sft", str(tmp_path / "c.yaml")]
        env = {**os.environ, "OMP_NUM_THREADS": "1"}
        full = subprocess.run(command, env=env, check=False, capture_output=True, text=True)
        assert full.returncode == 1
        assert "the disk is full" in full.stderr
        assert "Traceback" not in full.stderr
        saved = adapter_hashes(disk / "run")
        subprocess.run(["mount", "-o", "remount,size=64m", str(disk)], check=True)
        subprocess.run(command, env=env, check=True, capture_output=True)
        assert adapter_hashes(disk / "run") == adapter_hashes(finished) | saved
    finally:
        subprocess.run(["umount", str(disk)], check=True)
