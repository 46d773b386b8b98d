"""What a pass keeps, counted on shapes, against what a pass with numbers keeps."""

from __future__ import annotations

import json
import runpy
from pathlib import Path
from typing import Any

import pytest

from lorid_train.models import base_model
from lorid_train.training.activations import saved_bytes_per_token

pytestmark = pytest.mark.filterwarnings("ignore")
ROOT = Path(__file__).parents[4]
QV = {"r": 4, "lora_alpha": 8, "target_modules": ["q_proj", "v_proj"]}
ALL = {**QV, "target_modules": "all-linear"}
N = 128


def kept(base: Path, lora: dict[str, Any], dtype: str, *, autocast: bool) -> float:
    """The same count on a loaded model with numbers in it."""
    import torch
    from peft import LoraConfig, get_peft_model

    loaded = base_model.load_model(base_model.resolve(str(base)), dtype)
    model = get_peft_model(loaded, LoraConfig(task_type="CAUSAL_LM", **lora)).train()
    own = {t.untyped_storage().data_ptr() for t in (*model.parameters(), *model.buffers())}
    found: dict[int, torch.UntypedStorage] = {}

    def keep(tensor: Any) -> Any:
        storage = tensor.untyped_storage()
        if storage.data_ptr() not in own:
            found[storage.data_ptr()] = storage
        return tensor

    ids = torch.ones(1, N, dtype=torch.long)
    mask = torch.ones_like(ids)
    mask[0, 0] = 0  # a mask without padding is left out by the model itself
    with (
        torch.autocast("cpu", torch.bfloat16, enabled=autocast),
        torch.autograd.graph.saved_tensors_hooks(keep, lambda t: t),
    ):
        out = model.get_base_model().base_model(input_ids=ids, attention_mask=mask, use_cache=False)
    assert out.last_hidden_state.shape[1] == N
    return sum(s.nbytes() for s in found.values()) / N


@pytest.mark.parametrize(("dtype", "autocast"), [("float32", False), ("bfloat16", True)])
@pytest.mark.parametrize("lora", [QV, ALL])
def test_the_count_on_shapes_is_that_with_numbers(
    tiny_base: Path, lora: dict[str, Any], dtype: str, autocast: bool
) -> None:
    base = base_model.resolve(str(tiny_base))
    counted = saved_bytes_per_token(base, json.dumps(lora), dtype, autocast=autocast)
    assert counted == pytest.approx(kept(tiny_base, lora, dtype, autocast=autocast), rel=0.02)


def test_adapters_on_more_layers_keep_more(tiny_base: Path) -> None:
    base = base_model.resolve(str(tiny_base))
    few, many = (
        saved_bytes_per_token(base, json.dumps(lora), "bfloat16", autocast=True)
        for lora in (QV, ALL)
    )
    assert few is not None
    assert many is not None
    assert many > few


def test_a_model_that_does_not_run_on_shapes_is_left_to_the_formula(tiny_base: Path) -> None:
    lora = json.dumps({**QV, "target_modules": ["no_such_proj"]})
    base = base_model.resolve(str(tiny_base))
    assert saved_bytes_per_token(base, lora, "float32", autocast=False) is None


@pytest.mark.slow
@pytest.mark.parametrize("checkpointing", [False, True])
def test_the_plan_says_the_memory_that_a_run_takes(tmp_path: Path, checkpointing: bool) -> None:
    bench = runpy.run_path(str(ROOT / "benchmarks" / "memory.py"))
    base = bench["make_qwen3"](tmp_path / "qwen3")
    data = bench["make_dataset"](tmp_path / "data", 8)
    estimate, peak = bench["measure"](
        str(base), data, tmp_path / "out", dtype="bfloat16", checkpointing=checkpointing, batch=8
    )
    assert 0.75 <= estimate / peak <= 1.25
