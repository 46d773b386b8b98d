"""What is tried before the first step: the loss, the packs, and the weights of the base."""

from __future__ import annotations

import json
import runpy
import shutil
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest

from lorid_data.errors import ConfigError
from lorid_train.models import base_model
from lorid_train.training import proofs
from lorid_train.training.sft import train

pytestmark = pytest.mark.filterwarnings("ignore")
SUPPORT = Path(__file__).parents[1] / "support"
tiny, small = (
    SimpleNamespace(**runpy.run_path(str(SUPPORT / f"{n}.py")))
    for n in ("tiny_models", "small_training")
)


@pytest.fixture(scope="module")
def data(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tiny.dataset(tmp_path_factory.mktemp("data") / "d")


def base_of(model_type: str, folder: Path, **changes: Any) -> Path:
    return tiny.with_tokenizer(tiny.tiny_model(model_type, folder, **changes))


def losses(base: Path, data: Path, out: Path, **sft: Any) -> list[float]:
    lora = {"target_modules": tiny.targets(tiny.bare(base))}
    train(small.config(base, data, out, lora=lora, sft=sft))
    return small.losses(out)


@pytest.mark.parametrize(
    ("model_type", "changes", "way"),
    [
        ("llama", {}, "labels"),
        (
            "modernbert-decoder",
            {},
            "logits",
        ),  # a head before the projection: TRL passes over it too
        ("recurrent_gemma", {"logits_soft_cap": 0.05}, "logits"),  # unknown to TRL
        ("cohere", {"logit_scale": 0.1}, "fused"),
        ("gemma2", {"final_logit_softcapping": 1.0}, "fused"),
        ("qwen3_moe", {}, "fused"),
    ],
)
def test_the_loss_is_the_models_own(
    model_type: str, changes: dict[str, Any], way: str, data: Path, tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> None:  # fmt: skip
    """The loss of the first step is the cross-entropy of the model's own logits."""
    import torch

    from lorid_train.training.trainer import trainer_class

    base = base_of(model_type, tmp_path / "base", **changes)
    taken: list[tuple[str, float, float]] = []
    look = trainer_class().compute_loss

    def seen(self: Any, model: Any, inputs: Any, *args: Any, **kwargs: Any) -> Any:
        loss = look(self, model, dict(inputs), *args, **kwargs)
        if not taken:
            own = tiny.bare(base).train(model.training)
            logits = own(
                input_ids=inputs["input_ids"],
                attention_mask=inputs["attention_mask"],
                use_cache=False,
            ).logits[:, :-1]
            want = torch.nn.functional.cross_entropy(
                logits.flatten(0, 1).float(), inputs["labels"][:, 1:].flatten(), ignore_index=-100
            )
            taken.append((self.loss_way, float(loss), float(want)))
        return loss

    monkeypatch.setattr(trainer_class(), "compute_loss", seen)
    losses(base, data, tmp_path / "run", max_steps=1)
    [(found, loss, want)] = taken
    assert found == way
    assert loss == pytest.approx(want, rel=1e-3)


def test_experts_that_cannot_say_their_routers_logits(data: Path, tmp_path: Path) -> None:
    base = base_of("deepseek_v4", tmp_path / "base")
    with pytest.raises(ConfigError, match=r"try sft: \{router_aux_loss_coef: 0\}"):
        losses(base, data, tmp_path / "run")
    assert losses(base, data, tmp_path / "without", router_aux_loss_coef=0.0)


def test_a_loss_that_is_another_sum_is_not_taken(
    data: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    """Without any list of settings, the first batch alone finds it."""
    from lorid_train.training import loss

    monkeypatch.setattr(loss, "_SCALED", ())
    base = base_of("cohere", tmp_path / "base", logit_scale=0.1)
    losses(base, data, tmp_path / "run")
    assert "the faster one is not this model's own loss" in capsys.readouterr().err


@pytest.mark.parametrize("how", [{"packing": True}, {"padding_free": True}])
@pytest.mark.parametrize("model_type", ["mpt", "gpt_oss", "mamba", "bloom"])
def test_packs_whose_rows_see_one_another_are_refused(
    model_type: str, how: dict[str, bool], data: Path, tmp_path: Path
) -> None:
    base = base_of(model_type, tmp_path / "base")
    with pytest.raises(
        ConfigError, match="a row of a pack is not read as it is alone by this base"
    ):
        losses(base, data, tmp_path / "run", **how)
    assert not list((tmp_path / "run").glob("adapters/*"))


@pytest.mark.parametrize("model_type", ["llama", "gemma3_text"])
def test_packs_that_are_isolated_are_trained(model_type: str, data: Path, tmp_path: Path) -> None:
    base = base_of(model_type, tmp_path / "base")
    assert losses(base, data, tmp_path / "run", packing=True)


def test_two_rows_differ_whatever_they_share() -> None:
    row = {"input_ids": [1, 2], "row": [0, 0]}
    assert proofs._two_rows(SimpleNamespace(train_dataset=[row])) == [[1, 2], [2, 1]]
    pack = {"input_ids": [1, 2, 1, 3], "row": [0, 0, 1, 1]}
    assert proofs._two_rows(SimpleNamespace(train_dataset=[pack])) == [[1, 2], [1, 3]]
    long = [{"input_ids": [7] * 100 + [i], "row": [i] * 101} for i in range(2)]
    a, b = proofs._two_rows(SimpleNamespace(train_dataset=long))
    assert a != b


def rewritten(base: Path, change: Any) -> Path:
    """The base with other tensors in its file."""
    from safetensors.torch import load_file, save_file

    file = base / "model.safetensors"
    save_file(change(load_file(file)), str(file), metadata={"format": "pt"})
    return base


@pytest.mark.parametrize(
    ("change", "words"),
    [
        (lambda t: {k: v for k, v in t.items() if "layers.1.mlp.up" not in k},
         r"lacks 'model\.layers\.1\.mlp\.up_proj\.weight'"),
        (lambda t: t | {"model.layers.7.mlp.up_proj.weight": t["model.layers.1.mlp.up_proj.weight"].clone()},
         r"holds, and nothing reads, 'model\.layers\.7\.mlp\.up_proj\.weight'"),
        (lambda t: t | {"model.norm.weight": t["model.norm.weight"][:8].clone()}, "model.norm.weight"),
    ],
)  # fmt: skip
def test_a_base_that_is_not_whole_is_refused(
    change: Any, words: str, data: Path, tmp_path: Path
) -> None:
    base = rewritten(base_of("llama", tmp_path / "base"), change)
    with pytest.raises(ConfigError, match=words):
        base_model.load_model(base_model.resolve(str(base)), "float32")
    with pytest.raises(ConfigError, match=words):
        train(small.config(base, data, tmp_path / "run"))


def test_a_tied_head_and_computed_frequencies_are_no_fault(tmp_path: Path) -> None:
    """A tied head is in no file; old checkpoints of Llama hold what is computed now."""
    import torch

    base = base_of("llama", tmp_path / "base", tie_word_embeddings=True)
    frequencies = {"model.layers.0.self_attn.rotary_emb.inv_freq": torch.ones(4)}
    rewritten(base, lambda t: {k: v for k, v in t.items() if k != "lm_head.weight"} | frequencies)
    base_model.load_model(base_model.resolve(str(base)), "float32")


def test_an_adapter_in_the_bases_folder_is_not_attached_without_a_word(
    tiny_base: Path, tmp_path: Path
) -> None:
    base = tmp_path / "base"
    shutil.copytree(tiny_base, base)
    of = tiny.adapters(base, tmp_path)
    for name in ("adapter_config.json", "adapter_model.safetensors"):
        shutil.copyfile(of["ir"] / name, base / name)
    with pytest.raises(ConfigError, match=r"holds adapter_config\.json too"):
        base_model.resolve(str(base))
    plain = base_model.Base("x", str(base), None, "hub:x@main")  # as a snapshot of the Hub
    with pytest.raises(ConfigError, match=r"holds adapter_config\.json"):
        base_model.load_model(plain, "float32")


def test_a_plan_of_unusual_configurations(data: Path, tmp_path: Path) -> None:
    """A width for each layer; no width of attention at all."""
    for model_type in ("gemma3n_text", "rwkv"):
        base = base_of(model_type, tmp_path / model_type)
        assert losses(base, data, tmp_path / f"run-{model_type}", max_steps=1)


def test_a_pad_token_beyond_the_vocabulary_is_refused(data: Path, tmp_path: Path) -> None:
    base = base_of("llama", tmp_path / "base")
    body = json.loads((base / "config.json").read_text())
    (base / "config.json").write_text(json.dumps(body | {"pad_token_id": 999}))
    with pytest.raises(ConfigError, match="pad_token_id is 999"):
        train(small.config(base, data, tmp_path / "run"))
    assert not (tmp_path / "run").exists()


@pytest.mark.parametrize("model_type", ["roberta", "bert-generation"])
def test_a_base_that_looks_ahead_is_refused_before_it_is_trained(
    model_type: str, data: Path, tmp_path: Path
) -> None:
    base = base_of(model_type, tmp_path / "base")
    with pytest.raises(ConfigError, match="`generate` is not what one forward pass says"):
        losses(base, data, tmp_path / "run")
    assert not list((tmp_path / "run").glob("adapters/*"))
