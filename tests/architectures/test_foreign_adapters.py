"""Adapters of any make: those that fit give PEFT's logits, the others are refused in words."""

from __future__ import annotations

import runpy
from collections.abc import Callable
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest
import torch
from safetensors.torch import load_file, save_file

from lorid_data.errors import ConfigError
from lorid_train.engines import self_check
from lorid_train.engines.ways import BEST

pytestmark = pytest.mark.filterwarnings("ignore")
SUPPORT = Path(__file__).parents[1] / "support"
tiny = SimpleNamespace(**runpy.run_path(str(SUPPORT / "tiny_models.py")))
CONTENTS = ["ab", "abcabc", "abcabcx" * 3, "q", "abcabc" + "zy" * 20, "abc" * 30]
Tensors = dict[str, torch.Tensor]


@pytest.fixture(scope="module")
def base(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return Path(tiny.tiny_model("llama", tmp_path_factory.mktemp("base")))


@pytest.mark.slow
@pytest.mark.parametrize(
    ("lora", "changes", "is_best"),
    [
        ({"r": 512, "lora_alpha": 64}, {}, True),
        ({"target_modules": r".*layers\.\d+\.self_attn\.(q|v)_proj"}, {}, True),
        ({"target_modules": "all-linear"}, {}, True),
        ({"use_dora": True}, {}, True),
        ({"use_rslora": True}, {}, True),
        ({"rank_pattern": {"q_proj": 3, "layers.1.self_attn.v_proj": 7}, "alpha_pattern": {"k_proj": 5}}, {}, True),
        ({"target_modules": ["q_proj", "lm_head"]}, {}, True),
        ({"target_modules": ["q_proj", "embed_tokens"]}, {}, False),
        ({"target_modules": ["q_proj", "embed_tokens"]}, {"tie_word_embeddings": True}, False),
        ({"modules_to_save": ["lm_head"]}, {}, False),
        ({"layers_to_transform": [1]}, {}, True),
        ({"exclude_modules": ["v_proj"], "target_modules": "all-linear"}, {}, True),
    ],
    ids=lambda v: "-".join(f"{k}" for k in v) if isinstance(v, dict) else str(v),
)  # fmt: skip
def test_what_fits_is_read_as_peft_reads_it(
    lora: dict[str, Any], changes: dict[str, Any], *, is_best: bool, base: Path, tmp_path: Path
) -> None:
    own = tiny.tiny_model("llama", tmp_path / "base", **changes) if changes else base
    of = tiny.adapters(own, tmp_path, **lora)
    for folder in of.values():  # what of them is trained stands beside what is not
        file = folder / "adapter_model.safetensors"
        torch.manual_seed(3)
        save_file(
            {k: v + torch.rand_like(v) * ("modules_to_save" in lora) * ("lora" not in k) for k, v in load_file(file).items()},
            str(file),
        )  # fmt: skip
    engine = self_check.prove(
        lambda: tiny.loaded(own, of), tiny.engine, dict.fromkeys(of, CONTENTS), where="base 'tiny'",
        say=lambda _: None,
    )  # fmt: skip
    assert (engine.way == BEST) is is_best


@pytest.mark.parametrize("dtype", [torch.bfloat16, torch.float16])
def test_adapters_stored_in_half_precision(base: Path, tmp_path: Path, dtype: torch.dtype) -> None:
    of = tiny.adapters(base, tmp_path)
    for folder in of.values():
        file = folder / "adapter_model.safetensors"
        save_file({k: v.to(dtype) for k, v in load_file(file).items()}, str(file))
    engine = self_check.prove(
        lambda: tiny.loaded(base, of), tiny.engine, dict.fromkeys(of, CONTENTS), where="base 'tiny'",
        say=lambda _: None,
    )  # fmt: skip
    assert engine.way == BEST


def first(tensors: Tensors) -> str:
    return next(iter(tensors))


def spoilt(tensors: Tensors) -> Tensors:
    tensors[first(tensors)][0, 0] = float("inf")
    return tensors


@pytest.mark.parametrize(
    ("change", "words"),
    [
        (lambda t: {k.replace(".lora_", ".default.lora_"): v for k, v in t.items()}, "does not take"),
        (lambda t: {k.replace(".weight", ".default.weight"): v for k, v in t.items()}, "does not take"),
        (lambda t: {k.removeprefix("base_model."): v for k, v in t.items()}, "does not take|lacks"),
        (lambda t: {k.replace("self_attn", "attention"): v for k, v in t.items()}, "does not take"),
        (lambda t: t | {k.replace("layers.1", "layers.2"): v.clone() for k, v in t.items()}, "does not take"),
        (lambda t: {k: v for k, v in t.items() if "layers.1" not in k}, "lacks"),
        (lambda t: {k: v for k, v in t.items() if k != first(t)}, "lacks"),
        (lambda t: t | {"extra": torch.ones(2)}, "does not take"),
        (lambda t: {k: v[:, :5].clone() for k, v in t.items()}, "does not fit this base model"),
        (lambda t: {k: torch.full_like(v, float("nan")) for k, v in t.items()}, "holds what is no number"),
        (spoilt, "holds what is no number"),
        (lambda t: t | {"base_model.model.model.embed_tokens.weight": torch.ones(259, 32)}, "of the base model itself"),
        (lambda t: t | {"base_model.model.lm_head.weight": torch.ones(300, 32)}, "of the base model itself"),
        (lambda _: {}, "lacks"),
    ],
)  # fmt: skip
@pytest.mark.parametrize("role", ["ir", "dr"])
def test_what_does_not_fit_is_refused(
    change: Callable[[Tensors], Tensors], words: str, role: str, base: Path, tmp_path: Path
) -> None:
    """The first adapter and a later one: PEFT warns of some faults of the first only."""
    of = tiny.adapters(base, tmp_path)
    file = of[role] / "adapter_model.safetensors"
    save_file(change(load_file(file)), str(file))
    with pytest.raises(ConfigError, match=words) as e:
        tiny.loaded(base, of)
    assert str(of[role]) in str(e.value)


def test_an_adapter_of_a_deeper_model_is_refused(base: Path, tmp_path: Path) -> None:
    deep = tiny.tiny_model("llama", tmp_path / "deep", num_hidden_layers=3)
    with pytest.raises(ConfigError, match="does not take"):
        tiny.loaded(base, tiny.adapters(deep, tmp_path))
    with pytest.raises(ConfigError, match="lacks"):
        tiny.loaded(deep, tiny.adapters(base, tmp_path / "of-shallow"))


def test_a_file_that_is_cut_short_is_refused(base: Path, tmp_path: Path) -> None:
    of = tiny.adapters(base, tmp_path)
    file = of["kg"] / "adapter_model.safetensors"
    file.write_bytes(file.read_bytes()[:1000])
    with pytest.raises(ConfigError, match="cannot be read"):
        tiny.loaded(base, of)
