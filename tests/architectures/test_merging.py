"""`merge` against PEFT, where weights lie the other way round and where they are renormalised."""

from __future__ import annotations

import json
import runpy
from collections.abc import Callable
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest
import torch
from safetensors.torch import load_file, save_file

from lorid_data.errors import ConfigError
from lorid_train.models import base_model
from lorid_train.models.merge import merge
from lorid_train.publish import stage
from lorid_train.publish.contents import TrainedAdapter

pytestmark = pytest.mark.filterwarnings("ignore")
SUPPORT = Path(__file__).parents[1] / "support"
tiny = SimpleNamespace(**runpy.run_path(str(SUPPORT / "tiny_models.py")))


def with_card(base: Path, adapter: Path) -> Path:
    """An adapter with what `merge` reads of a card of ours."""
    found = base_model.resolve(str(base))
    card = {"base": str(base), "base_fingerprint": found.fingerprint}
    (adapter / "lorid.json").write_text(json.dumps(card))
    return adapter


@pytest.mark.slow
@pytest.mark.parametrize("lora", [{}, {"use_dora": True}, {"use_rslora": True}], ids=str)
@pytest.mark.parametrize("model_type", ["gpt2", "llama", "falcon"])
def test_a_merged_model_gives_peft_s_logits(
    model_type: str, lora: dict[str, Any], tmp_path: Path
) -> None:
    base = tiny.tiny_model(model_type, tmp_path / "base")
    of = tiny.adapters(base, tmp_path, **lora)
    merge(with_card(base, of["ir"]), tmp_path / "merged")
    ids = torch.tensor([tiny.tokens("What is 1 + 1?")])
    with torch.inference_mode():
        got = tiny.bare(tmp_path / "merged").eval()(input_ids=ids).logits
        want = tiny.loaded(base, {"ir": of["ir"]})(input_ids=ids).logits
    torch.testing.assert_close(got, want, atol=1e-4, rtol=1e-3)


def test_a_sum_that_is_no_number_is_not_written(tmp_path: Path) -> None:
    base = tiny.tiny_model("llama", tmp_path / "base")
    adapter = with_card(base, tiny.adapters(base, tmp_path)["ir"])
    file = adapter / "adapter_model.safetensors"
    save_file({k: v.abs() * 0 + 1e30 for k, v in load_file(file).items()}, str(file))
    with pytest.raises(ConfigError, match="it is no number"):
        merge(adapter, tmp_path / "merged")
    assert not (tmp_path / "merged").exists()


Tensors = dict[str, torch.Tensor]


def other_shape(tensors: Tensors) -> Tensors:
    return {k: v[:, :5].clone() if "layers.1" in k else v for k, v in tensors.items()}


@pytest.mark.parametrize(
    ("change", "words"),
    [
        (lambda t: {k: v for k, v in t.items() if "layers.1" not in k}, "lacks"),
        (lambda t: {k: v for k, v in t.items() if "q_proj.lora_B" not in k}, "lacks"),
        (lambda _: {}, "lacks"),
        (lambda t: t | {k.replace("layers.1", "layers.2"): v.clone() for k, v in t.items()}, "does not take"),
        (lambda t: {k.replace(".lora_", ".default.lora_"): v for k, v in t.items()}, "does not take"),
        (lambda t: {k.replace("self_attn", "attention"): v for k, v in t.items()}, "does not take"),
        (lambda t: {k.removeprefix("base_model."): v for k, v in t.items()}, "does not take|lacks"),
        (other_shape, "does not fit this base model"),
        (lambda t: {k: v * float("nan") for k, v in t.items()}, "holds what is no number"),
    ],
)  # fmt: skip
def test_what_evaluate_refuses_is_neither_merged_nor_published(
    change: Callable[[Tensors], Tensors], words: str, tmp_path: Path
) -> None:
    base = tiny.tiny_model("llama", tmp_path / "base")
    adapter = with_card(base, tiny.adapters(base, tmp_path)["ir"])
    file = adapter / "adapter_model.safetensors"
    save_file(change(load_file(file)), str(file))
    with pytest.raises(ConfigError, match=words):
        tiny.loaded(base, {"ir": adapter})
    with pytest.raises(ConfigError, match=words) as e:
        merge(adapter, tmp_path / "merged")
    assert str(adapter) in str(e.value)
    assert not (tmp_path / "merged").exists()

    card = json.loads((adapter / "lorid.json").read_text())
    role = TrainedAdapter("ir", adapter, card, {}, {})
    for check_logits in (True, False):
        with pytest.raises(ConfigError, match=words):
            stage._check_fit(role, stage.PublishOptions(repo_id="me/x", check_logits=check_logits))


def test_a_base_that_is_gone_is_needed_for_logits_alone(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    base = tiny.tiny_model("llama", tmp_path / "base")
    adapter = tiny.adapters(base, tmp_path)["ir"]
    role = TrainedAdapter("ir", adapter, {"base": str(tmp_path / "gone")}, {}, {})
    with pytest.raises(ConfigError, match="no such folder"):
        stage._check_fit(role, stage.PublishOptions(repo_id="me/x"))
    stage._check_fit(role, stage.PublishOptions(repo_id="me/x", check_logits=False))
    assert "not held against its base model" in capsys.readouterr().err


@pytest.mark.parametrize("start", ["pissa", "pissa_niter_4", "olora"])
def test_an_adapter_that_changes_the_base_again_is_refused(start: str, tmp_path: Path) -> None:
    """As PEFT saves them, these move a part of the base again when they are loaded."""
    base = tiny.tiny_model("llama", tmp_path / "base")
    of = tiny.adapters(base, tmp_path, init_lora_weights=start)
    with pytest.raises(ConfigError, match="starts by changing the base model"):
        tiny.loaded(base, {"ir": of["ir"]})
    with pytest.raises(ConfigError, match="starts by changing the base model"):
        merge(with_card(base, of["ir"]), tmp_path / "merged")


@pytest.mark.parametrize("start", ["gaussian", "orthogonal"])
def test_an_adapter_that_leaves_the_base_alone_is_read(start: str, tmp_path: Path) -> None:
    from lorid_train.models.weights import base_digest

    base = tiny.tiny_model("llama", tmp_path / "base")
    of = tiny.adapters(base, tmp_path, init_lora_weights=start)
    assert base_digest(tiny.loaded(base, of)) == base_digest(tiny.bare(base))
