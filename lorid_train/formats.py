"""Formats: how a role's text becomes the exact text and the exact tokens that a model sees.

A format is a file under `prompts/formats/`: `plain`, `chat` and `chat.v2` (the tokenizer's own
template), or a template of LLaMA-Factory, named VERSION/TEMPLATE, byte for byte. Its name and
sha256 travel with every adapter. Tokens are made piece by piece, `[bos] + encode(text)`, as LLaMA-Factory does:
tokenising the rendered string instead gives other ids on SentencePiece models.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import date
from functools import cache
from typing import Any, Protocol

import yaml

from lorid_data import prompts
from lorid_data.errors import ConfigError
from lorid_data.schema import sha256_text

TEMPLATE_DATE = "2024-07-26"
"""The day that chat templates are told where they ask for one, as ISO 8601.

A template that writes today's date would give other prompts on every day. This is the day that
the templates of Llama 3 fall back to themselves.
"""
_ASKS_THE_DAY = re.compile(r"""strftime_now\(\s*(["'])(.*?)\1\s*\)""")
_NEWEST = {"chat": "chat.v2"}
_ANSWER = "An-answer-of-one-word"


class Tokenizer(Protocol):
    """What formats use of a Hugging Face tokenizer."""

    bos_token_id: int | None
    eos_token_id: int | None
    chat_template: str | None

    def encode(self, text: str, *, add_special_tokens: bool) -> list[int]:
        """Text to ids."""
        ...

    def decode(self, token_ids: list[int]) -> str:
        """Ids to text."""
        ...

    def convert_tokens_to_ids(self, tokens: str) -> int | None:
        """Id of one token."""
        ...

    def apply_chat_template(self, conversation: Any, **kwargs: Any) -> Any:
        """Messages to text."""
        ...


@dataclass(frozen=True, slots=True)
class Format:
    """A prompt format. None stands for the tokenizer's own token or template."""

    name: str
    sha256: str
    bos: str | None
    prompt: str | None
    """Template of the prompt with `{content}`, without the begin token; None for `chat`."""
    target_prefix: str
    target_suffix: str | None
    stop: tuple[str, ...]
    turn_end: bool = False
    """Whether a target ends as the tokenizer's template ends an answer."""
    date: str = TEMPLATE_DATE
    """The day that a template is told, as ISO 8601; it is an adapter's, not the format's."""

    def render(self, content: str) -> str:
        """The exact text a model sees before it writes; nothing is stripped.

        Raises:
            ConfigError: the format is `chat`, whose text depends on the tokenizer.
        """
        if self.prompt is None:
            msg = "the format 'chat' is the tokenizer's own template; its text needs a tokenizer"
            raise ConfigError(msg)
        return (self.bos or "") + self.prompt.replace("{content}", content, 1)

    def text(self, tokenizer: Tokenizer, content: str) -> str:
        """`render`, for every format: the text of `chat` is the tokenizer's to make."""
        if self.prompt is not None:
            return self.render(content)
        return tokenizer.decode(self.prompt_ids(tokenizer, content))

    def prompt_ids(self, tokenizer: Tokenizer, content: str) -> list[int]:
        """Token ids of the prompt, begin token included."""
        if self.prompt is None:
            return self._chat_ids(tokenizer, content)
        text = self.prompt.replace("{content}", content, 1)
        return [*self._bos_ids(tokenizer), *tokenizer.encode(text, add_special_tokens=False)]

    def target_ids(self, tokenizer: Tokenizer, target: str) -> list[int]:
        """Token ids of the target, end of sequence included: all that the loss is taken on."""
        text = self.target_prefix + target
        if self.turn_end and (ending := self._turn_end(tokenizer)):
            return [*tokenizer.encode(text, add_special_tokens=False), *ending]
        if self.target_suffix is None:
            end = tokenizer.eos_token_id
            if end is None:
                msg = (
                    "the tokenizer has no end-of-sequence token; set eos_token in its configuration"
                )
                raise ConfigError(msg)
            return [*tokenizer.encode(text, add_special_tokens=False), end]
        single = _token_id(tokenizer, self.target_suffix)
        if single is not None:
            return [*tokenizer.encode(text, add_special_tokens=False), single]
        for token in self.stop:
            if token in self.target_suffix and _token_id(tokenizer, token) is None:
                msg = f"format {self.name!r}: the tokenizer does not know {token!r}, which ends a text; is it another model's?"
                raise ConfigError(msg)
        return tokenizer.encode(text + self.target_suffix, add_special_tokens=False)

    def stop_ids(self, tokenizer: Tokenizer, of_model: Sequence[int] = ()) -> list[int]:
        """Ids that end a generation: the tokenizer's end token and the format's stop tokens.

        For a template, also the token that ends its turns and those of the model's own settings.

        Args:
            tokenizer: of the base model.
            of_model: ids in `generation_config.json`; they count where the format is the model's.
        """
        ids = [_token_id(tokenizer, s) for s in self.stop]
        if self.prompt is None:
            ids += [*self._turn_end(tokenizer)[-1:], *of_model]
        ids.append(tokenizer.eos_token_id)
        return sorted({i for i in ids if i is not None})

    def _bos_ids(self, tokenizer: Tokenizer) -> list[int]:
        if self.bos == "":
            return []
        if self.bos is None:
            return [] if tokenizer.bos_token_id is None else [tokenizer.bos_token_id]
        found = _token_id(tokenizer, self.bos)
        if found is None:
            msg = f"format {self.name!r}: the tokenizer does not know {self.bos!r}; is it another model's?"
            raise ConfigError(msg)
        return [found]

    def _chat_ids(self, tokenizer: Tokenizer, content: str) -> list[int]:
        messages = [{"role": "user", "content": content}]
        text = self._templated(tokenizer, messages, add_generation_prompt=True)
        return tokenizer.encode(text, add_special_tokens=False)

    def _templated(
        self, tokenizer: Tokenizer, messages: Any, *, add_generation_prompt: bool
    ) -> str:
        """The text of the tokenizer's own template, on the format's day."""
        if not tokenizer.chat_template:
            msg = f"format {self.name!r}: this tokenizer has no chat template; use 'plain' or a named format"
            raise ConfigError(msg)
        day = {}
        if "strftime_now" in str(tokenizer.chat_template):
            day["chat_template"] = self._on_its_day(tokenizer.chat_template)
        return str(
            tokenizer.apply_chat_template(
                messages, tokenize=False, add_generation_prompt=add_generation_prompt, **day
            )
        )

    def _on_its_day(self, template: Any) -> str:
        """A template with the format's day in the place of today's.

        Raises:
            ConfigError: it asks for the day in a way that is not read here.
        """
        text = str(template.get("default", "") if isinstance(template, dict) else template)
        day = date.fromisoformat(self.date)
        text = _ASKS_THE_DAY.sub(lambda found: repr(day.strftime(found[2])), text)
        if "strftime_now(" in text:
            msg = f"format {self.name!r}: the chat template writes the date of today, in a way that cannot be frozen; use 'plain' or a named format"
            raise ConfigError(msg)
        return text

    def _turn_end(self, tokenizer: Tokenizer) -> list[int]:
        """How the template ends an answer, up to its first special token; empty if it has none."""
        if not tokenizer.chat_template:
            return []
        messages = [{"role": "user", "content": "Q"}, {"role": "assistant", "content": _ANSWER}]
        text = self._templated(tokenizer, messages, add_generation_prompt=False)
        ids = tokenizer.encode(text.rpartition(_ANSWER)[2], add_special_tokens=False)
        special = {
            *getattr(tokenizer, "all_special_ids", ()),
            *getattr(tokenizer, "added_tokens_decoder", ()),
        }
        first = next((i for i, token in enumerate(ids) if token in special), None)
        return [] if first is None else ids[: first + 1]


def _token_id(tokenizer: Tokenizer, token: str) -> int | None:
    """The id of a special token, or None if the text is not one token of this vocabulary."""
    found = tokenizer.convert_tokens_to_ids(token)
    unknown = getattr(tokenizer, "unk_token_id", None)
    return None if found is None or found == unknown else found


@cache
def load(name: str) -> Format:
    """The format of that name.

    Raises:
        ConfigError: there is none; the known ones are named.
    """
    if name not in names():
        msg = f"unknown format {name!r}; there are {', '.join(names())}"
        raise ConfigError(msg)
    path = prompts.root() / "formats" / f"{name}.yaml"
    text = path.read_bytes().decode("utf-8")
    body = yaml.safe_load(text)
    body["stop"] = tuple(body["stop"])
    return Format(name=name, sha256=sha256_text(text), **body)


def newest(name: str) -> str:
    """The newest format of that name, for a new training; old adapters keep the one on their card."""
    return _NEWEST.get(name, name)


def on(name: str, day: str | None) -> Format:
    """The format of that name, whose template is told that day; None is `TEMPLATE_DATE`.

    Raises:
        ConfigError: there is no such format, or that is no day.
    """
    try:
        date.fromisoformat(day or TEMPLATE_DATE)
    except ValueError as e:
        msg = f"template_date: {day!r} is no day; write it as {TEMPLATE_DATE!r}"
        raise ConfigError(msg) from e
    return replace(load(name), date=day or TEMPLATE_DATE)


@cache
def names() -> tuple[str, ...]:
    """All known formats."""
    folder = prompts.root() / "formats"
    return tuple(sorted(str(p.relative_to(folder).with_suffix("")) for p in folder.rglob("*.yaml")))


def detect(chat_template: str) -> str | None:
    """The format that an adapter saved by LLaMA-Factory was trained with, from its chat template.

    LLaMA-Factory stores the template it trained with in `tokenizer_config.json`. The released
    LoRID adapters carry those of v0.6.x, not those of the code in their repository.
    Returns None for a template that is none of these.
    """
    if "[INST]" in chat_template:
        if "respectful and honest" in chat_template:
            return "lf-0.6/llama2"
        if "<<SYS>>" in chat_template:
            return "lf-0.9.2/llama2"
        if "' [INST] '" in chat_template:
            return "lf-0.6.3/mistral"
        return "lf-0.6/mistral" if "' [/INST]'" in chat_template else "lf-0.9.2/mistral"
    signs = {"<|start_header_id|>": "llama3", "<|im_start|>": "qwen", "Assistant:": "deepseek"}
    return next((f"lf-0.9.2/{t}" for sign, t in signs.items() if sign in chat_template), None)
