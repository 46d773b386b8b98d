"""Three roles on one base: each adapter is what it would be alone, in whatever order, killed or not."""

from __future__ import annotations

import json
import runpy
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest
import torch

from lorid_data.errors import ConfigError, StageError
from lorid_train.training import checkpoints, saving
from lorid_train.training.sft import dry_run, train

pytestmark = pytest.mark.filterwarnings("ignore")
SUPPORT = Path(__file__).parents[1] / "support"
tiny, small = (
    SimpleNamespace(**runpy.run_path(str(SUPPORT / f"{n}.py")))
    for n in ("tiny_models", "small_training")
)
KINDS: dict[str, dict[str, Any]] = {
    "lora": {},
    "dora": {"use_dora": True},
    "rslora": {"use_rslora": True, "rank_pattern": {"q_proj": 2}},
    "pissa": {"init_lora_weights": "pissa"},
    "pissa_niter": {"init_lora_weights": "pissa_niter_4"},
    "olora": {"init_lora_weights": "olora"},
    "head": {"modules_to_save": ["lm_head"]},
    "norms": {"modules_to_save": ["input_layernorm"]},
    "tokens": {"trainable_token_indices": [5, 6]},
    "replicated": {"layer_replication": [[0, 2], [0, 2]]},
}
SLOW = {"lora", "olora", "rslora", "pissa_niter", "norms", "tokens", "replicated", "dora"}


@pytest.fixture(scope="module")
def base(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder: Path = tmp_path_factory.mktemp("base")
    return tiny.with_tokenizer(tiny.tiny_model("llama", folder, tie_word_embeddings=False))


@pytest.fixture(scope="module")
def data(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tiny.dataset(tmp_path_factory.mktemp("data") / "d")


def equal(a: Path, b: Path, role: str) -> bool:
    one, two = small.weights(a, role), small.weights(b, role)
    return one.keys() == two.keys() and all(torch.equal(one[k], two[k]) for k in one)


@pytest.mark.parametrize(
    "kind", [pytest.param(k, marks=[pytest.mark.slow] * (k in SLOW)) for k in KINDS]
)
def test_every_role_is_as_if_it_were_alone(
    kind: str, base: Path, data: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    lora = KINDS[kind]
    for out, roles in (("all", ("ir", "kg", "dr")), ("back", ("dr", "kg")), ("kg", ("kg",))):
        train(small.config(base, data, tmp_path / out, lora=lora, roles=roles))
    assert equal(tmp_path / "all", tmp_path / "back", "dr")
    assert equal(tmp_path / "all", tmp_path / "back", "kg")
    assert equal(tmp_path / "all", tmp_path / "kg", "kg")

    # Killed in the middle of the second role, and started again.
    sealed, n = checkpoints.seal, 0

    def strike(checkpoint: Path) -> None:
        nonlocal n
        n += 1
        if n == 5:  # three of `kg`, two of `dr`
            raise KeyboardInterrupt
        sealed(checkpoint)

    monkeypatch.setattr(checkpoints, "seal", strike)
    killed = small.config(
        base, data, tmp_path / "killed", lora=lora, roles=("kg", "dr"), sft={"save_steps": 1}
    )
    with pytest.raises(KeyboardInterrupt):
        train(killed)
    monkeypatch.setattr(checkpoints, "seal", sealed)
    train(killed)
    assert equal(tmp_path / "all", tmp_path / "killed", "dr")


@pytest.mark.parametrize("kind", ["pissa", "olora", "head", "dora"])
def test_what_is_saved_is_what_was_trained(
    kind: str, base: Path, data: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """On the base as it lies on the disk, the adapter gives the logits it had when it was trained."""
    ids = torch.tensor([tiny.tokens("What is 3 + 4?")])
    seen: list[torch.Tensor] = []
    plain = saving.save_adapter

    def look(*args: Any, **kwargs: Any) -> None:
        model = args[4].model.eval()
        with torch.inference_mode():
            seen.append(model(input_ids=ids).logits)
        plain(*args, **kwargs)

    monkeypatch.setattr(saving, "save_adapter", look)
    roles = ("ir", "kg", "dr")
    train(small.config(base, data, tmp_path / "run", lora=KINDS[kind], roles=roles))
    model = tiny.loaded(base, {r: tmp_path / "run" / "adapters" / r for r in roles})
    for role, want in zip(roles, seen, strict=True):
        model.set_adapter(role)
        with torch.inference_mode():
            torch.testing.assert_close(model(input_ids=ids).logits, want, atol=1e-4, rtol=1e-3)
    card = json.loads((tmp_path / "run/adapters/kg/adapter_config.json").read_text())
    assert card["init_lora_weights"] is True
    assert not (tmp_path / "run/adapters/kg/start").exists()


def test_a_base_that_training_changed_is_an_error(
    base: Path, data: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Whatever unfreezes a weight of the base, no adapter of it is written."""
    import peft

    plain = peft.get_peft_model

    def thawed(*args: Any, **kwargs: Any) -> Any:
        model = plain(*args, **kwargs)
        model.get_base_model().model.norm.weight.requires_grad_(requires_grad=True)
        return model

    monkeypatch.setattr(peft, "get_peft_model", thawed)
    with pytest.raises(StageError, match="training changed the base model"):
        train(small.config(base, data, tmp_path / "run"))
    assert not (tmp_path / "run" / "adapters").exists()


@pytest.mark.parametrize(
    ("lora", "words"),
    [
        ({"bias": "all"}, "bias 'all' trains the base model's own biases"),
        ({"bias": "lora_only"}, "several adapters on one base cannot share"),
        ({"init_lora_weights": "corda"}, "init_lora_weights 'corda'"),
        ({"init_lora_weights": "eva"}, "starts from data"),
        ({"init_lora_weights": "loftq"}, "init_lora_weights 'loftq'"),
        ({"init_lora_weights": "pissa", "use_rslora": True, "rank_pattern": {"q_proj": 2}}, "without|leave out the patterns"),
        ({"alora_invocation_tokens": [5]}, "alora_invocation_tokens"),
        ({"modules_to_save": ["no_such"]}, "no_such"),
        ({"target_modules": ["no_such"]}, "no_such"),
    ],
)  # fmt: skip
def test_what_cannot_be_one_of_three_is_refused_at_the_plan(
    lora: dict[str, Any], words: str, base: Path, data: Path, tmp_path: Path
) -> None:
    with pytest.raises(ConfigError, match=words):
        dry_run(small.config(base, data, tmp_path / "run", lora=lora), lambda _: None)
    with pytest.raises(ConfigError, match=words):
        train(small.config(base, data, tmp_path / "run", lora=lora))
    assert not (tmp_path / "run").exists()


def test_modules_may_differ_by_role(base: Path, data: Path, tmp_path: Path) -> None:
    """One role on attention, one on everything, one on a saved head too; mixed in one evaluation."""
    per_role = {
        "ir": {"lora": {"target_modules": ["q_proj"]}},
        "kg": {"lora": {"target_modules": "all-linear", "r": 2}},
        "dr": {"lora": {"modules_to_save": ["lm_head"]}},
    }
    roles = ("ir", "kg", "dr")
    train(small.config(base, data, tmp_path / "run", roles=roles, per_role=per_role))
    of = {r: tmp_path / "run" / "adapters" / r for r in roles}
    from lorid_train.engines import self_check

    engine = self_check.prove(
        lambda: tiny.loaded(base, of), tiny.engine, {r: ["ab", "cde" * 9] for r in of},
        where="base 'tiny'", say=lambda _: None,
    )  # fmt: skip
    assert engine.way.memory == "slots"
