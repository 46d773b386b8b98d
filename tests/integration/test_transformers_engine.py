"""The transformers engine on a random tiny model: against `generate`, across batches, per adapter."""

from __future__ import annotations

import itertools
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import pytest
import torch

from lorid_train.engines import heap, per_row_lora, ways
from lorid_train.engines.base import GenRequest, GenResult, Sampling
from lorid_train.engines.batch import Reader
from lorid_train.engines.loading import with_adapters
from lorid_train.engines.per_row_lora import choose_by_row
from lorid_train.engines.prefix_cache import Prefix, Prefixes
from lorid_train.engines.transformers import TransformersEngine
from lorid_train.models import base_model

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


def make(
    tiny_base: Path,
    adapters: dict[str, Path],
    batch_size: int,
    *,
    merged: bool = False,
    way: Any = None,
) -> TransformersEngine:
    base = base_model.load_model(base_model.resolve(str(tiny_base)), "float32")
    model = with_adapters(base, adapters, "cpu")
    return TransformersEngine(
        model=model,
        encode=lambda text: [1, *(3 + b for b in text.encode())],
        render=lambda text, _: text,
        decode=lambda ids: " ".join(map(str, ids)),
        stop_ids=[2, 40, 41],
        batch_size=batch_size,
        merged=merged,
        way=way,
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
    plain = with_adapters(
        base_model.load_model(base_model.resolve(str(tiny_base)), "float32"), adapters, "cpu"
    )
    for request in asked:
        plain.set_adapter(request.adapter)
        ids = torch.tensor([engine.encode(request.prompt)])
        out = plain.generate(
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


@pytest.mark.parametrize("way", ["slots", "together", "alone"])
def test_the_models_context_is_the_end(
    tiny_base: Path, adapters: dict[str, Path], way: Any
) -> None:
    """A prompt that fills it has no text; one that nearly does is written to its end, and no further."""
    engine = make(tiny_base, adapters, 4, way=ways.Way(way, mixed=way != "alone"))
    assert engine.context == 2048
    engine.context, engine.stop_ids = 24, []
    asked = [
        GenRequest(n, ROLES[n % 3], "a" * n, Sampling(0.0, max_new_tokens=10), seed=n)
        for n in (5, 13, 14, 20, 22, 23, 60)
    ]
    found = run(engine, asked)
    assert {n: (r.finish_reason, r.n_tokens) for n, r in found.items()} == {
        5: ("length", 10), 13: ("length", 10), 14: ("length", 9), 20: ("length", 3), 22: ("length", 1),
        23: ("too_long", 0), 60: ("too_long", 0),
    }  # fmt: skip
    assert (found[60].text, found[60].n_prompt_tokens) == ("", 61)
    engine.context = None
    whole = run(engine, asked[:4])
    assert all(whole[n].text.startswith(found[n].text) for n in whole)


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


def test_long_texts_outlive_their_buffers(tiny_base: Path, adapters: dict[str, Path]) -> None:
    """Columns are moved to the left and added; rows come and go at different lengths."""
    asked = [
        GenRequest(
            i, ROLES[i % 3], "ab" * (1 + 5 * (i % 4)), Sampling(1.2, max_new_tokens=150), seed=i
        )
        for i in range(12)
    ]
    one, some = (run(make(tiny_base, adapters, b), asked) for b in (1, 3))
    assert one == some
    assert max(r.n_tokens for r in one.values()) > 100


def test_a_row_that_moves_up_takes_its_whole_prompt_along(
    tiny_base: Path, adapters: dict[str, Path]
) -> None:
    """Nobody is left to replace short rows that end; the long one takes the place of the first."""
    sampling = Sampling(1.2, max_new_tokens=30)

    def engine(batch_size: int) -> TransformersEngine:
        made = make(tiny_base, adapters, batch_size)
        made.stop_ids = list(range(2, 60))
        return made

    long = [GenRequest(("long", i), "ir", "ab" * 30, sampling, seed=i) for i in range(12)]
    alone = run(engine(1), long)
    lasting = max(long, key=lambda r: alone[r.key].n_tokens)
    short = [GenRequest(i, "ir", "ab", sampling, seed=100 + i) for i in range(12)]
    assert run(engine(100), [*short, lasting])[lasting.key] == alone[lasting.key]


@pytest.mark.parametrize("change", ["merged", "fixed", "apart"])
def test_other_ways_to_compute_give_the_same_texts(
    tiny_base: Path, adapters: dict[str, Path], change: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    asked = requests(Sampling(1.0, max_new_tokens=20), n=12)
    want = run(make(tiny_base, adapters, 5), asked)
    if change == "fixed":  # what models with another kind of memory get
        monkeypatch.setattr(ways, "_probe", lambda _: "together")
    if change == "apart":  # what adapters of large layers do
        monkeypatch.setattr(per_row_lora, "_MASKED", 0)
    assert run(make(tiny_base, adapters, 5, merged=change == "merged"), asked) == want


@pytest.mark.parametrize(("dora", "apart"), [(False, False), (False, True), (True, False)])
@pytest.mark.parametrize(
    "names",
    [["b", None, "a", "b"], ["a"] * 4, ["b"] * 4, [None] * 4],
    ids=["mixed", "a", "b", "base"],
)
def test_each_row_meets_its_adapter_as_peft_applies_it(
    tiny_base: Path,
    tmp_path: Path,
    names: list[str | None],
    monkeypatch: pytest.MonkeyPatch,
    *,
    dora: bool,
    apart: bool,
) -> None:
    from peft import LoraConfig, get_peft_model

    if apart:
        monkeypatch.setattr(per_row_lora, "_MASKED", 0)

    def fresh() -> Any:
        return base_model.load_model(base_model.resolve(str(tiny_base)), "float32")

    torch.manual_seed(5)
    for i, name in enumerate(("a", "b")):
        config = LoraConfig(
            r=2 + 4 * i, lora_alpha=32, target_modules=["q_proj", "v_proj"][: 1 + i],
            use_dora=dora, use_rslora=True, init_lora_weights=False,
        )  # fmt: skip
        get_peft_model(fresh(), config).save_pretrained(tmp_path / name)
    folders = {name: tmp_path / name for name in ("a", "b")}
    ids = torch.arange(1, 9).reshape(4, 2)
    plain = with_adapters(fresh(), folders, "cpu")
    ours = with_adapters(fresh(), folders, "cpu")
    read = Reader(ours, choose_by_row(ours))
    with torch.inference_mode():
        got = read(names, ids, torch.ones_like(ids), None)
        for i, name in enumerate(names):
            if name is None:
                with plain.disable_adapter():
                    want = plain(input_ids=ids[i : i + 1]).logits[0, -1]
            else:
                plain.set_adapter(name)
                want = plain(input_ids=ids[i : i + 1]).logits[0, -1]
            torch.testing.assert_close(got[i], want, atol=1e-5, rtol=1e-5)


def stacked(model: Any) -> list[per_row_lora.StackedLora]:
    """The layers of a model in which each row chooses its adapter."""
    found = [getattr(m, "forward", None) for m in model.modules()]
    return [f for f in found if isinstance(f, per_row_lora.StackedLora)]


def test_small_layers_are_masked_and_large_ones_computed_apart(
    tiny_base: Path, adapters: dict[str, Path], monkeypatch: pytest.MonkeyPatch
) -> None:
    assert not any(layer.is_apart for layer in stacked(make(tiny_base, adapters, 4).model))
    thrown = {(24 - 8) * (la.a.shape[1] + len(la.b)) for la in stacked(make(tiny_base, adapters, 4).model)}  # fmt: skip
    monkeypatch.setattr(per_row_lora, "_MASKED", sorted(thrown)[-2])
    layers = stacked(make(tiny_base, adapters, 4).model)
    assert {la.a.shape[1] + len(la.b) for la in layers if la.is_apart} == {max(thrown) / 16}


def test_on_a_cpu_adapters_are_of_the_type_of_the_base(
    tiny_base: Path, adapters: dict[str, Path]
) -> None:
    ids = torch.arange(3, 33).reshape(6, 5)
    names = [*ROLES, *ROLES]
    logits = {}
    for dtype in ("float32", "bfloat16"):
        base = base_model.load_model(base_model.resolve(str(tiny_base)), dtype)
        model = with_adapters(base, adapters, "cpu")
        read = Reader(model, choose_by_row(model))
        assert {la.a.dtype for la in stacked(model)} == {getattr(torch, dtype)}
        assert {la.b.dtype for la in stacked(model)} == {getattr(torch, dtype)}
        with torch.inference_mode():
            logits[dtype] = read(names, ids, torch.ones_like(ids), None)
    near = 0.05 * float(logits["float32"].abs().max())
    assert float((logits["float32"] - logits["bfloat16"]).abs().max()) < near


def test_the_head_meets_all_rows_of_a_read_at_once(
    tiny_base: Path, adapters: dict[str, Path]
) -> None:
    """States cut out of longer ones are multiplied row by row, which reads the vocabulary for each."""
    engine = make(tiny_base, adapters, 6)
    met: list[tuple[int, bool]] = []
    head = engine.model.get_output_embeddings()
    head.register_forward_pre_hook(lambda _, x: met.append((x[0].shape[0], x[0].is_contiguous())))
    sampling = Sampling(1.0, max_new_tokens=3)
    asked = [GenRequest(i, "ir", "abc" * (i + 1), sampling, seed=i) for i in range(6)]
    run(engine, asked)
    assert len(met) == 3
    assert all(n == 6 and whole for n, whole in met)


def test_a_kept_prompt_holds_its_own_tokens_and_no_batch(
    tiny_base: Path, adapters: dict[str, Path]
) -> None:
    model = make(tiny_base, adapters, 6)
    read = Reader(model.model, model._reader.chosen if model._reader else None)
    kept = Prefixes(2**30)
    with torch.inference_mode():
        for prompts in ([(1, 5, 6), (1, 5, 6, 7, 8, 9)], [(1, 5, 6, 7, 9), (4,)]):
            for found in kept.read(read, [("ir", p) for p in prompts]).values():
                assert found.states.untyped_storage().nbytes() == found.states.nbytes
                assert found.logits.untyped_storage().nbytes() == found.logits.nbytes


def count_reading(engine: TransformersEngine) -> list[int]:
    """Tokens of each prompt as they are read; a read of one token looks like a step, and is left out."""
    read: list[int] = []
    forward = type(engine.model).forward

    def counting(self: Any, *args: Any, **kwargs: Any) -> Any:
        ids, mask = kwargs["input_ids"], kwargs["attention_mask"]
        if ids.shape[1] > 1:
            read.extend(mask[:, -ids.shape[1] :].sum(dim=1).tolist())
        return forward(self, *args, **kwargs)

    engine.model.forward = counting.__get__(engine.model)
    return read


def test_a_prompt_is_read_once(tiny_base: Path, adapters: dict[str, Path]) -> None:
    engine = make(tiny_base, adapters, 4)
    read = count_reading(engine)
    sampling = Sampling(1.0, max_new_tokens=4)
    asked = [GenRequest(i, ROLES[i % 2], "abc", sampling, seed=i) for i in range(10)]
    found = run(engine, asked)
    assert read == [4, 4]  # one for each adapter
    assert len({r.text for r in found.values()}) > 2


def test_a_beginning_is_read_once_for_each_adapter(
    tiny_base: Path, adapters: dict[str, Path]
) -> None:
    question = "How many apples are left?"  # and a token for the start of the text
    prompts = [question, question + " Take away.", question + " Add up.", question[:9], "Who?"]
    sampling = Sampling(1.0, max_new_tokens=12)
    asked = [
        GenRequest((role, p), role, p, sampling, seed=i)
        for i, p in enumerate(prompts)
        for role in ROLES
    ]
    alone = {r.key: run(make(tiny_base, adapters, 1), [r])[r.key] for r in asked}
    engine = make(tiny_base, adapters, 1)
    read = count_reading(engine)
    assert run(engine, asked) == alone
    # The last token of a prompt is read in any case, and says what comes next.
    assert read == [26] * 3 + [len(" Take away.")] * 3 + [len("Add up.")] * 3 + [3 + 1] * 3
    together = make(tiny_base, adapters, 100)  # three of different lengths begin differently here
    assert (
        run(together, [r for r in asked if r.prompt == question])
        | run(together, [r for r in asked if r.prompt != question])
        == alone
    )


def test_prompts_read_before_give_way_to_newer_ones() -> None:
    def prefix() -> Prefix:
        return Prefix(torch.zeros(1, 2, 1, 1, 5), torch.zeros(2))  # 48 bytes

    kept = Prefixes(2 * 48)
    for name in ("a", "b"):
        kept.put((name, (1,)), prefix())
    assert kept.get(("a", (1,))) is not None
    kept.put(("c", (1,)), prefix())
    assert [n for n in "abc" if kept.get((n, (1,))) is not None] == ["a", "c"]
    kept.put(("d", (1,)), Prefix(torch.zeros(1000), torch.zeros(2)))
    assert kept.get(("d", (1,))) is None


def test_the_longest_common_beginning_is_found() -> None:
    nothing = Prefix(torch.zeros(1), torch.zeros(1))  # 8 bytes
    kept = Prefixes(4 * 8)
    assert kept.n_shared(("a", (1, 2, 3))) == (0, ("a", (1, 2, 3)))
    for tokens in [(1, 2), (1, 2, 3, 4), (1, 2, 9), (0, 2, 3, 4, 5)]:
        kept.put(("a", tokens), nothing)
    assert kept.n_shared(("a", (1, 2, 3, 7))) == (3, ("a", (1, 2, 3, 4)))
    assert kept.n_shared(("a", (1, 2, 3))) == (2, ("a", (1, 2, 3, 4)))  # the last token is left
    assert kept.n_shared(("a", (1, 2, 10)))[0] == 2
    assert kept.n_shared(("a", (5,)))[0] == 0
    assert kept.n_shared(("b", (1, 2, 3)))[0] == 0
    kept.put(("a", (7, 7)), nothing)  # (1, 2) gives way
    kept.put(("a", (8, 8)), nothing)  # then (1, 2, 3, 4)
    assert kept.n_shared(("a", (1, 2, 3, 7))) == (2, ("a", (1, 2, 9)))


@pytest.mark.parametrize(
    ("memory", "after"), [("slots", {"read", "_admit"}), ("together", {"_admit"})]
)
def test_memory_is_given_back_whenever_prompts_were_read(
    tiny_base: Path,
    adapters: dict[str, Path],
    memory: str,
    after: set[str],
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    asked: list[str] = []
    monkeypatch.setattr(heap, "give_back", lambda: asked.append(sys._getframe(1).f_code.co_name))
    monkeypatch.setattr(ways, "_probe", lambda _: memory)
    run(make(tiny_base, adapters, 4), requests(Sampling(1.0, max_new_tokens=5), n=12))
    assert set(asked) == after
    assert asked.count("_admit") >= 3  # 12 prompts, 4 at a time
