"""The tokenizer's own template: what ends a turn is trained and stops; no day but the run's is told."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from lorid_data.errors import ConfigError
from lorid_train import formats
from lorid_train.models import base_model

pytestmark = pytest.mark.filterwarnings("ignore")
GEMMA = (
    "{{ bos_token }}{% for m in messages %}{{ '<start_of_turn>' + ('model' if m['role'] == 'assistant' else m['role'])"
    " + '\n' + m['content'] | trim + '<end_of_turn>\n' }}{% endfor %}"
    "{% if add_generation_prompt %}{{ '<start_of_turn>model\n' }}{% endif %}"
)
CHATML = (
    "{% for m in messages %}{{ '<|im_start|>' + m['role'] + '\n' + m['content'] + '<|im_end|>' + '\n' }}{% endfor %}"
    "{% if add_generation_prompt %}{{ '<|im_start|>assistant\n' }}{% endif %}"
)
MISTRAL = (
    "{{ bos_token }}{% for m in messages %}{% if m['role'] == 'user' %}{{ '[INST] ' + m['content'] + ' [/INST]' }}"
    "{% else %}{{ ' ' + m['content'] + eos_token }}{% endif %}{% endfor %}"
)
WORDS_ONLY = "{% for m in messages %}{{ m['role'] + ': ' + m['content'] + '\n\n' }}{% endfor %}"
DATED = "{{ '<start_of_turn>Today Date: ' + strftime_now('%d %b %Y') + '\n' }}" + GEMMA
LLAMA = (
    "{% if not date_string is defined %}{% if strftime_now is defined %}{% set date_string = strftime_now('%d %b %Y') %}"
    "{% else %}{% set date_string = '26 Jul 2024' %}{% endif %}{% endif %}{{ 'Today Date: ' + date_string + '\n' }}"
    + CHATML
)


def tokenizer(template: str | None, *more: str) -> Any:
    """One token for each byte and the markers of chats."""
    from tokenizers import Tokenizer, decoders, models, pre_tokenizers
    from transformers import PreTrainedTokenizerFast

    alphabet = sorted(pre_tokenizers.ByteLevel.alphabet())
    made = Tokenizer(
        models.BPE(vocab={t: i for i, t in enumerate(["<bos>", "<eos>", *alphabet])}, merges=[])
    )
    made.pre_tokenizer = pre_tokenizers.ByteLevel(add_prefix_space=False)
    made.decoder = decoders.ByteLevel()
    found = PreTrainedTokenizerFast(tokenizer_object=made, bos_token="<bos>", eos_token="<eos>")
    found.add_special_tokens({"additional_special_tokens": list(more)})
    found.chat_template = template
    return found


@pytest.mark.parametrize(
    ("template", "markers", "end"),
    [
        (GEMMA, ("<start_of_turn>", "<end_of_turn>"), "<end_of_turn>"),
        (CHATML, ("<|im_start|>", "<|im_end|>"), "<|im_end|>"),
        (MISTRAL, (), "<eos>"),
        (WORDS_ONLY, (), "<eos>"),
        (CHATML, (), "<eos>"),  # the markers are words to this tokenizer
    ],
)
def test_a_target_ends_as_the_template_ends_an_answer(
    template: str, markers: tuple[str, ...], end: str
) -> None:
    of = tokenizer(template, *markers)
    ids = formats.load("chat.v2").target_ids(of, "144.")
    assert of.convert_ids_to_tokens(ids[-1:]) == [end]
    assert of.decode(ids[:-1]) == "144."
    assert of.decode(formats.load("chat").target_ids(of, "144.")) == "144.<eos>"  # as it was


@pytest.mark.parametrize("name", ["chat", "chat.v2"])
def test_texts_stop_at_the_turns_end_and_where_the_model_says(name: str) -> None:
    of = tokenizer(GEMMA, "<start_of_turn>", "<end_of_turn>")
    end, eos = of.convert_tokens_to_ids(["<end_of_turn>", "<eos>"])
    assert formats.load(name).stop_ids(of) == sorted([eos, end])
    assert formats.load(name).stop_ids(of, [7, 9]) == sorted([eos, end, 7, 9])
    assert formats.load("plain").stop_ids(of, [7, 9]) == [eos]  # another format is not the model's


@pytest.mark.parametrize("template", [DATED, LLAMA])
@pytest.mark.parametrize("name", ["chat", "chat.v2"])
def test_a_prompt_is_the_same_on_every_day(
    template: str, name: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Whatever the clock says, the template is told the day of the run."""
    from transformers.utils import chat_template_utils

    of = tokenizer(template, "<start_of_turn>", "<end_of_turn>", "<|im_start|>", "<|im_end|>")
    texts = set()
    for year in (2025, 2031):

        class Day(chat_template_utils.datetime):  # type: ignore[name-defined,misc]
            @classmethod
            def now(cls, tz: Any = None, year: int = year) -> Any:
                return chat_template_utils.datetime(year, 1, 2, tzinfo=tz)

        monkeypatch.setattr(chat_template_utils, "datetime", Day)
        texts.add(formats.load(name).text(of, "Q?"))
        monkeypatch.undo()
    [text] = texts
    assert "26 Jul 2024" in text
    assert "03 Feb 2026" in formats.on(name, "2026-02-03").text(of, "Q?")


def test_a_day_that_cannot_be_frozen_is_refused() -> None:
    of = tokenizer("{% set how = '%d %b' %}{{ strftime_now(how) }}" + GEMMA)
    with pytest.raises(ConfigError, match="cannot be frozen"):
        formats.load("chat.v2").text(of, "Q?")


def test_a_day_that_is_none_is_refused() -> None:
    with pytest.raises(ConfigError, match="'yesterday' is no day"):
        formats.on("chat", "yesterday")


@pytest.mark.parametrize(
    ("name", "bos", "lacks"),
    [
        ("lf-0.9.2/qwen", (), "<|im_end|>"),
        ("lf-0.9.2/llama3", ("<|begin_of_text|>",), "<|end_of_text|>"),
        ("lf-0.9.2/deepseek", ("<｜begin▁of▁sentence｜>",), "<｜end▁of▁sentence｜>"),
        ("lf-0.9.2/mistral", ("<s>",), "</s>"),
        ("lf-0.6/llama2", ("<s>",), "</s>"),
    ],
)
def test_a_stop_token_that_the_tokenizer_lacks_is_refused(
    name: str, bos: tuple[str, ...], lacks: str
) -> None:
    """As pieces of text it would be learnt as text, and stop nothing."""
    with pytest.raises(ConfigError, match="does not know") as e:
        formats.load(name).target_ids(tokenizer(None, *bos), "r")
    assert repr(lacks) in str(e.value)
    known = tokenizer(None, *bos, lacks)
    assert known.convert_tokens_to_ids(lacks) in formats.load(name).target_ids(known, "r")


@pytest.mark.parametrize(
    ("body", "ends"),
    [({"eos_token_id": [1, 106]}, [1, 106]), ({"eos_token_id": 7}, [7]), ({}, []), (None, [])],
)
def test_what_the_model_itself_says_of_its_ends(
    body: dict[str, Any] | None, ends: list[int], tmp_path: Path
) -> None:
    if body is not None:
        (tmp_path / "generation_config.json").write_text(json.dumps(body))
    base = base_model.Base("x", str(tmp_path), None, "sha256:x")
    assert base_model.generation_ends(base) == ends
