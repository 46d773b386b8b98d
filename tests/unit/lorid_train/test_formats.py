"""Rendered prompts, byte for byte, and tokens made piece by piece."""

from __future__ import annotations

from typing import ClassVar

import pytest

from lorid_data.errors import ConfigError
from lorid_train import formats, roles

KG = "Please output knowledge needed to solve the MATH question step by step.\nQuestion: Q?\n\nKnowledge: "
SYSTEM = (
    "You are a helpful, respectful and honest assistant. Always answer as helpfully as possible, while being safe. "
    "Your answers should not include any harmful, unethical, racist, sexist, toxic, dangerous, or illegal content. "
    "Please ensure that your responses are socially unbiased and positive in nature.\n\nIf a question does not make "
    "any sense, or is not factually coherent, explain why instead of answering something not correct. If you don't "
    "know the answer to a question, please don't share false information."
)
RENDERED = {
    "plain": (KG + "\n", "", None),
    "lf-0.9.2/llama2": (f"<s>[INST] {KG} [/INST]", "", "</s>"),
    "lf-0.9.2/llama3": (
        f"<|begin_of_text|><|start_header_id|>user<|end_header_id|>\n\n{KG}<|eot_id|>"
        "<|start_header_id|>assistant<|end_header_id|>\n\n",
        "",
        "<|end_of_text|>",
    ),
    "lf-0.9.2/mistral": (f"<s>[INST] {KG}[/INST]", " ", "</s>"),
    "lf-0.9.2/qwen": (
        "<|im_start|>system\nYou are a helpful assistant.<|im_end|>\n<|im_start|>user\n"
        f"{KG}<|im_end|>\n<|im_start|>assistant\n",
        "",
        "<|im_end|>\n",
    ),
    "lf-0.9.2/deepseek": (
        f"<｜begin▁of▁sentence｜>User: {KG}\n\nAssistant:",
        "",
        "<｜end▁of▁sentence｜>",
    ),
    "lf-0.6/llama2": (f"<s>[INST] <<SYS>>\n{SYSTEM}\n<</SYS>>\n\n{KG} [/INST]", "", "</s>"),
    "lf-0.6/mistral": (f"<s>[INST] {KG} [/INST]", "", "</s>"),
    "lf-0.6.3/mistral": (f"<s> [INST] {KG} [/INST]", "", "</s>"),
}


@pytest.mark.parametrize("name", RENDERED)
def test_rendered_byte_for_byte(name: str) -> None:
    fmt = formats.load(name)
    prompt, prefix, suffix = RENDERED[name]
    assert fmt.render(roles.role("kg").content("Q?")) == prompt
    assert (fmt.target_prefix, fmt.target_suffix) == (prefix, suffix)


def test_all_formats_are_tested() -> None:
    assert set(formats.names()) == {*RENDERED, "chat", "chat.v2"}


def test_arguments_are_never_stripped_and_braces_stay() -> None:
    content = roles.role("dr").content("  {content} {knowledge}\n", " {question} ")
    assert (
        "Question:   {content} {knowledge}\n\n\nKnowledge:  {question} \n\nRationale: " in content
    )
    assert formats.load("lf-0.9.2/llama2").render(content) == f"<s>[INST] {content} [/INST]"


def test_unknown_format_names_the_known_ones() -> None:
    with pytest.raises(ConfigError, match=r"lf-0\.9\.2/qwen"):
        formats.load("lf-1/qwen")


def test_chat_needs_a_tokenizer() -> None:
    with pytest.raises(ConfigError, match="needs a tokenizer"):
        formats.load("chat").render("x")


class CharTokenizer:
    """One id per character, and names for a few special tokens."""

    bos_token_id: int | None = 1
    eos_token_id: int | None = 2
    unk_token_id = 0
    chat_template: str | None = None
    special: ClassVar = {"<s>": 1, "</s>": 2, "<|im_end|>": 3}

    all_special_ids = (1, 2, 3)

    def encode(self, text: str, *, add_special_tokens: bool, split_special_tokens: bool = False) -> list[int]:  # fmt: skip
        assert not add_special_tokens
        ids: list[int] = []
        known = {} if split_special_tokens else self.special
        while text:
            token = next((t for t in known if text.startswith(t)), text[0])
            ids.append(known[token] if token in known else ord(token))
            text = text[len(token) :]
        return ids

    def decode(self, token_ids: list[int]) -> str:
        names = {i: t for t, i in self.special.items()}
        return "".join(names.get(i) or chr(i) for i in token_ids)

    def convert_tokens_to_ids(self, tokens: str) -> int | None:
        return self.special.get(tokens, 0)

    def apply_chat_template(self, conversation: list[dict[str, str]], **kwargs: object) -> str:
        assert kwargs == {"tokenize": False, "add_generation_prompt": True}
        return f"<s>U:{conversation[0]['content']}|A:"


def test_begin_token_first_and_end_token_last() -> None:
    fmt = formats.load("lf-0.9.2/mistral")
    assert fmt.prompt_ids(CharTokenizer(), "q") == [1, *map(ord, "[INST] q[/INST]")]
    assert fmt.target_ids(CharTokenizer(), "r") == [ord(" "), ord("r"), 2]
    assert fmt.stop_ids(CharTokenizer()) == [2]


def test_qwen_ends_with_its_token_and_a_line_break() -> None:
    fmt = formats.load("lf-0.9.2/qwen")
    assert fmt.prompt_ids(CharTokenizer(), "q")[0] == ord("<")  # no begin token
    assert fmt.target_ids(CharTokenizer(), "r") == [ord("r"), 3, ord("\n")]
    assert fmt.stop_ids(CharTokenizer()) == [2, 3]


def test_plain_uses_the_tokenizers_own_tokens() -> None:
    fmt = formats.load("plain")
    assert fmt.prompt_ids(CharTokenizer(), "q") == [1, ord("q"), ord("\n")]
    assert fmt.target_ids(CharTokenizer(), "r") == [ord("r"), 2]


def test_a_tokenizer_without_end_token_is_refused() -> None:
    tokenizer = CharTokenizer()
    tokenizer.eos_token_id = None
    with pytest.raises(ConfigError, match="end-of-sequence"):
        formats.load("plain").target_ids(tokenizer, "r")


def test_another_models_begin_token_is_refused() -> None:
    with pytest.raises(ConfigError, match="another model"):
        formats.load("lf-0.9.2/llama3").prompt_ids(CharTokenizer(), "q")


def test_chat_uses_the_template_or_refuses() -> None:
    fmt = formats.load("chat")
    tokenizer = CharTokenizer()
    with pytest.raises(ConfigError, match="no chat template"):
        fmt.prompt_ids(tokenizer, "q")
    tokenizer.chat_template = "{{ x }}"
    assert fmt.prompt_ids(tokenizer, "q") == [1, *map(ord, "U:q|A:")]


@pytest.mark.parametrize(
    ("template", "name"),
    [
        ("{{ 'You are a helpful, respectful and honest assistant' }} [INST]", "lf-0.6/llama2"),
        ("{{ '[INST] ' + content + ' [/INST]' }}", "lf-0.6/mistral"),
        ("{{ ' [INST] ' + content + ' [/INST]' }}", "lf-0.6.3/mistral"),
        ("{{ '<|im_start|>' }}", "lf-0.9.2/qwen"),
        ("nothing known", None),
    ],
)
def test_detect_reads_the_adapters_own_template(template: str, name: str | None) -> None:
    assert formats.detect(template) == name
