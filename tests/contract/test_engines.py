"""What every engine keeps: one suite, run over the scripted, the transformers and the server engine."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from copy import deepcopy
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from lorid_data.testing.fake_vllm import FakeVllm
from lorid_train.engines.base import Engine, GenRequest, GenResult, Sampling
from lorid_train.engines.by_adapter import EngineByAdapter, Part
from lorid_train.engines.scripted import ScriptedEngine
from lorid_train.engines.server import ServerEngine

SAMPLED, GREEDY = Sampling(1.0, max_new_tokens=6), Sampling(0.0, max_new_tokens=6)
ROOM = 4
"""Requests at once."""


def scripted() -> ScriptedEngine:
    def script(r: GenRequest) -> str:
        seed = r.seed if r.sampling.temperature else "greedy"
        return f"{r.adapter} {r.prompt} {seed} a b c"

    return ScriptedEngine(script, batch_size=ROOM)


def served(*servers: FakeVllm, **changes: Any) -> ServerEngine:
    names = ("ir", "dr")
    return ServerEngine(
        urls=[s.url for s in servers], models={n: n for n in names},
        encode=lambda text: [ord(c) for c in text], render=lambda text, _: f"<s>{text}", stop_ids=[2],
        **({"batch_size": ROOM} | changes),
    )  # fmt: skip


@pytest.fixture(scope="module")
def tiny_engine(tiny_base: Path) -> Callable[[], Engine]:
    """A random tiny model with two random adapters that differ."""
    import torch
    from peft import LoraConfig, get_peft_model
    from transformers import AutoModelForCausalLM, AutoTokenizer

    from lorid_train.engines.transformers import TransformersEngine

    torch.manual_seed(1)
    config = LoraConfig(r=4, lora_alpha=64, target_modules="all-linear", init_lora_weights=False)
    model = get_peft_model(AutoModelForCausalLM.from_pretrained(tiny_base), config, "ir")
    model.add_adapter("dr", config)
    tokenizer = AutoTokenizer.from_pretrained(tiny_base)
    return lambda: TransformersEngine(
        model=deepcopy(model).eval(), encode=lambda text: tokenizer.encode(text),
        render=lambda text, _: f"<s>{text}", decode=tokenizer.decode, stop_ids=[2], batch_size=ROOM,
    )  # fmt: skip


def by_adapter() -> EngineByAdapter:
    """Two scripted engines, one of which calls its adapter by another name."""
    other = ScriptedEngine(lambda r: scripted().script(replace(r, adapter="dr")), batch_size=ROOM // 2)  # fmt: skip
    return EngineByAdapter({"ir": Part(scripted(), "ir"), "dr": Part(other, None)})


@pytest.fixture(params=["scripted", "transformers", "server", "by_adapter"])
def engine(request: pytest.FixtureRequest) -> Iterator[Engine]:
    if request.param == "scripted":
        yield scripted()
    elif request.param == "transformers":
        yield request.getfixturevalue("tiny_engine")()
    elif request.param == "by_adapter":
        yield by_adapter()
    else:
        with FakeVllm() as one, FakeVllm() as two:
            yield served(one, two)


def ask(engine: Engine, requests: Sequence[GenRequest]) -> dict[Any, GenResult]:
    """The results by key, with the pulls watched: never more in flight than there is room for."""
    waiting, n_out = list(requests), 0
    found: dict[Any, GenResult] = {}

    def pull(n: int) -> Sequence[GenRequest]:
        nonlocal n_out
        assert n >= 0
        given = [waiting.pop(0) for _ in range(min(n, len(waiting)))]
        n_out += len(given)
        assert n_out - len(found) <= engine.batch_size
        return given

    for result in engine.generate(pull):
        assert result.key not in found
        found[result.key] = result
    assert not waiting
    return found


def request(key: Any, *, prompt: str = "abc", seed: int = 0, **changes: Any) -> GenRequest:
    return replace(GenRequest(key, "ir", prompt, SAMPLED, seed), **changes)


pytestmark = pytest.mark.filterwarnings("ignore")


def test_every_request_has_one_result(engine: Engine) -> None:
    requests = [request(("k", i), prompt="x" * (1 + i % 5), seed=i) for i in range(11)]
    found = ask(engine, requests)
    assert set(found) == {r.key for r in requests}
    for result in found.values():
        assert result.finish_reason in ("stop", "length")
        assert 1 <= result.n_tokens <= SAMPLED.max_new_tokens
        assert result.n_prompt_tokens >= 1
    assert ask(engine, requests) == found  # an engine can be used again, and repeats itself


def test_a_text_follows_from_adapter_prompt_and_seed(engine: Engine) -> None:
    long = replace(SAMPLED, max_new_tokens=24)
    found = ask(
        engine,
        [
            request("a", sampling=long),
            request("again", sampling=long),
            request("seed", seed=1, sampling=long),
            request("prompt", prompt="abd", sampling=long),
            request("adapter", adapter="dr", sampling=long),
        ],
    )
    texts = {key: r.text for key, r in found.items()}
    assert texts["again"] == texts["a"]
    assert len(set(texts.values())) == 4


def test_greedy_does_not_look_at_the_seed(engine: Engine) -> None:
    found = ask(engine, [request(i, seed=i, sampling=GREEDY) for i in range(3)])
    assert len({r.text for r in found.values()}) == 1


def test_settings_may_be_mixed(engine: Engine) -> None:
    kinds = [SAMPLED, GREEDY, Sampling(0.5, 0.9, 3, 2)]
    alone = {i: ask(engine, [request(i, seed=i, sampling=kinds[i % 3])])[i] for i in range(6)}
    assert ask(engine, [request(i, seed=i, sampling=kinds[i % 3]) for i in range(6)]) == alone


def test_the_limit_of_tokens_is_kept(engine: Engine) -> None:
    cut = ask(engine, [request("one", sampling=Sampling(1.0, max_new_tokens=1))])["one"]
    assert cut.n_tokens == 1
    assert cut.finish_reason == "length" or cut.text == ""


def test_what_comes_back_decides_what_is_asked_next(engine: Engine) -> None:
    """An empty pull ends nothing while a request is in flight."""
    todo, n_left = [request("first")], 3
    seen = []

    def pull(n: int) -> Sequence[GenRequest]:
        taken, todo[:] = todo[:n], todo[n:]
        return taken

    for result in engine.generate(pull):
        seen.append(result.key)
        if n_left:
            n_left -= 1
            todo.append(request(n_left, seed=n_left))
    assert seen == ["first", 2, 1, 0]


def test_nothing_asked_is_nothing_done(engine: Engine) -> None:
    assert ask(engine, []) == {}


def test_the_prompt_can_be_shown(engine: Engine) -> None:
    assert "What is 1 + 1?" in engine.render("What is 1 + 1?", "ir")
