"""A base held in 4 or 8 bits: refused where it cannot be, and trained by bitsandbytes where that is at hand."""

from __future__ import annotations

import json
import runpy
from pathlib import Path
from typing import Any

import pytest

from lorid_data.errors import ConfigError
from lorid_train.config import TrainConfig, parse
from lorid_train.training import preflight, sft

pytestmark = [pytest.mark.filterwarnings("ignore"), pytest.mark.slow]
models = runpy.run_path(str(Path(__file__).parents[1] / "support" / "tiny_models.py"))
NF4 = {"load_in_4bit": True, "bnb_4bit_use_double_quant": True}


def _config(root: Path, base: Path, data: Path, **changes: Any) -> TrainConfig:
    body: dict[str, Any] = {
        "base": str(base), "data": str(data), "out": str(root / "run"), "dtype": "bfloat16", "max_tokens": 256,
        "lora": {"r": 4, "lora_alpha": 8, "target_modules": "all-linear"}, "roles": ("ir", "kg"),
        "sft": {"bf16": False, "learning_rate": 1e-2, "num_train_epochs": 4, "logging_steps": 1,
                "gradient_accumulation_steps": 1},
    }  # fmt: skip
    return parse(TrainConfig, body | changes, "test")


def test_what_this_machine_cannot_do_is_said_before_anything_is_written(
    tiny_base: Path, small_dataset: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("torch.cuda.is_available", lambda: False)
    for model, words in (
        ({"quantization": NF4}, "needs a GPU and the package bitsandbytes"),
        ({"quantization": {**NF4, "load_in_8bit": True}}, "set one of load_in_4bit and load_in_8bit"),
        ({"attn_implementation": "flash_attention_2"}, "needs a GPU and the package flash-attn; take 'sdpa'"),
    ):  # fmt: skip
        with pytest.raises(ConfigError, match=words):
            sft.train(_config(tmp_path, tiny_base, small_dataset, model=model))
    lora = {"init_lora_weights": "pissa", "target_modules": "all-linear"}
    both = _config(tmp_path, tiny_base, small_dataset, model={"quantization": NF4}, lora=lora)
    with pytest.raises(ConfigError, match="cannot be parted"):
        sft.train(both)
    with pytest.raises(ConfigError, match="attn_implementation"):
        _config(tmp_path, tiny_base, small_dataset, model={"attn_implementation": "a/kernel"})
    with pytest.raises(ConfigError, match="device_map"):
        _config(tmp_path, tiny_base, small_dataset, model={"device_map": "auto"})
    assert not (tmp_path / "run").exists()


def test_attention_is_the_one_that_was_asked_for(
    tiny_base: Path, small_dataset: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    seen: list[str] = []
    load = sft.base_model.load_model

    def watched(*args: Any) -> Any:
        model = load(*args)
        seen.append(model.config._attn_implementation)
        return model

    monkeypatch.setattr(sft.base_model, "load_model", watched)
    changes = {"model": {"attn_implementation": "eager"}, "dtype": "float32", "roles": ("ir",)}
    sft.train(_config(tmp_path, tiny_base, small_dataset, **changes))
    assert seen == ["eager"]


@pytest.mark.parametrize("kind", [NF4, {"load_in_8bit": True}], ids=["nf4", "int8"])
def test_a_quantised_base_trains_and_stays_what_it_is(
    kind: dict[str, bool], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    layers = pytest.importorskip("bitsandbytes.nn.modules", reason="bitsandbytes is not installed")
    monkeypatch.setattr(preflight, "_model_problems", lambda _: [])  # it works on CPUs, slowly
    # There it stores weights in another order while it generates; on GPUs they stay as they are.
    monkeypatch.setattr(layers, "has_avx512bf16", lambda: False)
    base = models["with_tokenizer"](models["tiny_model"]("llama", tmp_path / "base"))
    data = models["dataset"](tmp_path / "data")
    manifest = sft.train(_config(tmp_path, base, data, model={"quantization": kind}))
    for role in ("ir", "kg"):
        losses = [step["loss"] for step in manifest.figures[role]["train_loss"]]
        assert losses[-1] < losses[0] - 0.2
        card = json.loads((tmp_path / "run" / "adapters" / role / "lorid.json").read_text())
        assert card["base_quantization"]["load_in_4bit"] == kind.get("load_in_4bit", False)
