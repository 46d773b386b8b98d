"""Rows of the embeddings that a role trains: trained, saved, mixed in a batch, merged, refused."""

from __future__ import annotations

import json
import math
import runpy
import shutil
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest

from lorid_data.errors import ConfigError
from lorid_data.folders.records import read_records
from lorid_train.config import TrainConfig
from lorid_train.drawn.pairs import Pair, write_pairs
from lorid_train.engines import self_check
from lorid_train.engines.loading import with_adapters
from lorid_train.engines.per_row_lora import can_choose
from lorid_train.engines.transformers import TransformersEngine
from lorid_train.engines.ways import BEST
from lorid_train.models import base_model
from lorid_train.models.merge import merge
from lorid_train.reinforcement.stage import train as train_rl
from lorid_train.training.sft import train

pytestmark = pytest.mark.filterwarnings("ignore::FutureWarning")
small = SimpleNamespace(
    **runpy.run_path(str(Path(__file__).parents[1] / "support" / "small_training.py"))
)
ROWS = "base_model.model.model.embed_tokens.token_adapter.trainable_tokens_delta"


@pytest.fixture(scope="module", params=["tied", "untied"])
def base(request: pytest.FixtureRequest, tiny_base: Path, tmp_path_factory: Any) -> Path:
    """The tiny Llama, with its output layer tied to the embeddings or not."""
    import torch
    from transformers import AutoModelForCausalLM, AutoTokenizer

    folder: Path = tmp_path_factory.mktemp(request.param)
    model = AutoModelForCausalLM.from_pretrained(tiny_base)
    model.config.tie_word_embeddings = request.param == "tied"
    if request.param == "tied":
        model.tie_weights()
    else:
        model.lm_head.weight = torch.nn.Parameter(model.lm_head.weight.detach().clone() * 1.5)
    model.save_pretrained(folder)
    AutoTokenizer.from_pretrained(tiny_base).save_pretrained(folder)
    return folder


@pytest.fixture(scope="module")
def run(base: Path, small_dataset: Path, tmp_path_factory: Any) -> Path:
    """IR with rows of its own, KG without, DR with all of its targets'."""
    out: Path = tmp_path_factory.mktemp("run") / "run"
    train(_config(base, small_dataset, out))
    return out


def _config(base: Path, data: Path, out: Path, **changes: Any) -> TrainConfig:
    body = {"roles": ("ir", "kg", "dr"), "trainable_tokens": {"ir": ("(", "+"), "dr": "targets"}}
    made: TrainConfig = small.config(base, data, out, **(body | changes))
    return made


def adapters(run: Path) -> dict[str, Path]:
    return {r: run / "adapters" / r for r in ("ir", "kg", "dr")}


def test_the_adapter_holds_its_rows_and_no_other(run: Path, base: Path) -> None:
    is_tied = json.loads((base / "config.json").read_text())["tie_word_embeddings"]
    rows = {
        r: {k: v for k, v in small.weights(run, r).items() if "lora" not in k}
        for r in adapters(run)
    }
    assert rows["kg"] == {}
    assert tuple(rows["ir"][ROWS].shape) == (2, 32)
    assert len(rows["ir"]) == (1 if is_tied else 2)
    body = json.loads((run / "adapters" / "dr" / "adapter_config.json").read_text())
    named = body["trainable_token_indices"]
    of_each = named if isinstance(named, list) else next(iter(named.values()))
    assert sorted(of_each) == of_each
    assert len(of_each) == rows["dr"][ROWS].shape[0] > 2
    from safetensors.torch import load_file

    before = load_file(base / "model.safetensors")["model.embed_tokens.weight"]
    moved = rows["dr"][ROWS] - before[of_each]
    assert moved.abs().max() > 1e-4


@pytest.mark.parametrize("merged", [False, True])
def test_rows_of_a_batch_meet_the_embeddings_of_their_own_role(run: Path, base: Path, merged: bool) -> None:  # fmt: skip
    engine, cases = _engine(run, base, merged=merged)
    assert engine.way == BEST  # all roles in one batch
    assert self_check.why_wrong(engine, cases) is None


def test_the_proof_at_load_time_notices_rows_of_the_wrong_role(
    run: Path, base: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    from lorid_train.engines import row_tokens

    own = row_tokens._own

    def swapped(adapter: Any, weight: Any) -> Any:
        found = own(adapter, weight)
        return {"kg": found["dr"], "ir": found["ir"]}

    monkeypatch.setattr(row_tokens, "_own", swapped)
    engine, cases = _engine(run, base, merged=False)
    assert self_check.why_wrong(engine, cases) is not None


def _engine(run: Path, base: Path, *, merged: bool) -> tuple[TransformersEngine, Any]:
    found = base_model.resolve(str(base))
    tokenizer = base_model.load_tokenizer(found)

    def encode(text: str) -> list[int]:
        return list(tokenizer(text).input_ids)

    def load() -> Any:
        return with_adapters(base_model.load_model(found, "float32"), adapters(run), "cpu")

    texts = ["What is (3 + 4)?", "A (+) B", "12 + (30 + 4) = ?"]
    cases = self_check.references(load(), encode, dict.fromkeys(adapters(run), texts), "here")
    model = load()
    assert can_choose(model)
    engine = TransformersEngine(
        model, encode, lambda content, _: content, lambda ids: str(ids), [2], merged=merged
    )
    return engine, cases


def _pairs(data: Path, out: Path) -> Path:
    """Pairs of IR's, of whole texts."""
    shutil.copytree(data, out)
    rows = [r for r in read_records(out) if r.split == "train"][:4]
    write_pairs(
        out,
        [
            Pair(
                pair_id=f"{i:064d}", problem_id=r.problem_id, split="train", role="ir", question=r.question,
                knowledge=(), chosen=f"It is so.\nThe answer is: {i}", rejected=f"It is not.\nThe answer is: {i + 1}",
                rule="consensus", label=str(i), agreement=0.5, n_votes=1, chosen_draw="a", rejected_draw="b",
                adapter_sha256="0" * 64,
            )
            for i, r in enumerate(rows)
        ],
    )  # fmt: skip
    return out


@pytest.mark.slow
def test_pairs_refine_it_and_are_held_against_the_very_start(
    run: Path, base: Path, small_dataset: Path, tmp_path: Path
) -> None:
    dpo = {
        "max_steps": 2, "per_device_train_batch_size": 2, "gradient_accumulation_steps": 1, "logging_steps": 1,
        "learning_rate": 1e-2, "gradient_checkpointing": False, "loss_type": ["sigmoid"],
    }  # fmt: skip
    body: dict[str, Any] = {
        "base": str(base), "data": str(_pairs(small_dataset, tmp_path / "pairs")), "out": str(tmp_path / "dpo"),
        "roles": ("ir",), "dtype": "float32", "threads": 1, "init": str(run), "method": "dpo", "dpo": dpo,
    }  # fmt: skip
    train(TrainConfig(**body))
    assert small.losses(tmp_path / "dpo", "ir")[0] == pytest.approx(math.log(2), abs=1e-5)
    _moved(run, tmp_path / "dpo")


@pytest.mark.slow
def test_its_own_answers_refine_it_and_are_held_against_the_very_start(
    run: Path, base: Path, small_dataset: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    own = runpy.run_path(str(Path(__file__).parents[1] / "support" / "small_rl.py"))
    own["answer_by"](monkeypatch.setattr)
    out = tmp_path / "rl"
    train_rl(own["config"](run, small_dataset, out, role="ir", base=str(base), grpo={"beta": 0.1}))
    assert small.figures(out, "ir")["answers"][0]["kl"] == pytest.approx(0, abs=1e-6)
    if small.figures(out, "ir")["best_step"]:
        _moved(run, out)


def _moved(before: Path, after: Path) -> None:
    """The same tensors, rows among them, and other numbers."""
    a, b = small.weights(before, "ir"), small.weights(after, "ir")
    assert a.keys() == b.keys()
    assert bool((a[ROWS] != b[ROWS]).any())


def test_merged_into_the_base_they_take_the_place_of_its_rows(
    run: Path, base: Path, tmp_path: Path
) -> None:
    import torch
    from transformers import AutoModelForCausalLM

    out = tmp_path / "merged"
    merge(run / "adapters" / "dr", out, base=str(base))
    found = base_model.resolve(str(base))
    ours = AutoModelForCausalLM.from_pretrained(out)
    theirs = with_adapters(
        base_model.load_model(found, "float32"), {"dr": run / "adapters" / "dr"}, "cpu"
    )
    ids = torch.arange(3, 200).unsqueeze(0)
    with torch.inference_mode():
        assert torch.allclose(ours(ids).logits, theirs(ids).logits, atol=1e-5)


def test_a_merge_refuses_rows_that_its_configuration_does_not_name(
    run: Path, base: Path, tmp_path: Path
) -> None:
    import shutil

    adapter = tmp_path / "dr"
    shutil.copytree(run / "adapters" / "dr", adapter)
    path = adapter / "adapter_config.json"
    body = json.loads(path.read_text())
    named = body["trainable_token_indices"]
    for found in [named] if isinstance(named, list) else named.values():
        found[-1] = 1_000_000
    path.write_text(json.dumps(body))
    with pytest.raises(ConfigError):
        merge(adapter, tmp_path / "merged", base=str(base))
    assert not (tmp_path / "merged").exists()


def test_what_cannot_be_is_said_before_anything_is_written(
    base: Path, small_dataset: Path, tmp_path: Path
) -> None:
    out = tmp_path / "run"
    for wrong, said in (
        ({"cg": "new"}, "this run trains no role 'cg'"),
        ({"ir": ()}, "no text is named"),
        ({"dr": "new"}, "finds no token"),
        ({"ir": ("",)}, "no token for ''"),
    ):
        with pytest.raises(ConfigError, match=said):
            train(_config(base, small_dataset, out, trainable_tokens=wrong))
    both = {"ir": {"lora": {"trainable_token_indices": [5]}}}
    with pytest.raises(ConfigError, match="keep one of the two"):
        train(_config(base, small_dataset, out, per_role=both))
    with pytest.raises(ConfigError, match="with init an adapter keeps the rows"):
        train(_config(base, small_dataset, out, trainable_tokens={"ir": "new"}, init="run"))
    assert not out.exists()
