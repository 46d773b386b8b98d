"""What must not change a training run: how rows are batched, padded, packed, saved, merged."""

from __future__ import annotations

import json
import math
import runpy
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest

from lorid_data.errors import ConfigError
from lorid_train.models.merge import merge
from lorid_train.training.sft import train

pytestmark = [pytest.mark.filterwarnings("ignore"), pytest.mark.slow]
small = SimpleNamespace(
    **runpy.run_path(str(Path(__file__).parents[1] / "support" / "small_training.py"))
)
GOLDEN = Path(__file__).parents[1] / "golden" / "train_losses.json"


@pytest.fixture(scope="module")
def reference(
    tiny_base: Path, small_dataset: Path, tmp_path_factory: pytest.TempPathFactory
) -> Path:
    """All twelve rows in each step, one padded batch."""
    out = tmp_path_factory.mktemp("reference") / "run"
    train(small.config(tiny_base, small_dataset, out, sft={"per_device_train_batch_size": 12}))
    return out


def assert_same_run(a: Path, b: Path) -> None:
    """Equal by the largest and by the mean difference, of losses and of weights."""
    pairs = list(zip(small.losses(a), small.losses(b), strict=True))
    differences = [abs(x - y) for x, y in pairs]
    assert max(differences) < 2e-5
    assert sum(differences) / len(differences) < 1e-5
    largest, mean = small.residuals(small.weights(a), small.weights(b))
    assert largest < 2e-2  # Adam turns the sign of a gradient near zero into a step of its own
    assert mean < 2e-5


@pytest.mark.parametrize(
    "sft",
    [
        {"per_device_train_batch_size": 1, "gradient_accumulation_steps": 12},
        {"per_device_train_batch_size": 6, "gradient_accumulation_steps": 2},
        {"per_device_train_batch_size": 12, "padding_free": True},
        {"per_device_train_batch_size": 1, "packing": True},
        {"per_device_train_batch_size": 12, "gradient_checkpointing": True},
        {"per_device_train_batch_size": 12, "train_sampling_strategy": "group_by_length"},
    ],
    ids=["1x12", "6x2", "padding-free", "packed", "checkpointing", "grouped"],
)
def test_the_same_rows_give_the_same_step(
    reference: Path, tiny_base: Path, small_dataset: Path, tmp_path: Path, sft: dict[str, Any]
) -> None:
    config = small.config(
        tiny_base, small_dataset, tmp_path / "run", sft=sft, max_tokens=2048 + 512
    )
    train(config)
    assert_same_run(reference, tmp_path / "run")


def test_the_loss_is_trls_own(
    reference: Path,
    tiny_base: Path,
    small_dataset: Path,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """Looking at labelled positions only is a shorter way to the same sum."""
    monkeypatch.setattr("lorid_train.training.loss.add_label_loss", lambda _: False)
    train(
        small.config(
            tiny_base, small_dataset, tmp_path / "run", sft={"per_device_train_batch_size": 12}
        )
    )
    assert_same_run(reference, tmp_path / "run")


def test_an_adapter_starts_as_identity_and_reloads_to_the_same_logits(
    reference: Path, tiny_base: Path
) -> None:
    import torch
    from peft import LoraConfig, PeftModel, get_peft_model
    from transformers import AutoModelForCausalLM

    ids = torch.arange(3, 60)[None]
    base = AutoModelForCausalLM.from_pretrained(tiny_base)
    with torch.no_grad():
        plain = base(ids).logits
        fresh = get_peft_model(base, LoraConfig(task_type="CAUSAL_LM", **small.LORA)).eval()
        assert torch.equal(fresh(ids).logits, plain)
        folder = reference / "adapters" / "dr"
        loaded = [
            PeftModel.from_pretrained(AutoModelForCausalLM.from_pretrained(tiny_base), folder)
            .eval()(ids)
            .logits
            for _ in range(2)
        ]
    assert torch.equal(*loaded)
    assert not torch.allclose(loaded[0], plain, atol=1e-3)


@pytest.mark.parametrize(
    "lora",
    [
        {},
        {"use_rslora": True},
        {"use_dora": True},
        {"rank_pattern": {"q_proj": 2}, "alpha_pattern": {"q_proj": 32}},
        {"target_modules": "all-linear"},
    ],
    ids=["lora", "rslora", "dora", "patterns", "all-linear"],
)
def test_merged_equals_unmerged(
    tiny_base: Path, small_dataset: Path, tmp_path: Path, lora: dict[str, Any]
) -> None:
    """Also on a base in several shards."""
    import torch
    from peft import PeftModel
    from transformers import AutoModelForCausalLM, AutoTokenizer

    base = tmp_path / "base"
    AutoModelForCausalLM.from_pretrained(tiny_base).save_pretrained(base, max_shard_size="20KB")
    AutoTokenizer.from_pretrained(tiny_base).save_pretrained(base)
    train(small.config(base, small_dataset, tmp_path / "run", lora=lora))
    adapter = tmp_path / "run" / "adapters" / "dr"
    n_matrices = len([k for k in small.weights(tmp_path / "run") if "lora_A" in k])
    done = merge(adapter, tmp_path / "merged")
    assert done.n_merged == n_matrices
    assert done.n_shards == len(list(base.glob("*.safetensors"))) > 1
    assert done.largest_shard_bytes <= 40_000
    ids = torch.arange(3, 60)[None]
    with torch.no_grad():
        unmerged = PeftModel.from_pretrained(
            AutoModelForCausalLM.from_pretrained(base), adapter
        ).eval()
        merged = AutoModelForCausalLM.from_pretrained(tmp_path / "merged").eval()
        assert torch.allclose(unmerged(ids).logits, merged(ids).logits, atol=1e-5)
    assert (tmp_path / "merged" / "tokenizer_config.json").is_file()
    assert merge(adapter, tmp_path / "merged") == done
    with pytest.raises(ConfigError, match="was trained on"):
        merge(adapter, tmp_path / "other", base=str(tiny_base))
    assert not (tmp_path / "other").exists()


def test_losses_are_those_recorded(small_dataset: Path, tmp_path: Path) -> None:
    """The packaged student, six steps; recorded on another day with the environment it names.

    Written anew by deleting the file and running this test.
    """
    import torch
    import transformers

    lora = {"r": 16, "lora_alpha": 32, "target_modules": "all-linear"}
    config = small.config(
        Path("student"), small_dataset, tmp_path / "run", lora=lora, sft={"max_steps": 6}
    )
    train(config)
    found = small.losses(tmp_path / "run")
    if not GOLDEN.exists():
        environment = {
            "torch": torch.__version__,
            "transformers": transformers.__version__,
            "device": "cpu, float32, 1 thread",
        }
        GOLDEN.write_text(
            json.dumps({"environment": environment, "losses": found}, indent=1) + "\n"
        )
        pytest.fail(f"{GOLDEN.name} was missing and has been written; look at it and run again")
    body = json.loads(GOLDEN.read_text())
    differences = [abs(a - b) for a, b in zip(body["losses"], found, strict=True)]
    assert max(differences) < 1e-3, body["environment"]
    assert math.fsum(differences) / len(differences) < 3e-4, body["environment"]
