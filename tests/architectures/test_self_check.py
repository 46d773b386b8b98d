"""The proof at load time: it finds what is wrong, takes a slower way that is right, or refuses."""

from __future__ import annotations

import runpy
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest
import torch

from lorid_data.errors import ConfigError
from lorid_train.engines import alone, batch, per_row_lora, prefix_cache, self_check, ways
from lorid_train.engines.ways import ALONE, BEST, Way
from lorid_train.roles import role as role_named

pytestmark = pytest.mark.filterwarnings("ignore")
SUPPORT = Path(__file__).parents[1] / "support"
tiny = SimpleNamespace(**runpy.run_path(str(SUPPORT / "tiny_models.py")))
ROLES = ("ir", "kg", "dr")
CONTENTS = ["abd", "abcabc", "abcabcx" * 3, "qq", "abcabc" + "zy" * 20, "abcabcx" * 9, "abc" * 30]


def made(model_type: str, folder: Path, **changes: Any) -> tuple[Path, dict[str, Path]]:
    base = tiny.tiny_model(model_type, folder / "base", **changes)
    return base, tiny.adapters(base, folder)


def prove(base: Path, of: dict[str, Path], *, merged: bool = False) -> tuple[Any, list[str]]:
    """The engine that is proved right, and what was said."""
    said: list[str] = []
    engine = self_check.prove(
        lambda: tiny.loaded(base, of),
        lambda model, way: tiny.engine(model, way, merged=merged),
        dict.fromkeys(of, CONTENTS), where="base 'tiny'", say=said.append,
    )  # fmt: skip
    return engine, said


def test_a_plain_model_goes_the_fastest_way_without_a_word(tmp_path: Path) -> None:
    engine, said = prove(*made("llama", tmp_path))
    assert engine.way == BEST
    assert not said


@pytest.mark.parametrize("merged", [False, True])
@pytest.mark.parametrize("model_type", ["gpt2", "opt", "jetmoe", "qwen2_moe"])
def test_flat_hidden_states_and_turned_weights(
    model_type: str, tmp_path: Path, *, merged: bool
) -> None:
    """OPT and experts see (B · T, width); GPT-2 keeps its weights as (in, out)."""
    engine, said = prove(*made(model_type, tmp_path), merged=merged)
    assert (engine.way, said) == (BEST, [])


def test_a_gap_where_columns_count_is_found_by_the_check_alone(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """What the configuration did not say is found on the model: texts stay right, and it is said."""
    monkeypatch.setattr("lorid_train.engines.transformers.counts_columns", lambda _: False)
    engine, said = prove(*made("mpt", tmp_path))
    assert engine.way == Way("together", mixed=True)
    assert "logits differ" in said[0]
    assert "slower" in said[0]


def test_an_engine_that_loses_track_of_its_rows_is_found(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    plain = prefix_cache._side_by_side

    def wrong(begun: Any, width: int) -> Any:
        states, mask = plain(begun, width)
        return states.flip(2), mask

    monkeypatch.setattr(prefix_cache, "_side_by_side", wrong)
    engine, _ = prove(*made("llama", tmp_path))
    assert engine.way.memory == "together"


@pytest.mark.parametrize("which", [*ROLES, *range(len(CONTENTS))])
def test_a_fault_of_generate_is_found_in_every_role_and_at_every_length(
    which: str | int, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Each length is held against one pass with one role after another, each role at several."""
    plain, read = alone.write, tiny.tokens
    lengths = [len(read(c)) for c in CONTENTS]
    assert len(set(lengths)) == len(lengths)

    def forgetful(model: Any, prompt: list[int], *args: Any, **kwargs: Any) -> list[int]:
        is_hit = model.active_adapter == which or (
            isinstance(which, int) and len(prompt) == lengths[which]
        )
        return plain(model, [1, 7, *prompt[2:]] if is_hit else prompt, *args, **kwargs)

    monkeypatch.setattr(alone, "write", forgetful)
    with pytest.raises(ConfigError, match="`generate` is not what one forward pass says"):
        prove(*made("llama", tmp_path))


@pytest.mark.parametrize("role", ROLES)
def test_an_engine_that_is_wrong_for_one_role_alone_is_found(
    role: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    plain = per_row_lora.RowAdapters.set

    def bare(self: Any, names: Any, *args: Any) -> None:
        plain(self, [None if n == role else n for n in names], *args)

    monkeypatch.setattr(per_row_lora.RowAdapters, "set", bare)
    engine, _ = prove(*made("llama", tmp_path))
    assert engine.way == Way("slots", mixed=False)


def test_an_engine_that_is_wrong_from_the_second_token_on_is_found(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    plain = batch.last_tokens

    def other(rows: Any, device: Any) -> Any:
        return plain(rows, device).roll(1)

    monkeypatch.setattr("lorid_train.engines.continuous_batch.last_tokens", other)
    engine, said = prove(*made("llama", tmp_path))
    assert engine.way.memory == "together"
    assert "logits differ" in said[0]


def test_the_checks_prompts_are_eight_lengths_for_each_role(
    tiny_base: Path,
) -> None:
    from lorid_train.evaluation import in_process

    model = SimpleNamespace(config=tiny.bare(tiny_base).config)
    model.config.max_position_embeddings = 4096
    of = SimpleNamespace(roles=ROLES, folders=dict.fromkeys(ROLES))
    adapters = SimpleNamespace(content=lambda name, *texts: role_named(name).content(*texts))
    prompts = in_process._prompts(of, adapters, model, len)
    for role in ROLES:
        assert len({len(p) for p in prompts[role]}) == 8
    assert max(len(p) for p in prompts["ir"]) > 1500  # over 512 tokens in any vocabulary


def test_mamba_goes_on_from_more_than_its_last_token(tmp_path: Path) -> None:
    """Its memory is called `cache_params`; given as anything else it would be lost."""
    engine, said = prove(*made("mamba", tmp_path))
    assert engine.way == Way("together", mixed=True)
    assert len(said) == 1


def test_keys_and_values_of_different_widths(tmp_path: Path) -> None:
    engine, _ = prove(*made("deepseek_v3", tmp_path))
    assert engine.way.memory == "together"


def test_a_model_that_takes_no_memory_is_generated_alone(tmp_path: Path) -> None:
    engine, said = prove(*made("openai-gpt", tmp_path))
    assert engine.way == ALONE
    assert "one row after another" in said[0]


def test_a_model_that_looks_ahead_is_refused(tmp_path: Path) -> None:
    with pytest.raises(ConfigError, match="`generate` is not what one forward pass says"):
        prove(*made("roberta", tmp_path))


def test_an_adapter_that_changes_nothing_is_refused(tmp_path: Path) -> None:
    base, of = made("llama", tmp_path)
    of |= tiny.adapters(base, tmp_path / "untrained", init_lora_weights=True)
    with pytest.raises(ConfigError, match="adapter 'ir': changes no logit"):
        prove(base, of)


def test_an_adapter_of_no_numbers_is_refused(tmp_path: Path) -> None:
    from safetensors.torch import load_file, save_file

    base, of = made("llama", tmp_path)
    file = of["kg"] / "adapter_model.safetensors"
    broken = load_file(file)
    broken[next(iter(broken))][0, 0] = float("nan")
    save_file(broken, str(file))
    with pytest.raises(ConfigError, match="holds what is no number"):
        prove(base, of)


def test_a_model_keeps_its_own_generation_settings_out_of_the_texts(tmp_path: Path) -> None:
    """A penalty for repetition in `generation_config.json` is none that a request asked for."""
    from transformers import GenerationConfig

    base, of = made("llama", tmp_path)
    GenerationConfig(repetition_penalty=9.0, suppress_tokens=[5, 6]).save_pretrained(base)
    engine, said = prove(base, of)
    assert (engine.way, said) == (BEST, [])


def test_a_probe_leaves_the_model_as_it_was(tmp_path: Path) -> None:
    base, of = made("llama", tmp_path)
    model = tiny.loaded(base, of)
    before = {k: v.clone() for k, v in model.state_dict().items()}
    ways.ways_of(model, mixed=True)
    assert all(torch.equal(before[k], v) for k, v in model.state_dict().items())
