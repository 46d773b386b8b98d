"""Chat templates are programs of others: one that does not end or multiplies is a sentence."""

from __future__ import annotations

import runpy
from pathlib import Path
from typing import Any

import pytest

from lorid_data.errors import ConfigError
from lorid_train import formats
from lorid_train.templating.rendering import render

pytestmark = pytest.mark.filterwarnings("ignore")
chats = runpy.run_path(str(Path(__file__).parents[1] / "unit" / "lorid_train" / "test_chat_formats.py"))  # fmt: skip
DEEP = "{% for a in range(99999) %}" * 4 + "{% endfor %}" * 4
HOSTILE = {
    "loops on a long text only": "{{ messages[0].content }}{% if messages[0].content | length > 50 %}" + DEEP + "{% endif %}",
    "multiplies": "{{ messages[0].content * 100000 }}",
    "doubles": "{% set n = namespace(x='ab') %}{% for i in range(40) %}{% set n.x = n.x ~ n.x %}{% endfor %}{{ n.x }}",
    "allocates": "{{ ('x' * 9999999999) | length }}",
    "computes": "{{ 9 ** (9 ** 9) }}",
    "calls itself": "{% macro f() %}{{ f() }}{% endmacro %}{{ f() }}",
    "pads": "{{ '%999999999d' | format(1) }}",
    "raises": "{{ raise_exception('no\x1b[31m') }}",
    "is no template": "{% for %}",
    "looks inside": "{{ messages.__class__.__mro__[1].__subclasses__() }}",
    "asks for ever": "{{ strftime_now('" * 3000,
}  # fmt: skip
LONG = "What is 2? " * 20


@pytest.mark.parametrize("name", HOSTILE)
def test_a_hostile_template_is_a_sentence(name: str) -> None:
    of = chats["tokenizer"](HOSTILE[name])
    with pytest.raises(ConfigError, match=r"chat template .*; use 'plain' or a named format"):
        formats.load("chat").prompt_ids(of, LONG)


def test_good_templates_render_on_after_a_hostile_one() -> None:
    of = chats["tokenizer"]("{{ messages[0].content }}" + DEEP)
    with pytest.raises(ConfigError, match="does not end"):
        formats.load("chat").prompt_ids(of, "Q")
    assert render("{{ messages[0].content }}!", [{"role": "user", "content": "Q"}], add_generation_prompt=True, names={}) == "Q!"  # fmt: skip


@pytest.mark.parametrize("name", ["GEMMA", "CHATML", "MISTRAL", "WORDS_ONLY", "LLAMA"])
@pytest.mark.parametrize("content", ["What is 2?", "é½\n\u2028 ", "</s><|im_end|>", "", " x "])
def test_real_templates_give_what_transformers_gives(name: str, content: str) -> None:
    of: Any = chats["tokenizer"](chats[name], "<|im_start|>", "<|im_end|>")
    messages = [{"role": "user", "content": content}]
    dated = formats.load("chat")._on_its_day(chats[name])
    own = of.apply_chat_template(messages, tokenize=False, add_generation_prompt=True, chat_template=dated)  # fmt: skip
    ours = formats.load("chat")._templated(of, messages, add_generation_prompt=True)
    assert ours == own
