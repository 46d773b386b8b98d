"""The transformers engine on a random tiny model: against `generate`, across batches, per adapter."""

from __future__ import annotations

import itertools
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import pytest
import torch

from lorid_train import base_model
from lorid_train.engines.base import GenRequest, GenResult, Sampling
from lorid_train.engines.transformers import TransformersEngine, with_adapters

pytestmark = pytest.mark.filterwarnings("ignore::FutureWarning")
ROLES = ("ir", "kg", "dr")


@pytest.fixture(scope="module")
def adapters(tiny_base: Path, tmp_path_factory: pytest.TempPathFactory) -> dict[str, Path]:
    """Three random, different adapters of different ranks."""
    from peft import LoraConfig, get_peft_model
    from transformers import AutoModelForCausalLM

    folder = tmp_path_factory.mktemp("adapters")
    for i, name in enumerate(ROLES):
        torch.manual_seed(i)
        model = AutoModelForCausalLM.from_pretrained(tiny_base)
        config = LoraConfig(
            r=4 * (i + 1), lora_alpha=64, target_modules="all-linear", init_lora_weights=False
        )
        get_peft_model(model, config).save_pretrained(folder / name)
    return {name: folder / name for name in ROLES}


def make(tiny_base: Path, adapters: dict[str, Path], batch_size: int) -> TransformersEngine:
    base = base_model.load_model(base_model.resolve(str(tiny_base)), "float32")
    model = with_adapters(base, adapters, "cpu")
    return TransformersEngine(
        model=model,
        encode=lambda text: [1, *(3 + b for b in text.encode())],
        render=lambda text: text,
        decode=lambda ids: " ".join(map(str, ids)),
        stop_ids=[2, 40, 41],
        batch_size=batch_size,
    )


def run(engine: TransformersEngine, requests: Sequence[GenRequest]) -> dict[Any, GenResult]:
    queue = iter(requests)
    return {r.key: r for r in engine.generate(lambda n: list(itertools.islice(queue, n)))}


def requests(sampling: Sampling, n: int = 24) -> list[GenRequest]:
    return [GenRequest(i, ROLES[i % 3], "ab" * (1 + i % 7), sampling, seed=i) for i in range(n)]


@pytest.mark.parametrize("sampling", [Sampling(0.0, max_new_tokens=20), Sampling(1.2, 0.9, 50, 20)])
def test_texts_do_not_depend_on_the_batch(
    tiny_base: Path, adapters: dict[str, Path], sampling: Sampling
) -> None:
    asked = requests(sampling)
    one, some, many = (run(make(tiny_base, adapters, b), asked) for b in (1, 5, 100))
    assert one == some == many
    if sampling.temperature:
        assert {r.finish_reason for r in one.values()} == {"stop", "length"}


def test_greedy_equals_generate_with_that_adapter(
    tiny_base: Path, adapters: dict[str, Path]
) -> None:
    asked = requests(Sampling(0.0, max_new_tokens=12), n=6)
    engine = make(tiny_base, adapters, 6)
    got = run(engine, asked)
    for request in asked:
        engine.model.set_adapter(request.adapter)
        ids = torch.tensor([engine.encode(request.prompt)])
        out = engine.model.generate(
            input_ids=ids, attention_mask=torch.ones_like(ids), do_sample=False, max_new_tokens=12,
            eos_token_id=engine.stop_ids, pad_token_id=0,
        )[0, ids.shape[1] :].tolist()  # fmt: skip
        stopped = out[-1] in engine.stop_ids
        want = out[:-1] if stopped else out
        result = got[request.key]
        assert result.text == " ".join(map(str, want))
        assert (result.n_tokens, result.finish_reason) == (
            len(out),
            "stop" if stopped else "length",
        )
        assert result.n_prompt_tokens == ids.shape[1]


def test_the_base_model_alone_can_be_asked(tiny_base: Path, adapters: dict[str, Path]) -> None:
    sampling = Sampling(0.0, max_new_tokens=8)
    asked = [
        GenRequest("base", None, "abc", sampling, 0),
        GenRequest("ir", "ir", "abc", sampling, 0),
    ]
    with_adapters = run(make(tiny_base, adapters, 2), asked)
    bare = run(make(tiny_base, {}, 2), [GenRequest("base", None, "abc", sampling, 0)])
    assert with_adapters["base"] == bare["base"]
    assert with_adapters["ir"].text != bare["base"].text


def test_running_out_of_memory_halves_the_batch_and_goes_on(
    tiny_base: Path, adapters: dict[str, Path], monkeypatch: pytest.MonkeyPatch
) -> None:
    asked = requests(Sampling(0.8, max_new_tokens=6), n=8)
    want = run(make(tiny_base, adapters, 8), asked)
    engine = make(tiny_base, adapters, 8)
    forward = type(engine.model).forward

    def too_big(self: Any, *args: Any, **kwargs: Any) -> Any:
        if kwargs["input_ids"].shape[0] > 3:
            raise torch.OutOfMemoryError
        return forward(self, *args, **kwargs)

    monkeypatch.setattr(type(engine.model), "forward", too_big)
    assert run(engine, asked) == want
    assert engine.batch_size <= 4
